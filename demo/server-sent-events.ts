export interface ServerSentEvent {
  id?: string;
  event?: string;
  data: string;
}

/**
 * Decodes an event stream (HTML Living Standard §9.2.6), the parts that servers of it use: id, event, data, comments.
 */
export async function* readServerSentEvents(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<ServerSentEvent> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of chunks) {
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split(/\r?\n\r?\n/);
    text = blocks.pop()!;
    for (const block of blocks) {
      const message = decodeBlock(block);
      if (message !== null) yield message;
    }
  }
}

function decodeBlock(block: string): ServerSentEvent | null {
  const data: string[] = [];
  const message: Omit<ServerSentEvent, 'data'> = {};
  for (const line of block.split(/\r?\n/)) {
    const match = /^(id|event|data):? ?(.*)$/.exec(line);
    if (match === null) continue;
    const [, field, value = ''] = match;
    if (field === 'data') data.push(value);
    else message[field as 'id' | 'event'] = value;
  }
  return data.length === 0 ? null : { ...message, data: data.join('\n') };
}
