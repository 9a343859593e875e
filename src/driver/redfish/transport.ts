import http from 'node:http';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import got, { type Response, TimeoutError } from 'got';
import { CancelledError, messageOf } from '../../domain/errors.js';
import { isObject, type Json, type JsonObject } from '../../domain/json.js';
import { isTooDeep } from '../../protocol/json.js';
import { readMessages } from '../../protocol/redfish/error-body.js';
import { type Outcome, RedfishError, type RedfishFault } from './faults.js';
import { retryAfterOf } from './retry.js';
import type { RedfishTarget } from './target.js';
import { type Agents, type TrustSettings, TrustStore, UntrustedError } from './trust.js';

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

/** A body that is no JSON: it is sent with its length, since some services refuse chunks (iDRAC). */
export interface Upload {
  readonly type: string;
  /** Bytes. */
  readonly size: number;
  /** Begins the content anew; once for each request that is sent. */
  open(): Readable;
}

export interface Exchange {
  readonly method: Method;
  /** Path and query of the service. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Json;
  /** In place of `body`. */
  readonly upload?: Upload;
  /** A connection of its own for a request with effects: a kept one may be dead, and then the outcome is unknown. */
  readonly fresh: boolean;
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly status: number;
  /** Bytes of the body. */
  readonly size: number;
  /** undefined: no body, or none that is JSON of a common depth. */
  readonly body: JsonObject | undefined;
  readonly etag: string | undefined;
  /** Path at the same service. */
  readonly location: string | undefined;
  readonly token: string | undefined;
  /** ms */
  readonly retryAfter: number | undefined;
  readonly allow: string | undefined;
}

export interface TransportSettings extends TrustSettings {
  connect_timeout: number;
  read_timeout: number;
}

/** Bytes of an answer: a registry of BIOS attributes has up to 2 MB. */
const MOST_BYTES = 8 * 1024 * 1024;
const REDIRECTS = [301, 302, 307, 308];
const MOST_REDIRECTS = 2;
/** Bytes per ms of an upload at least: BMCs write to slow memory while they receive. */
const SLOWEST_UPLOAD = 50;
/** ms without a byte while a service stores an image and checks it, before it answers. */
const UPLOAD_SILENCE = 300_000;

/** One exchange with a BMC: no retries, no logins, bounded in time and size. */
export class RedfishTransport {
  readonly trust: TrustStore;
  private readonly plain = {
    kept: new http.Agent({ keepAlive: true, maxFreeSockets: 1, timeout: 3_000 }),
    single: new http.Agent({ keepAlive: false }),
  };

  constructor(private readonly settings: TransportSettings) {
    this.trust = new TrustStore(settings);
  }

  /** ms that one exchange takes at most. */
  longest(upload?: Upload): number {
    const usual = (this.settings.connect_timeout + this.settings.read_timeout) * 1000;
    return upload ? usual + UPLOAD_SILENCE + Math.ceil(upload.size / SLOWEST_UPLOAD) : usual;
  }

  /**
   * @returns the answer of any status
   * @throws RedfishError bmc-unreachable, bmc-failed
   * @throws CancelledError when the signal fires
   */
  async exchange(target: RedfishTarget, exchange: Exchange): Promise<Answer> {
    let { path } = exchange;
    for (let hop = 0; ; hop++) {
      const { response, text } = await this.once(target, { ...exchange, path });
      const location = response.headers.location;
      if (!REDIRECTS.includes(response.statusCode) || exchange.method !== 'GET') {
        return answerOf(response, text, target);
      }
      const next = pathWithin(location, path, target);
      if (next === undefined || hop >= MOST_REDIRECTS) {
        const why =
          next === undefined ? 'the BMC redirects to somewhere else' : 'the BMC redirects too often';
        throw failure(exchange, { code: 'bmc-failed', outcome: 'refused', text: why });
      }
      path = next;
    }
  }

  close(): void {
    this.trust.close();
    this.plain.kept.destroy();
    this.plain.single.destroy();
  }

  private async once(
    target: RedfishTarget,
    exchange: Exchange,
  ): Promise<{ response: Response; text: string }> {
    const { method, path, signal, upload } = exchange;
    const deadline = AbortSignal.timeout(this.longest(upload));
    const content = contentOf(exchange);
    let stream: ReturnType<typeof got.stream> | undefined;
    try {
      stream = got.stream(`${target.origin}${path}`, {
        method,
        headers: {
          accept: 'application/json',
          // Some services give a compressed answer another ETag.
          'accept-encoding': 'identity',
          'odata-version': '4.0',
          'user-agent': 'ferric',
          ...content?.headers,
          ...exchange.headers,
          ...(exchange.headers['accept-encoding'] === '' ? { 'accept-encoding': undefined } : {}),
        },
        ...(content === undefined ? {} : { body: content.body }),
        agent: this.agentFor(target, exchange.fresh),
        followRedirect: false,
        throwHttpErrors: false,
        decompress: false,
        retry: { limit: 0 },
        timeout: {
          lookup: this.settings.connect_timeout * 1000,
          connect: this.settings.connect_timeout * 1000,
          secureConnect: this.settings.connect_timeout * 1000,
          socket: Math.max(this.settings.read_timeout * 1000, upload ? UPLOAD_SILENCE : 0),
        },
        signal: AbortSignal.any([signal, deadline]),
      });
      if (content === undefined && method !== 'GET') stream.end();
      const response = await headOf(stream);
      return { response, text: await textOf(stream, exchange) };
    } catch (error) {
      stream?.destroy();
      if (error instanceof RedfishError) throw error;
      if (signal.aborted) throw new CancelledError();
      // got's error holds the whole request and so the login: it must not leave this function.
      throw failure(exchange, this.faultOf(error, target, deadline.aborted));
    } finally {
      // got leaves a body open whose connection broke.
      if (content?.body instanceof Readable) content.body.destroy();
    }
  }

  private agentFor(target: RedfishTarget, fresh: boolean) {
    const tls = target.origin.startsWith('https:');
    const agents: Agents | typeof this.plain = tls ? this.trust.agentsFor(target) : this.plain;
    const agent = fresh ? agents.single : agents.kept;
    return { http: agent as http.Agent, https: agent as Agents['single'] };
  }

  private faultOf(error: unknown, target: RedfishTarget, late: boolean): RedfishFault {
    const where = `the BMC ${target.address}`;
    const untrusted = causeOf(error, UntrustedError);
    if (untrusted) return { code: 'bmc-failed', outcome: 'unsent', text: `${where}: ${untrusted.message}` };
    if (late || error instanceof TimeoutError) {
      const phase = error instanceof TimeoutError ? error.event : 'request';
      const early = ['lookup', 'connect', 'secureConnect'].includes(phase);
      const outcome: Outcome = early ? 'unsent' : 'unknown';
      return {
        code: 'bmc-unreachable',
        outcome,
        silent: true,
        text: `${where} does not answer in time (${phase})`,
      };
    }
    const code = codeOf(error);
    // Codes that prove that no connection was made; any other fault may have hit a request in transit.
    const unsent =
      /^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENOTFOUND|EAI_\w+|ENETDOWN|EADDRNOTAVAIL)$/;
    if (/^(ERR_SSL|EPROTO|ERR_TLS)/.test(code)) {
      return {
        code: 'bmc-failed',
        outcome: 'unsent',
        text: `${where} speaks no TLS that is accepted (${code})`,
      };
    }
    return {
      code: 'bmc-unreachable',
      outcome: unsent.test(code) ? 'unsent' : 'unknown',
      silent: unsent.test(code),
      text: `${where} cannot be reached (${code})`,
    };
  }
}

function contentOf({ body, upload }: Exchange) {
  if (upload) {
    return {
      headers: { 'content-type': upload.type, 'content-length': String(upload.size) },
      body: upload.open(),
    };
  }
  if (body === undefined) return undefined;
  return { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

function failure(exchange: Exchange, fault: RedfishFault): RedfishError {
  return new RedfishError(fault, { method: exchange.method, path: shownPath(exchange.path) });
}

/** Without the query, which may hold a secret. */
export function shownPath(path: string): string {
  return path.split('?', 1)[0] ?? path;
}

function headOf(stream: ReturnType<typeof got.stream>): Promise<Response> {
  return new Promise((resolve, reject) => {
    stream.once('response', resolve);
    stream.once('error', reject);
  });
}

async function textOf(stream: ReturnType<typeof got.stream>, exchange: Exchange): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  // The iteration receives the stream's errors; an earlier one must not end the process.
  stream.on('error', () => undefined);
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MOST_BYTES) {
      const text = `the BMC's answer is larger than ${MOST_BYTES / 1024 / 1024} MiB`;
      throw failure(exchange, {
        code: 'bmc-failed',
        outcome: exchange.method === 'GET' ? 'refused' : 'unknown',
        text,
      });
    }
    chunks.push(chunk);
  }
  await finished(stream, { writable: false }).catch(() => undefined);
  return Buffer.concat(chunks).toString('utf8');
}

function answerOf(response: Response, text: string, target: RedfishTarget): Answer {
  const header = (name: string) => {
    const value = response.headers[name];
    return Array.isArray(value) ? value[0] : value;
  };
  return {
    status: response.statusCode,
    size: Buffer.byteLength(text),
    body: parsed(text),
    etag: header('etag'),
    location: pathOf(header('location'), target),
    token: header('x-auth-token'),
    retryAfter: retryAfterOf(header('retry-after'), Date.now()),
    allow: header('allow'),
  };
}

function parsed(text: string): JsonObject | undefined {
  if (text.trim() === '' || isTooDeep(text)) return undefined;
  try {
    const body: unknown = JSON.parse(text);
    return isObject(body) ? body : undefined;
  } catch {
    return undefined; // callers that need a resource report that there is none
  }
}

/** Services write their own host name into Location; the request always goes to the configured BMC. */
function pathOf(location: string | undefined, target: RedfishTarget): string | undefined {
  if (location === undefined || !URL.canParse(location, target.origin)) return undefined;
  const { pathname, search } = new URL(location, target.origin);
  return `${pathname}${search}`;
}

/** A path at the same service; undefined for a URL that leads elsewhere. */
function pathWithin(location: string | undefined, base: string, target: RedfishTarget): string | undefined {
  if (location === undefined || !URL.canParse(location, `${target.origin}${base}`)) return undefined;
  const url = new URL(location, `${target.origin}${base}`);
  return url.origin === new URL(target.origin).origin ? `${url.pathname}${url.search}` : undefined;
}

function causeOf<T extends Error>(error: unknown, kind: new (...args: never[]) => T): T | undefined {
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof kind) return at;
  return undefined;
}

function codeOf(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as NodeJS.ErrnoException;
    if (typeof code === 'string' && code !== 'ERR_GOT_REQUEST_ERROR') return code;
  }
  return messageOf(error).slice(0, 100);
}

/** Messages of an answer. */
export function messagesOf(answer: Answer) {
  return readMessages(answer.body);
}
