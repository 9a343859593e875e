import { timingSafeEqual } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { parseCommandRequest } from '../../src/protocol/agent/command.js';
import { MalformedBody } from '../../src/protocol/agent/malformed-body.js';
import type { AgentLog } from './agent-log.js';
import type { OwnCertificate } from './certificate.js';
import type { CommandBoard } from './command-board.js';
import { AgentError, messageOf } from './error.js';

export interface RestServerOptions {
  board: CommandBoard;
  /** Undefined until lookup returned one: every command is refused until then. */
  token: () => string | undefined;
  version: string;
  /** Seconds since 1970. */
  startedAt: number;
  log: AgentLog;
  /**
   * Conductors before 1.96 (Ironic 29.0) read results without the token. After one request with the token it is always
   * required. Default false.
   */
  readsWithoutToken?: boolean;
  /** Called when the result of an ended command was sent to a caller. */
  onResultRead?: () => void;
}

/**
 * Milliseconds that an idle connection stays open. Conductors reuse connections, at intervals of their own (6 s is
 * Ironic's `[agent]command_wait_interval`). Node's default of 5 s, with the second that it adds, ends just then, and a
 * request on a connection that is being closed fails. 900 s is the value of upstream's agent of Ironic 21.4
 * (oslo.service, `client_socket_timeout`).
 */
const IDLE_CONNECTION = 900_000;

/** Fits a config drive of 64 MiB in base64; longer bodies are refused. */
const MAX_BODY = 128 * 2 ** 20;

interface Answer {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

/** The agent's own API. Faults have WSME's form, which upstream inherited: faultcode and faultstring. */
export class RestServer {
  private server: http.Server | https.Server | undefined;
  private openToReaders: boolean;

  constructor(private readonly options: RestServerOptions) {
    this.openToReaders = options.readsWithoutToken ?? false;
  }

  /** @returns the port; @param own none = plain HTTP, for conductors that cannot receive a certificate */
  async listen(
    host: string,
    port: number,
    own?: OwnCertificate,
    minVersion?: 'TLSv1.2' | 'TLSv1.3',
  ): Promise<number> {
    const handle = (request: http.IncomingMessage, response: http.ServerResponse) =>
      void this.serve(request, response);
    const server = own
      ? https.createServer({ cert: own.certificate, key: own.privateKey, minVersion }, handle)
      : http.createServer(handle);
    server.headersTimeout = 30_000;
    server.keepAliveTimeout = IDLE_CONNECTION;
    this.server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port }, () => {
        server.off('error', reject);
        resolve();
      });
    });
    server.on('error', (error) => this.options.log.say(`API: ${error.message}`));
    return (server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const server = this.server;
    if (!server) return;
    this.server = undefined;
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  private async serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    let answer: Answer;
    try {
      answer = await this.route(request);
    } catch (error) {
      answer = refusal(error);
      if (answer.status >= 500) this.options.log.say(`API: ${messageOf(error)}`);
    }
    const text = JSON.stringify(answer.body);
    response.writeHead(answer.status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
      ...answer.headers,
    });
    response.end(text);
  }

  private async route(request: http.IncomingMessage): Promise<Answer> {
    const url = new URL(request.url ?? '/', 'http://agent');
    const path = url.pathname.replace(/\/+$/, '') || '/';
    const method = request.method ?? 'GET';
    const base = `${this.server instanceof https.Server ? 'https' : 'http'}://${request.headers.host ?? 'localhost'}`;
    // A path without /v1 means the newest version.
    const resource = path.replace(/^\/v1(?=\/)/, '');
    if (path === '/') return only(method, ['GET'], () => ({ status: 200, body: rootBody(base) }));
    if (path === '/v1') return only(method, ['GET'], () => ({ status: 200, body: versionBody(base) }));
    if (resource === '/status') {
      const body = { started_at: this.options.startedAt, version: this.options.version };
      return only(method, ['GET'], () => ({ status: 200, body }));
    }
    if (resource === '/commands') {
      return only(method, ['GET', 'POST'], async () => {
        this.checkToken(url, method !== 'POST');
        return method === 'POST' ? this.post(request, url) : this.list();
      });
    }
    const one = /^\/commands\/([^/]+)$/.exec(resource);
    if (one) {
      return only(method, ['GET'], async () => {
        this.checkToken(url, true);
        const id = decodeURIComponent(one[1]!);
        this.options.board.get(id);
        const record = wants(url, 'wait') ? await this.options.board.join(id) : this.options.board.get(id);
        if (record.command_status !== 'RUNNING') this.options.onResultRead?.();
        return { status: 200, body: record };
      });
    }
    throw new HttpRefusal(
      404,
      'Not Found',
      'The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.',
    );
  }

  private list(): Answer {
    const commands = this.options.board.list();
    if (commands.at(-1) && commands.at(-1)!.command_status !== 'RUNNING') this.options.onResultRead?.();
    return { status: 200, body: { commands } };
  }

  private async post(request: http.IncomingMessage, url: URL): Promise<Answer> {
    const { name, params } = parseCommandRequest(await readJson(request));
    let record = await this.options.board.execute(name, params);
    if (wants(url, 'wait')) record = await this.options.board.join(record.id);
    return { status: 200, body: record };
  }

  private checkToken(url: URL, reading: boolean): void {
    const given = url.searchParams.get('agent_token');
    const token = this.options.token();
    if (given === null && reading && this.openToReaders) return;
    if (!given || !token || !equalText(given, token)) {
      throw new HttpRefusal(401, 'Unauthorized', 'Token invalid.');
    }
    if (reading) this.openToReaders = false;
  }
}

/** A refusal by the server itself; the text is werkzeug's, as in upstream: `401 Unauthorized: why`. */
class HttpRefusal extends Error {
  constructor(
    readonly status: number,
    name: string,
    why: string,
    readonly headers?: Record<string, string>,
  ) {
    super(`${status} ${name}: ${why}`);
  }
}

function refusal(error: unknown): Answer {
  if (error instanceof MalformedBody) return refusal(new HttpRefusal(400, 'Bad Request', error.reason));
  const status = error instanceof AgentError || error instanceof HttpRefusal ? error.status : 500;
  return {
    status,
    body: { faultcode: status >= 500 ? 'Server' : 'Client', faultstring: messageOf(error) },
    headers: error instanceof HttpRefusal ? error.headers : undefined,
  };
}

function only<T extends Answer | Promise<Answer>>(
  method: string,
  allowed: readonly string[],
  act: () => T,
): T {
  if (!allowed.includes(method) && !(method === 'HEAD' && allowed.includes('GET'))) {
    throw new HttpRefusal(405, 'Method Not Allowed', 'The method is not allowed for the requested URL.', {
      allow: [...allowed, 'HEAD', 'OPTIONS'].join(', '),
    });
  }
  return act();
}

async function readJson(request: http.IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY)
      throw new HttpRefusal(
        413,
        'Request Entity Too Large',
        'The data value transmitted exceeds the capacity limit.',
      );
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (error) {
    throw new HttpRefusal(400, 'Bad Request', `Failed to decode JSON object: ${messageOf(error)}`);
  }
}

function wants(url: URL, flag: string): boolean {
  return url.searchParams.get(flag)?.toLowerCase() === 'true';
}

function equalText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

const DOCS = 'https://docs.openstack.org/ironic-python-agent';

function version(base: string): object {
  return {
    id: 'v1',
    links: [
      { href: `${base}/v1`, rel: 'self' },
      { href: `${DOCS}/`, rel: 'describedby', type: 'text/html' },
    ],
  };
}

function rootBody(base: string): object {
  return {
    name: 'OpenStack Ironic Python Agent API',
    description: 'Deploy agent of Ferric, speaking the API of ironic-python-agent',
    versions: [version(base)],
    default_version: version(base),
  };
}

function versionBody(base: string): object {
  const links = (resource: string) => [
    { href: `${base}/v1/${resource}`, rel: 'self' },
    { href: `${base}/${resource}`, rel: 'bookmark' },
  ];
  return {
    commands: links('commands'),
    status: links('status'),
    media_types: [
      { base: 'application/json', type: 'application/vnd.openstack.ironic-python-agent.v1+json' },
    ],
    ...version(base),
  };
}
