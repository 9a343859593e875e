import { appendFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';

// Loaded into the daemon before its own code (`NODE_OPTIONS=--import=…`). Records its exchanges with a ramdisk's agent,
// one JSON line each, and changes nothing. AGENT_TAP names the file, AGENT_TAP_PORT the listener.

/** A line of the file. */
export interface Tapped {
  /** Sender of the request. */
  from: 'agent' | 'daemon';
  /** Start of the request, ms since 1970. */
  at: number;
  method: string;
  path: string;
  /** API version of the agent's request. */
  version: string | undefined;
  body: string;
  /** 0: the connection broke before a response. */
  status: number;
  answer: string;
}

const file = process.env['AGENT_TAP'];
const listener = Number(process.env['AGENT_TAP_PORT']);
if (file !== undefined) {
  tapAnswers(file);
  tapRequests(file);
}

function note(path: string, exchange: Tapped): void {
  appendFileSync(path, `${JSON.stringify(exchange)}\n`);
}

/** Reads all incoming chunks without consuming them. */
function watch(message: http.IncomingMessage, ended: (text: string) => void): void {
  const chunks: Buffer[] = [];
  const push = message.push.bind(message);
  message.push = (chunk: Buffer | null, encoding?: BufferEncoding) => {
    if (chunk === null) ended(Buffer.concat(chunks).toString('utf8'));
    else chunks.push(Buffer.from(chunk));
    return push(chunk, encoding);
  };
}

/** Records the agent's requests to the daemon's agent listener. */
function tapAnswers(path: string): void {
  const { emit } = http.Server.prototype;
  http.Server.prototype.emit = function (this: http.Server, event: string | symbol, ...args: unknown[]) {
    const [request, response] = args as [http.IncomingMessage, http.ServerResponse];
    if (event === 'request' && request.socket.localPort === listener) {
      const at = Date.now();
      let body = '';
      watch(request, (text) => (body = text));
      const sent: Buffer[] = [];
      const keep = (chunk: unknown) => {
        if (typeof chunk === 'string' || chunk instanceof Uint8Array) sent.push(Buffer.from(chunk as string));
      };
      for (const name of ['write', 'end'] as const) {
        const original = response[name].bind(response) as (...parts: unknown[]) => never;
        response[name] = (...parts: unknown[]) => {
          keep(parts[0]);
          return original(...parts);
        };
      }
      response.once('finish', () => {
        note(path, {
          from: 'agent',
          at,
          method: request.method ?? '',
          path: request.url ?? '',
          version: request.headers['x-openstack-ironic-api-version'] as string | undefined,
          body,
          status: response.statusCode,
          answer: Buffer.concat(sent).toString('utf8'),
        });
      });
    }
    return Reflect.apply(emit, this, [event, ...args]) as boolean;
  } as typeof emit;
}

/** Records the daemon's requests to agents. */
function tapRequests(path: string): void {
  const original = https.request;
  type Answered = (response: http.IncomingMessage) => void;
  https.request = ((url: URL, options: https.RequestOptions, answered?: Answered) => {
    if (!(url instanceof URL) || !url.pathname.startsWith('/v1/')) return original(url, options, answered);
    const at = Date.now();
    let body = '';
    const tell = (status: number, answer: string) => {
      const { method = 'GET' } = options;
      const asked = url.pathname + url.search;
      note(path, { from: 'daemon', at, method, path: asked, version: undefined, body, status, answer });
    };
    const request = original(url, options, (response) => {
      watch(response, (answer) => tell(response.statusCode ?? 0, answer));
      answered?.(response);
    });
    request.once('error', () => tell(0, ''));
    const end = request.end.bind(request) as (...parts: unknown[]) => never;
    request.end = (...parts: unknown[]) => {
      if (typeof parts[0] === 'string') body += parts[0];
      return end(...parts);
    };
    return request;
  }) as typeof https.request;
}
