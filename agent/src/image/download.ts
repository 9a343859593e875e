import { createHash, type Hash } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import { isProxied, type ProxySettings } from '../../../src/domain/network/proxy-rule.js';
import type { AgentLog } from '../agent-log.js';
import { withSystems } from '../authorities.js';
import { AgentError, imageDownload, messageOf } from '../error.js';
import { type FetchGuard, FetchRefused, unresolved } from './fetch-guard.js';

/** The destination of downloaded bytes. */
export interface Sink {
  /** Bytes come in order, without gaps. The buffer may be kept. Resolves when more can be taken. */
  write(chunk: Buffer): Promise<void>;
  /** The download starts again from the first byte. */
  restart(): Promise<void>;
  /** Resolves when all bytes are written. */
  finish(): Promise<void>;
}

export interface DownloadRequest {
  /** For messages. */
  imageId: string;
  /** Tried in turn. */
  urls: readonly string[];
  authorization?: string;
  proxy: ProxySettings;
  guard: FetchGuard;
  insecure: boolean;
  /** PEM: certificate authorities beside those of the ramdisk's system. */
  authorities?: readonly (string | undefined)[];
  tlsMinVersion: 'TLSv1.2' | 'TLSv1.3';
  /** Seconds without a byte until a connection is given up. */
  idleTimeout: number;
  /** Attempts in a row without a byte. */
  retries: number;
  /** Seconds. */
  retryInterval: number;
  /** Seconds for the whole download; 0 = no limit. */
  maxDuration: number;
  /** Bytes; a longer image is refused before or during the download. */
  maxBytes: number;
  /** Describes the limit in errors: "the disk /dev/sda holds". */
  limitName: string;
  /** The reader decodes the server's content encoding. */
  encoded?: boolean;
}

export interface DownloadResult {
  bytes: number;
  /** Lower-case hexadecimal. */
  digest: string;
}

/** An error that another attempt would meet again. */
class FatalDownload extends Error {}

interface State {
  hash: Hash;
  offset: number;
  total: number | undefined;
  /** Strong ETag or Last-Modified: a later Range must belong to the same content. */
  validator: string | undefined;
}

/**
 * Streams an image over node:http, which takes a third of fetch's time here, and hashes it on the way. An interrupted
 * download is resumed by Range where the server can, otherwise restarted.
 * @throws AgentError ImageDownloadError
 */
export async function download(
  request: DownloadRequest,
  algorithm: string,
  sink: Sink,
  log: AgentLog,
  onProgress: (bytes: number, total: number | undefined) => void,
): Promise<DownloadResult> {
  const deadline =
    request.maxDuration > 0 ? Date.now() + request.maxDuration * 1000 : Number.POSITIVE_INFINITY;
  const state: State = { hash: createHash(algorithm), offset: 0, total: undefined, validator: undefined };
  let idle = 0;
  for (let turn = 0; ; turn++) {
    const url = request.urls[turn % request.urls.length]!;
    const before = state.offset;
    try {
      await attempt(url, request, algorithm, state, sink, deadline, onProgress);
      await sink.finish();
      return { bytes: state.offset, digest: state.hash.digest('hex') };
    } catch (error) {
      if (error instanceof AgentError) throw error;
      const why = messageOf(error);
      if (error instanceof FatalDownload || error instanceof FetchRefused)
        throw imageDownload(request.imageId, why, { cause: error });
      idle = state.offset > before ? 0 : idle + 1;
      if (idle > request.retries) throw imageDownload(request.imageId, why, { cause: error });
      if (Date.now() + request.retryInterval * 1000 > deadline) {
        throw imageDownload(request.imageId, `${why}; no time is left for another attempt`, { cause: error });
      }
      log.say(
        `image download stopped at ${state.offset} bytes: ${why}; next attempt in ${request.retryInterval} s`,
      );
      await new Promise((resolve) => setTimeout(resolve, request.retryInterval * 1000));
    }
  }
}

async function attempt(
  url: string,
  request: DownloadRequest,
  algorithm: string,
  state: State,
  sink: Sink,
  deadline: number,
  onProgress: (bytes: number, total: number | undefined) => void,
): Promise<void> {
  const resuming = state.offset > 0 && state.validator !== undefined;
  const response = await open(url, request, {
    'accept-encoding': 'identity',
    ...(resuming ? { range: `bytes=${state.offset}-`, 'if-range': state.validator! } : {}),
  });
  try {
    const { statusCode: status = 0, headers } = response;
    const encoding = headers['content-encoding'];
    if (encoding !== undefined && encoding !== 'identity' && !request.encoded) {
      throw new FatalDownload(`the server sends the image with content encoding ${encoding}`);
    }
    if (status === 206 && resuming) {
      const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(headers['content-range'] ?? '');
      if (Number(range?.[1]) !== state.offset || Number(range?.[2]) !== state.total) {
        state.validator = undefined; // restart next time
        throw new Error(`the server answered with another range: ${headers['content-range']}`);
      }
    } else if (status === 200) {
      if (state.offset > 0) {
        await sink.restart();
        state.offset = 0;
        state.hash = createHash(algorithm);
      }
      const length = headers['content-length'];
      state.total = length === undefined ? undefined : Number(length);
      state.validator = validatorOf(headers);
    } else {
      const text = `status ${status} from ${withoutSecrets(url)}`;
      throw status >= 500 || status === 416 || status === 429 ? new Error(text) : new FatalDownload(text);
    }
    if (state.total !== undefined && state.total > request.maxBytes) throw tooLong(request, state.total);

    for await (const chunk of response as AsyncIterable<Buffer>) {
      state.offset += chunk.length;
      if (state.offset > request.maxBytes) throw tooLong(request, state.offset);
      // The write runs in another thread while this one hashes.
      const written = sink.write(chunk);
      state.hash.update(chunk);
      await written;
      onProgress(state.offset, state.total);
      if (Date.now() > deadline) throw new FatalDownload(`it took longer than ${request.maxDuration} s`);
    }
    if (state.total !== undefined && state.offset !== state.total) {
      throw new Error(`the server sent ${state.offset} of ${state.total} bytes`);
    }
  } finally {
    response.destroy();
  }
}

function tooLong(request: DownloadRequest, bytes: number): FatalDownload {
  return new FatalDownload(
    `the image has ${bytes} bytes or more; ${request.limitName} ${request.maxBytes} bytes`,
  );
}

function validatorOf(headers: http.IncomingHttpHeaders): string | undefined {
  if (headers['accept-ranges'] === 'none') return undefined;
  const { etag } = headers;
  if (etag !== undefined && !etag.startsWith('W/')) return etag;
  return headers['last-modified'];
}

/** The daemon's default. */
const MAX_REDIRECTS = 10;

/** GET with redirects. Credentials go only to the host that they are for. */
async function open(
  url: string,
  request: DownloadRequest,
  headers: Record<string, string>,
  redirects = 0,
  authorize = true,
): Promise<http.IncomingMessage> {
  const response = await get(url, request, redirects === 0, {
    ...headers,
    ...(request.authorization && authorize ? { authorization: request.authorization } : {}),
  });
  const { statusCode = 0, headers: answered } = response;
  if (![301, 302, 303, 307, 308].includes(statusCode) || answered.location === undefined) return response;
  response.destroy();
  if (redirects >= MAX_REDIRECTS) throw new FatalDownload(`more than ${MAX_REDIRECTS} redirects`);
  const next = new URL(answered.location, url);
  const sameHost = next.origin === new URL(url).origin;
  return open(next.href, request, headers, redirects + 1, authorize && sameHost);
}

async function get(
  url: string,
  request: DownloadRequest,
  first: boolean,
  headers: Record<string, string>,
): Promise<http.IncomingMessage> {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol !== 'http:' && parsed?.protocol !== 'https:') {
    throw new FatalDownload(`${withoutSecrets(url)} is no http or https URL`);
  }
  const secure = parsed.protocol === 'https:';
  // Without NO_PROXY: Node.js would apply a rule of its own.
  const { http: httpProxy, https: httpsProxy } = request.proxy;
  const proxyEnv = isProxied(parsed, request.proxy)
    ? { HTTP_PROXY: httpProxy, HTTPS_PROXY: httpsProxy }
    : undefined;
  const proxy = proxyEnv && (secure ? httpsProxy : httpProxy);
  // Who names the proxy chose the address that is connected to.
  if (proxy !== undefined && URL.canParse(proxy)) await request.guard.judge(new URL(proxy), false, false);
  const lookup = await request.guard.judge(parsed, first, proxyEnv !== undefined);
  const options: https.RequestOptions = {
    headers,
    ...(lookup ? { lookup } : {}),
    timeout: request.idleTimeout * 1000,
    agent: secure
      ? new https.Agent({
          proxyEnv,
          ca: withSystems(...(request.authorities ?? [])),
          rejectUnauthorized: !request.insecure,
          minVersion: request.tlsMinVersion,
        })
      : new http.Agent({ proxyEnv }),
  };
  return new Promise((resolve, reject) => {
    const sent = (secure ? https : http).get(parsed, options, resolve);
    // Fires on any silence of the socket, during the body too.
    sent.on('timeout', () => sent.destroy(new Error(`no byte within ${request.idleTimeout} s`)));
    sent.on('error', (error: NodeJS.ErrnoException & { hostname?: string }) =>
      reject(error.syscall === 'getaddrinfo' ? unresolved(error.hostname ?? parsed.hostname, error) : error),
    );
  });
}

/** Reads a small text, such as a checksum file or a config drive. @throws AgentError */
export async function downloadSmall(
  url: string,
  request: Omit<DownloadRequest, 'urls'>,
  log: AgentLog,
): Promise<Buffer> {
  let chunks: Buffer[] = [];
  const sink: Sink = {
    write: async (chunk) => void chunks.push(chunk),
    restart: async () => {
      chunks = [];
    },
    finish: async () => undefined,
  };
  await download({ ...request, urls: [url] }, 'sha256', sink, log, () => undefined);
  return Buffer.concat(chunks);
}

/** User, password and query of a URL may be credentials. */
export function withoutSecrets(url: string): string {
  return url.replace(/\/\/[^/@]*@/, '//').replace(/[?#].*$/, '');
}
