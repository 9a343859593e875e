import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket, Server as TcpServer } from 'node:net';
import { Readable, Transform } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

/** Faults of serving a file; several may be set at once, and `times` ends one after so many uses. */
export type ImageFault = { times?: number } & (
  | { kind: 'no-last-modified' }
  | { kind: 'no-length' }
  | { kind: 'no-store' }
  /** The connection is reset (RST) after so many bytes of a body. */
  | { kind: 'reset'; after: number }
  /** The connection is closed early by FIN after so many bytes of a body. */
  | { kind: 'truncated'; after: number }
  /** The body never ends; there is no Content-Length. */
  | { kind: 'endless' }
  /** Content-Length is too great by so many bytes (negative: too small). */
  | { kind: 'wrong-length'; by: number }
  /** All bits of the byte at this offset of the file are inverted. */
  | { kind: 'corrupt'; at: number }
  /** Range is ignored: 200 and the whole file instead of 206. */
  | { kind: 'ignore-range' }
  /** From the next request on the file is another one: other validators, and all bits inverted. */
  | { kind: 'changed' }
  | { kind: 'status'; code: number; retryAfter?: number }
  | { kind: 'slow'; bytesPerSecond: number }
  /** Accepts the request and never answers. */
  | { kind: 'silent' }
  | { kind: 'redirect'; to: string }
);

export interface ImageRequest {
  method: string;
  path: string;
  /** The Range header; empty: absent. */
  range: string;
  status: number;
  /** Bytes of the body that were written to the connection. */
  sent: number;
  authorization: string;
}

interface Published {
  size: number;
  lastModified: Date;
  open(start: number, end: number): Readable;
  faults: { fault: ImageFault; left: number }[];
}

/** An HTTP server for images with faults for each path; it records its requests. */
export class ImageServer implements AsyncDisposable {
  readonly requests: ImageRequest[] = [];
  readonly #files = new Map<string, Published>();
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => socket.destroy()); // a client that disconnects is no fault
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  /** @param where an address, or a server that listens already, such as one from a network namespace */
  static async listen(where: { host?: string; port?: number } | TcpServer = {}): Promise<ImageServer> {
    const server = new ImageServer();
    if ('address' in where) server.#server.listen(where);
    else server.#server.listen(where.port ?? 0, where.host ?? '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  url(path: string): string {
    const { address, port } = this.#server.address() as AddressInfo;
    return `http://${address}:${port}${path}`;
  }

  /** Serves a file, or bytes, under a path; a second call replaces the first and its faults. */
  publish(path: string, source: string | Uint8Array, options: { lastModified?: Date } = {}): void {
    const lastModified = options.lastModified ?? new Date(1_700_000_000_000);
    const faults: Published['faults'] = [];
    this.#files.set(
      path,
      typeof source === 'string'
        ? {
            size: statSync(source).size,
            lastModified,
            open: (start, end) =>
              end < start ? Readable.from([]) : createReadStream(source, { start, end }),
            faults,
          }
        : {
            size: source.length,
            lastModified,
            open: (start, end) => Readable.from(chunks(source.subarray(start, end + 1))),
            faults,
          },
    );
  }

  /** Replaces the faults of a path. @throws Error when nothing is published there */
  setFaults(path: string, ...faults: readonly ImageFault[]): void {
    const file = this.#files.get(path);
    if (file === undefined) throw new Error(`nothing is published at ${path}`);
    file.faults = faults.map((fault) => ({ fault, left: fault.times ?? Number.POSITIVE_INFINITY }));
  }

  /** Number of requests for a path, optionally of one method. */
  count(path: string, method?: string): number {
    return this.requests.filter((r) => r.path === path && (method === undefined || r.method === method))
      .length;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? '/', 'http://images').pathname;
    const { range = '', authorization = '' } = request.headers;
    const record: ImageRequest = {
      method: request.method ?? '',
      path,
      range,
      status: 0,
      sent: 0,
      authorization,
    };
    this.requests.push(record);
    const answer = (status: number, headers: Record<string, string | number> = {}) => {
      record.status = status;
      response.writeHead(status, headers);
    };
    const file = this.#files.get(path);
    if (file === undefined || (request.method !== 'GET' && request.method !== 'HEAD')) {
      answer(file === undefined ? 404 : 405);
      response.end();
      return;
    }
    const fault = take(file);
    if (fault('silent')) return;
    const status = fault('status');
    if (status) {
      answer(status.code, status.retryAfter === undefined ? {} : { 'retry-after': status.retryAfter });
      response.end();
      return;
    }
    const redirect = fault('redirect');
    if (redirect) {
      answer(302, { location: redirect.to });
      response.end();
      return;
    }
    const changed = fault('changed') !== undefined;
    const lastModified = new Date(file.lastModified.getTime() + (changed ? 3_600_000 : 0)).toUTCString();
    const etag = `"${createHash('sha1').update(`${path} ${file.size} ${lastModified}`).digest('hex')}"`;
    const headers: Record<string, string | number> = { 'content-type': 'application/octet-stream', etag };
    if (!fault('no-last-modified')) headers['last-modified'] = lastModified;
    if (fault('no-store')) headers['cache-control'] = 'no-store';

    const asked = fault('ignore-range') ? undefined : parseRange(range, file.size);
    // If-Range (RFC 9110 §13.1.5): if the validator differs, the range is ignored.
    const ifRange = request.headers['if-range'];
    const part = ifRange !== undefined && ifRange !== etag && ifRange !== lastModified ? undefined : asked;
    if (part === 'unsatisfiable') {
      answer(416, { 'content-range': `bytes */${file.size}` });
      response.end();
      return;
    }
    const [start, end] = part ?? [0, file.size - 1];
    const length = end - start + 1;
    const endless = fault('endless') !== undefined;
    if (!endless && !fault('no-length'))
      headers['content-length'] = Math.max(0, length + (fault('wrong-length')?.by ?? 0));
    headers['accept-ranges'] = 'bytes';
    if (part !== undefined) headers['content-range'] = `bytes ${start}-${end}/${file.size}`;
    answer(part === undefined ? 200 : 206, headers);
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    const corrupt = fault('corrupt')?.at;
    const cut = fault('reset') ?? fault('truncated');
    const speed = fault('slow')?.bytesPerSecond;
    const { socket } = request;
    let offset = start;
    const send = async (chunk: Buffer): Promise<boolean> => {
      const bytes = Buffer.from(chunk);
      if (changed) for (let i = 0; i < bytes.length; i++) bytes[i]! ^= 0xff;
      if (corrupt !== undefined && corrupt >= offset && corrupt < offset + bytes.length)
        bytes[corrupt - offset]! ^= 0xff;
      offset += bytes.length;
      const room = cut === undefined ? bytes.length : Math.max(0, cut.after - record.sent);
      const some = bytes.subarray(0, room);
      record.sent += some.length;
      if (some.length > 0 && !response.write(some) && !socket.destroyed) await drained(response, socket);
      if (socket.destroyed) return false;
      if (cut !== undefined && record.sent >= cut.after) {
        await flushed(response);
        if (cut.kind === 'reset') socket.resetAndDestroy();
        else socket.end();
        return false;
      }
      if (speed !== undefined) await sleep((some.length / speed) * 1000);
      return true;
    };
    for await (const chunk of file.open(start, end).pipe(slices()))
      if (!(await send(chunk as Buffer))) return;
    const filler = Buffer.alloc(64 * 1024, 0x5a);
    while (endless) if (!(await send(filler))) return;
    const said = headers['content-length'];
    // Content-Length exceeds the body: FIN, as from a server whose file was truncated meanwhile.
    if (typeof said === 'number' && said > record.sent) socket.end();
    else response.end();
  }
}

function take(file: Published) {
  const active = file.faults.filter(({ left }) => left > 0);
  for (const entry of active) entry.left--;
  return <K extends ImageFault['kind']>(kind: K): Extract<ImageFault, { kind: K }> | undefined =>
    active.map(({ fault }) => fault).find((f): f is Extract<ImageFault, { kind: K }> => f.kind === kind);
}

function parseRange(range: string, size: number): [number, number] | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(range);
  if (match === null || (match[1] === '' && match[2] === '')) return undefined;
  if (match[1] === '') return [Math.max(0, size - Number(match[2])), size - 1];
  const start = Number(match[1]);
  const end = match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1);
  return start >= size || end < start ? 'unsatisfiable' : [start, end];
}

/** Slices small enough that the rate limit and the cuts take effect at the right byte. */
function slices(): Transform {
  return new Transform({
    transform(chunk: Buffer, _, done) {
      for (let at = 0; at < chunk.length; at += 64 * 1024) this.push(chunk.subarray(at, at + 64 * 1024));
      done();
    },
  });
}

function* chunks(bytes: Uint8Array): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 256 * 1024)
    yield Buffer.from(bytes.subarray(at, at + 256 * 1024));
}

/** Resolves when the response accepts more data, or the client has disconnected. */
function drained(response: ServerResponse, socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done);
      socket.off('close', done);
      resolve();
    };
    response.on('drain', done);
    socket.on('close', done);
  });
}

function flushed(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    response.write('', () => resolve());
  });
}
