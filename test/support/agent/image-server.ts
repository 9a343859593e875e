import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SeenRequest {
  url: string;
  range: string | undefined;
  authorization: string | undefined;
}

/** Serves bytes with Range support; faults on request. */
export class ImageServer {
  readonly requests: SeenRequest[] = [];
  readonly content = new Map<string, Buffer>();
  /** The next responses are cut after this many bytes. */
  cuts: number[] = [];
  /** Error statuses of the next requests. */
  refusals: number[] = [];
  ranges = true;
  /** Path → target of its redirect. */
  readonly redirects = new Map<string, string>();
  /** Rate of responses, bytes per second; undefined: unlimited. */
  rate: number | undefined;
  private readonly server = http.createServer((request, response) => void this.serve(request, response));

  static async start(): Promise<ImageServer> {
    const server = new ImageServer();
    server.server.listen(0, '127.0.0.1');
    await once(server.server, 'listening');
    return server;
  }

  url(path: string): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/${path}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private async serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { range, authorization } = request.headers;
    this.requests.push({ url: request.url!, range, authorization });
    const location = this.redirects.get(request.url!.slice(1));
    if (location !== undefined) {
      response.writeHead(302, { location }).end();
      return;
    }
    const refusal = this.refusals.shift();
    const content = this.content.get(request.url!.slice(1));
    if (refusal || !content) {
      response.writeHead(refusal ?? 404);
      response.end();
      return;
    }
    const start = this.ranges ? Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0) : 0;
    const body = content.subarray(start);
    response.writeHead(start > 0 ? 206 : 200, {
      'content-length': body.length,
      'accept-ranges': this.ranges ? 'bytes' : 'none',
      etag: '"v1"',
      ...(start > 0 ? { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` } : {}),
    });
    const cut = this.cuts.shift();
    const upTo = cut === undefined ? body.length : Math.min(cut, body.length);
    for (let at = 0; at < upTo; at += 65_536) {
      response.write(body.subarray(at, Math.min(at + 65_536, upTo)));
      if (this.rate) await new Promise((resolve) => setTimeout(resolve, (65_536 / this.rate!) * 1000));
      if (response.writableNeedDrain) await drained(response);
    }
    if (cut === undefined) response.end();
    else response.destroy();
  }
}

async function drained(response: http.ServerResponse): Promise<void> {
  const either = new AbortController();
  await Promise.race(['drain', 'close'].map((event) => once(response, event, { signal: either.signal })));
  either.abort();
}
