import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readServerSentEvents, type ServerSentEvent } from '../../../demo/server-sent-events.js';

async function read(chunks: Iterable<Uint8Array>): Promise<ServerSentEvent[]> {
  const source = (async function* () {
    yield* chunks;
  })();
  const events: ServerSentEvent[] = [];
  for await (const event of readServerSentEvents(source)) events.push(event);
  return events;
}

const STREAM =
  ': stream\nretry: 2000\n\nid: 7\nevent: provision\ndata: {"a":"ä"}\n\n: beat\n\ndata: one\ndata: two\n\n';
const EVENTS = [{ id: '7', event: 'provision', data: '{"a":"ä"}' }, { data: 'one\ntwo' }];

describe('readServerSentEvents', () => {
  it('gives events, and passes over comments and what has no data', async () => {
    expect(await read([Buffer.from(STREAM)])).toEqual(EVENTS);
    expect(await read([Buffer.from(STREAM.replaceAll('\n', '\r\n'))])).toEqual(EVENTS);
  });

  it('does not mind where the stream is cut', async () => {
    const bytes = Buffer.from(STREAM);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: bytes.length })), async (cuts) => {
        const places = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        const parts = places.slice(1).map((to, i) => bytes.subarray(places[i], to));
        expect(await read(parts)).toEqual(EVENTS);
      }),
      { numRuns: 200 },
    );
  });

  it('gives nothing of an event that was cut off', async () => {
    expect(await read([Buffer.from('data: half')])).toEqual([]);
  });
});
