import http from 'node:http';

/** The newest microversion of Debian's Ironic. */
export const VERSION_HEADERS = {
  'x-openstack-ironic-api-version': '1.82',
  accept: 'application/json',
} as const;

export type Json = Record<string, unknown>;

/** One of the two servers, with its nodes. */
export class ApiSide {
  /** UUIDs of the enrolled nodes, in order. */
  readonly uuids: string[] = [];
  readonly #agent: http.Agent;

  /** @param base URL without a trailing slash */
  constructor(
    readonly name: string,
    readonly base: string,
    private readonly signal: AbortSignal,
  ) {
    this.#agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
  }

  /** @throws Error for a status of 400 and more */
  async call(method: string, path: string, body?: unknown): Promise<Json> {
    const { status, text } = await this.#send(method, path, body === undefined ? null : JSON.stringify(body));
    if (status >= 400) throw new Error(`${this.name}: ${method} ${path}: ${status} ${text.slice(0, 1_000)}`);
    return text === '' ? {} : (JSON.parse(text) as Json);
  }

  close(): void {
    this.#agent.destroy();
  }

  #send(method: string, path: string, body: string | null): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const request = http.request(`${this.base}${path}`, {
        method,
        agent: this.#agent,
        signal: this.signal,
        headers: {
          ...VERSION_HEADERS,
          ...(body === null
            ? {}
            : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }),
        },
      });
      request.once('error', reject);
      request.once('response', (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.once('error', reject);
        response.once('end', () => resolve({ status: response.statusCode!, text }));
      });
      request.end(body ?? undefined);
    });
  }
}

/** Runs work on each item, with limited concurrency. */
export async function each<T>(
  items: readonly T[],
  parallel: number,
  work: (item: T, index: number) => Promise<unknown>,
): Promise<void> {
  const queue = items.entries();
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      for (const [index, item] of queue) await work(item, index);
    }),
  );
}
