import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { bootUrl, type NetbootSection } from '../../config/section/netboot.js';
import { isDatabaseAway, messageOf } from '../../domain/errors.js';
import { contained } from '../../platform/boundary.js';
import { capConnections } from '../../platform/connection-cap.js';
import { Drain } from '../../platform/drain.js';
import { HeldPorts } from '../../platform/held-ports.js';
import { inTurn } from '../../platform/in-turn.js';
import type { Logger } from '../../platform/logger.js';
import { count } from '../../platform/meter/meter.js';
import { registerListener } from '../../platform/own-listeners.js';
import { sendFile } from '../../platform/send-file.js';
import { ThrottledLog } from '../../platform/throttled-log.js';
import { select } from '../../protocol/http/select.js';
import { type OpenContent, openContent } from '../published/content.js';
import type { FetchNotes } from '../published/fetch-notes.js';
import type { OnFetched } from '../published/file-sightings.js';
import type { Manifest } from '../published/manifest.js';
import { shownName } from '../published/shown-name.js';
import { nameOf } from './request.js';

/** Milliseconds over which the speed of a slow client is measured. */
const SPEED_WINDOW = 60_000;

interface Reader {
  socket: Socket;
  /** The published name whose fetched bytes are recorded; null for a file of every machine, which has no row. */
  name: string | null;
  since: number;
  bytes: number;
  /** Bytes of the socket that are recorded as fetched, and what came before this answer. */
  noted: number;
}

/** Serves the manifest by HTTP: boot scripts, kernels, ramdisks, images; nothing else. */
export class HttpBootServer {
  #server: Server | null = null;
  #draining: Drain | null = null;
  #judge: NodeJS.Timeout | null = null;
  readonly #readers = new Map<ServerResponse, Reader>();
  readonly #throttled: ThrottledLog;

  constructor(
    private readonly section: NetbootSection,
    private readonly manifest: Pick<Manifest, 'find'>,
    private readonly log: Logger,
    private readonly speedWindow = SPEED_WINDOW,
    private readonly notes?: Pick<FetchNotes, 'add' | 'stop'>,
    private readonly onFetched?: OnFetched,
  ) {
    this.#throttled = new ThrottledLog(log);
  }

  /** One line: on or off, and its address. */
  describe(): string {
    const { listen } = this.section.http;
    if (listen === null) return 'HTTP boot: off (netboot.http.listen names no address)';
    const { port } = this;
    return port === null
      ? `HTTP boot: not started, ${listen}`
      : `HTTP boot: on, ${listen} port ${port}, machines see ${bootUrl(this.section)}`;
  }

  /** The TCP port, or null where it is not running. */
  get port(): number | null {
    return (this.#server?.address() as AddressInfo | null)?.port ?? null;
  }

  /** Does nothing when HTTP is off. @throws Error when the address or port cannot be bound */
  async start(ports = new HeldPorts()): Promise<void> {
    const { listen, port, max_connections, max_connections_per_client } = this.section.http;
    if (listen === null) return;
    const server = createServer(
      {
        maxHeaderSize: 8 * 1024,
        headersTimeout: 10_000,
        requestTimeout: 30_000,
        connectionsCheckingInterval: 5_000,
        keepAliveTimeout: 15_000,
        highWaterMark: 512 * 1024,
        noDelay: true,
      },
      inTurn(
        'HTTP boot: request',
        (request: IncomingMessage, response: ServerResponse) => this.#answer(request, response),
        (_error, [request]) => request.destroy(),
      ),
    );
    registerListener(server, this.section.http.public_url);
    capConnections(server, { total: max_connections, perClient: max_connections_per_client }, (client, why) =>
      this.#throttled.warn({ client, why }, 'HTTP boot: too many connections, one refused'),
    );
    const cut = (socket: Socket) => socket.destroy();
    server.setTimeout(
      SPEED_WINDOW,
      contained('HTTP boot: silent connection', cut, (_error, [socket]) => cut(socket)),
    );
    const broken = (error: Error) => this.#throttled.error({ error: error.message }, 'HTTP boot: socket');
    server.on('error', contained('HTTP boot: socket', broken));
    const unread = (_error: Error, socket: Duplex) => {
      if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
      else socket.destroy();
    };
    server.on(
      'clientError',
      contained('HTTP boot: bad request', unread, (_error, [, socket]) => socket.destroy()),
    );
    await ports.listen(server, { address: listen, port });
    this.#server = server;
    this.#draining = new Drain(server, this.log);
    const judge = contained('HTTP boot: slow readers', () => this.#judgeReaders());
    this.#judge = setInterval(judge, this.speedWindow / 6).unref();
  }

  /** @param hurry aborts running downloads at once */
  async stop(hurry?: AbortSignal): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = null;
    await this.#draining?.finish(this.section.http.stop_grace * 1000, hurry);
    if (this.#judge) clearInterval(this.#judge);
    await this.notes?.stop();
    // Already closed for new connections: close() here ends the server's timers.
    await new Promise((resolve) => server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const begun = performance.now();
    const client = request.socket.remoteAddress ?? '';
    const name = nameOf(request.url ?? '');
    const shown = shownName(name ?? '');
    try {
      const status = await this.#serve(request, response, name, client);
      count('boot_http_requests_total', { status: String(status) });
      const words = { client, method: request.method, name: shown, status };
      this.log.info({ ...words, ms: Math.round(performance.now() - begun) }, 'HTTP boot: answered');
    } catch (error) {
      const gone = request.socket.destroyed;
      const away = isDatabaseAway(error);
      const words = { client, name: shown, error: messageOf(error) };
      count('boot_http_requests_total', { status: gone ? 'cut' : away ? '503' : '500' });
      if (gone) this.#throttled.info(words, 'HTTP boot: cut off');
      else if (away) this.#throttled.warn(words, 'HTTP boot: to be asked again later');
      else this.#throttled.error(words, 'HTTP boot: not answered for a fault of ours');
      // After the head was sent, only a cut connection can signal that the body is incomplete.
      if (response.headersSent) request.socket.destroy();
      else if (away) end(response, 503, { 'Retry-After': '2' });
      else end(response, 500);
    }
  }

  /** Returns the status that was answered. */
  async #serve(
    request: IncomingMessage,
    response: ServerResponse,
    name: string | null,
    client: string,
  ): Promise<number> {
    if (request.headers['transfer-encoding'] || Number(request.headers['content-length'] ?? 0) !== 0) {
      return end(response, 400);
    }
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return end(response, 405, { Allow: 'GET, HEAD' });
    if (name === null) return end(response, 404);
    const published = await this.manifest.find('http', name, client, () => !request.socket.destroyed);
    const body = published && (await openContent(published));
    if (!body) return end(response, 404);
    const before = sentBy(request);
    try {
      return await this.#sendBody(request, response, body, published.readers === null ? null : name);
    } finally {
      // What a reader got that hung up counts too.
      const reader = this.#readers.get(response);
      if (reader) this.#note(reader);
      this.#readers.delete(response);
      await body.close();
      await this.onFetched?.({
        service: 'http',
        name,
        published,
        client,
        bytes: sentBy(request) - before,
      });
    }
  }

  async #sendBody(
    request: IncomingMessage,
    response: ServerResponse,
    body: OpenContent,
    name: string | null,
  ): Promise<number> {
    const version = { size: body.size, etag: `"${body.tag}"`, modified: body.modified };
    const { headers } = request;
    const selected = select(version, {
      range: headers.range,
      ifRange: headers['if-range'] as string | undefined,
      ifNoneMatch: headers['if-none-match'],
      ifModifiedSince: headers['if-modified-since'],
    });
    response.setHeader('Accept-Ranges', 'bytes');
    response.setHeader('ETag', version.etag);
    response.setHeader('Last-Modified', new Date(version.modified).toUTCString());
    if (selected.status === 416) return end(response, 416, { 'Content-Range': `bytes */${version.size}` });
    if (selected.status === 304) return end(response, 304);
    const { status, start, length } = selected;
    response.statusCode = status;
    response.setHeader('Content-Type', body.type);
    response.setHeader('Content-Length', length);
    if (status === 206) {
      response.setHeader('Content-Range', `bytes ${start}-${start + length - 1}/${version.size}`);
    }
    if (request.method === 'GET' && length > 0) {
      this.#readers.set(response, {
        socket: request.socket,
        name,
        noted: sentBy(request),
        since: performance.now(),
        bytes: sentBy(request),
      });
      await sendFile(body, start, length, response);
      count('boot_http_bytes_total', {}, length);
    }
    response.end();
    return status;
  }

  /** A slow reader is recorded while it reads. */
  #note(reader: Reader): void {
    if (reader.name === null) return;
    const { bytesWritten } = reader.socket;
    this.notes?.add('http', reader.name, bytesWritten - reader.noted);
    reader.noted = bytesWritten;
  }

  /** Closes connections that read slower than `min_bytes_per_second`. */
  #judgeReaders(): void {
    const least = this.section.http.min_bytes_per_second;
    const now = performance.now();
    for (const reader of this.#readers.values()) {
      this.#note(reader);
      const took = now - reader.since;
      if (least === 0 || took < this.speedWindow) continue;
      const { bytesWritten } = reader.socket;
      if (((bytesWritten - reader.bytes) * 1000) / took < least) reader.socket.destroy();
      reader.since = now;
      reader.bytes = bytesWritten;
    }
  }
}

function sentBy(request: IncomingMessage): number {
  return request.socket.bytesWritten;
}

/**
 * Answers without a body. An error closes the connection: EDK2's HTTP client waits 16 s for more data where one stays
 * open after an empty answer.
 */
function end(response: ServerResponse, status: number, headers: Record<string, string> = {}): number {
  if (status >= 400) response.setHeader('Connection', 'close');
  response.writeHead(status, status === 304 ? headers : { ...headers, 'Content-Length': '0' });
  response.end();
  return status;
}
