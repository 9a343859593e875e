import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { sameToken } from '../../conductor/service/same-token.js';
import type { MetricsSettings } from '../../config/section/metrics.js';
import { FerricError, messageOf } from '../../domain/errors.js';
import { contained } from '../../platform/boundary.js';
import { capConnections } from '../../platform/connection-cap.js';
import { Drain } from '../../platform/drain.js';
import { HeldPorts } from '../../platform/held-ports.js';
import { inTurn } from '../../platform/in-turn.js';
import type { Logger } from '../../platform/logger.js';
import { EXPOSITION_TYPE } from '../../platform/meter/exposition.js';
import { registerListener } from '../../platform/own-listeners.js';
import { ThrottledLog } from '../../platform/throttled-log.js';
import { OriginRule } from '../request/origin-rule.js';
import type { Readiness } from './readiness.js';

/** ms for which one text of /metrics is reused: scrapers cannot make the daemon build it each time. */
const LASTS = 1_000;
/** ms of inactivity after which a connection is cut. */
const SILENCE = 30_000;
/** ms for running answers at a stop. */
const STOP_GRACE = 5_000;
const TEXT = 'text/plain; charset=utf-8';
const packed = promisify(gzip);

export interface MetricsParts {
  settings: MetricsSettings;
  /** The text of all metrics. */
  expose(): Promise<string>;
  readiness: Readiness;
  log: Logger;
}

/** `GET /metrics` for Prometheus, `/livez` and `/readyz[?verbose]` for supervisors and balancers; nothing else. */
export class MetricsServer {
  #server: Server | null = null;
  #last: { at: number; text: Promise<string> } | null = null;
  #draining: Drain | null = null;
  readonly #origins: OriginRule;
  readonly #throttled: ThrottledLog;

  constructor(private readonly parts: MetricsParts) {
    this.#origins = new OriginRule(null, parts.settings.allowed_hosts);
    this.#throttled = new ThrottledLog(parts.log);
  }

  /** The TCP port, or null when it is not running. */
  get port(): number | null {
    return (this.#server?.address() as AddressInfo | null)?.port ?? null;
  }

  /** Does nothing when off. @throws Error when the address or port cannot be bound */
  async start(ports = new HeldPorts()): Promise<void> {
    const { listen, port, max_connections, max_connections_per_client } = this.parts.settings;
    if (listen === null) return;
    const server = createServer(
      {
        maxHeaderSize: 8 * 1024,
        headersTimeout: 10_000,
        requestTimeout: 10_000,
        connectionsCheckingInterval: 5_000,
      },
      inTurn(
        'metrics: request',
        (request: IncomingMessage, response: ServerResponse) => this.#answer(request, response),
        (_error, [request]) => request.destroy(),
      ),
    );
    registerListener(server, null);
    const cut = (socket: Socket) => socket.destroy();
    server.setTimeout(
      SILENCE,
      contained('metrics: silent connection', cut, (_error, [socket]) => cut(socket)),
    );
    capConnections(server, { total: max_connections, perClient: max_connections_per_client }, (client, why) =>
      this.#throttled.warn({ client, why }, 'metrics: too many connections, one refused'),
    );
    await ports.listen(server, { address: listen, port });
    const broken = (error: Error) => this.#throttled.error({ error: error.message }, 'metrics: socket');
    server.on('error', contained('metrics: socket', broken));
    this.#server = server;
    this.#draining = new Drain(server, this.parts.log);
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = null;
    await this.#draining?.finish(STOP_GRACE);
    // Already closed for new connections: close() here ends the server's timers.
    await new Promise((resolve) => server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#route(request, response);
    } catch (error) {
      const denied = error instanceof FerricError && error.code === 'forbidden';
      const words = { client: request.socket.remoteAddress, error: messageOf(error) };
      if (denied) this.#throttled.warn(words, 'metrics: refused');
      else this.#throttled.error(words, 'metrics: not answered for a fault of ours');
      if (response.headersSent) request.socket.destroy();
      else say(response, denied ? 403 : 500, denied ? messageOf(error) : 'a fault of ours; the log has it');
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#origins.check(request);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      return say(response, 405, 'only GET and HEAD');
    }
    if (request.headers['transfer-encoding'] || Number(request.headers['content-length'] ?? 0) !== 0) {
      return say(response, 400, 'no body is taken');
    }
    const [path, query = ''] = (request.url ?? '').split('?', 2);
    switch (path) {
      case '/livez':
        return say(response, 200, 'ok');
      case '/readyz':
        return this.#ready(request, response, new URLSearchParams(query).has('verbose'));
      case '/metrics':
        return this.#metrics(request, response);
      default:
        return say(response, 404, 'not found');
    }
  }

  async #ready(request: IncomingMessage, response: ServerResponse, verbose: boolean): Promise<void> {
    if (verbose && !this.#isTrusted(request)) return askForToken(response);
    const components = await this.parts.readiness.look();
    const ready = components.every((one) => one.trouble === null);
    const lines = components.map(({ name, trouble }) =>
      trouble === null ? `[+]${name} ok` : `[-]${name} failed: ${trouble}`,
    );
    const word = ready ? 'ok' : 'not ready';
    return say(response, ready ? 200 : 503, verbose ? [...lines, word].join('\n') : word);
  }

  async #metrics(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.#isTrusted(request)) return askForToken(response);
    const now = performance.now();
    if (!this.#last || now - this.#last.at > LASTS) this.#last = { at: now, text: this.parts.expose() };
    const text = await this.#last.text;
    const zips = /\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/.test(
      String(request.headers['accept-encoding'] ?? ''),
    );
    const body = zips ? await packed(text) : Buffer.from(text);
    response.setHeader('Vary', 'Accept-Encoding');
    if (zips) response.setHeader('Content-Encoding', 'gzip');
    response.writeHead(200, { 'Content-Type': EXPOSITION_TYPE, 'Content-Length': body.length });
    response.end(request.method === 'HEAD' ? undefined : body);
  }

  #isTrusted({ headers }: IncomingMessage): boolean {
    const { token } = this.parts.settings;
    if (token === null) return true;
    const given = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
    return given !== undefined && sameToken(token.reveal(), given);
  }
}

function askForToken(response: ServerResponse): void {
  response.setHeader('WWW-Authenticate', 'Bearer realm="ferric metrics"');
  say(response, 401, 'a token is needed (metrics.token)');
}

function say(response: ServerResponse, status: number, text: string): void {
  const body = `${text}\n`;
  if (status >= 400) response.setHeader('Connection', 'close');
  response.writeHead(status, {
    'Content-Type': TEXT,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
  });
  response.end(body);
}
