import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { Readable } from 'node:stream';
import { getCACertificates } from 'node:tls';
import got, { type Response, TimeoutError } from 'got';
import { CancelledError, FerricError } from '../domain/errors.js';
import { isProxied, type ProxySettings } from '../domain/network/proxy-rule.js';
import { AddressGuard, type AddressGuardSettings } from './address-guard.js';
import { type HostAddress, resolveHost } from './host-resolver.js';

export interface HttpClientSettings {
  /** For URLs from users; without it every address is reachable. */
  guard?: AddressGuardSettings;
  /** ms for name resolution, for the connection and for TLS, each. */
  connectTimeout: number;
  /** ms of silence on a connection. */
  idleTimeout: number;
  /** Sent to their own origin only, even after a redirect. */
  credentials?: readonly Credential[];
  /** DNS servers; default: the system's. */
  nameServers?: readonly string[];
  /** Default 3. */
  maxRedirects?: number;
  /** Without it every connection is direct. */
  proxy?: ProxySettings;
  /** The proxy was named by a user: the guard applies to it, too, and it learns no credentials. */
  proxyOfUser?: boolean;
  /** PEM: certificate authorities in addition to the system's. */
  authorities?: string;
}

export interface Credential {
  /** `https://host:port` as URL.origin writes it. */
  origin: string;
  /** Header name: Authorization, X-Auth-Token. */
  header: string;
  value: string;
}

export interface HttpRequest {
  method: 'GET' | 'HEAD' | 'POST';
  url: string;
  headers?: Readonly<Record<string, string>>;
  /** Body of a POST. Redirects forward it: send secrets with `maxRedirects: 0` only. */
  content?: string;
  signal?: AbortSignal;
}

export interface DocumentRequest extends Omit<HttpRequest, 'method'> {
  /** Default GET. */
  method?: 'GET' | 'POST';
  maxBytes: number;
}

export interface HttpResponse {
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  /** After redirects. */
  url: string;
  /** Its 'error' is a raw error: pass it to `failureOf`. Destroy it to close the connection. */
  body: Readable;
}

export type HttpFault =
  | 'refused' // scheme or address that must not be reached
  | 'name' // the name has no address, or DNS does not answer
  | 'connection' // refused, reset, TLS
  | 'timeout'
  | 'redirect' // too many, or to nowhere
  | 'status'
  | 'too-large';

/** Names the URL without its query, which may hold a signature. */
export class HttpFailure extends FerricError {
  constructor(
    readonly fault: HttpFault,
    url: string,
    detail: string,
    options?: ErrorOptions,
  ) {
    super(fault === 'refused' ? 'image-refused' : 'image-unavailable', `${shown(url)}: ${detail}`, options);
  }
}

interface Agents {
  http: HttpAgent;
  https: HttpsAgent;
}

const REDIRECTS = [301, 302, 303, 307, 308];

/** HTTP client for downloads. Names are resolved once, and the connection goes to an address that was checked. */
export class HttpClient {
  private readonly guard: AddressGuard | undefined;
  // Never the process-wide agents: their connections were not checked here.
  private readonly agent: Agents;
  private readonly trust: { ca?: string[] };
  /** For the configured proxies, by their URL: TLS sessions with a server are resumed. */
  private readonly throughProxy = new Map<string, Agents>();

  constructor(private readonly settings: HttpClientSettings) {
    this.guard = settings.guard && new AddressGuard(settings.guard);
    const { authorities } = settings;
    this.trust = authorities === undefined ? {} : { ca: [...getCACertificates('default'), authorities] };
    this.agent = { http: new HttpAgent(), https: new HttpsAgent(this.trust) };
  }

  /**
   * One exchange, up to the header of the answer; any status except a redirect counts as an answer.
   * @throws HttpFailure
   * @throws CancelledError when the signal fires
   */
  async request(request: HttpRequest): Promise<HttpResponse> {
    let url = request.url;
    for (let hop = 0; ; hop++) {
      const response = await this.exchange(request, url);
      const location = response.headers['location'];
      if (!REDIRECTS.includes(response.status) || typeof location !== 'string') return response;
      response.body.destroy();
      if (hop >= (this.settings.maxRedirects ?? 3))
        throw new HttpFailure('redirect', request.url, 'redirects too often');
      if (!URL.canParse(location, url)) throw new HttpFailure('redirect', url, 'redirects to what is no URL');
      const next = new URL(location, url);
      if (next.username !== '' || next.password !== '')
        throw new HttpFailure('redirect', url, 'redirects to a URL with credentials in it');
      url = next.href;
    }
  }

  /**
   * A small document with status 200.
   * @throws HttpFailure also for another status, and for a document of more than `maxBytes`
   */
  async text(request: DocumentRequest): Promise<string> {
    return (await this.bytes(request)).toString('utf8');
  }

  /** The same as raw bytes: a server may have encoded it unasked. @throws HttpFailure likewise */
  async bytes(request: DocumentRequest): Promise<Buffer> {
    const { status, content } = await this.whole(request);
    if (status !== 200) throw new HttpFailure('status', request.url, `answered with status ${status}`);
    return content;
  }

  /**
   * A small document of any status.
   * @throws HttpFailure also for a document of more than `maxBytes`
   */
  async document(
    request: DocumentRequest,
  ): Promise<{ status: number; headers: HttpResponse['headers']; text: string }> {
    const { status, headers, content } = await this.whole(request);
    return { status, headers, text: content.toString('utf8') };
  }

  private async whole(
    request: DocumentRequest,
  ): Promise<{ status: number; headers: HttpResponse['headers']; content: Buffer }> {
    const { status, headers, body } = await this.request({ method: 'GET', ...request });
    const chunks: Buffer[] = [];
    let size = 0;
    try {
      for await (const chunk of body as AsyncIterable<Buffer>) {
        size += chunk.length;
        if (size > request.maxBytes)
          throw new HttpFailure('too-large', request.url, `is larger than ${request.maxBytes} bytes`);
        chunks.push(chunk);
      }
    } catch (error) {
      throw this.failureOf(error, request.url, request.signal);
    }
    return { status, headers, content: Buffer.concat(chunks) };
  }

  /** Translates a raw error of a body or a request. */
  failureOf(error: unknown, url: string, signal?: AbortSignal): FerricError {
    if (error instanceof FerricError) return error;
    if (signal?.aborted) return new CancelledError('The download was cancelled.', { cause: error });
    if (error instanceof TimeoutError) {
      const limit = error.event === 'socket' ? this.settings.idleTimeout : this.settings.connectTimeout;
      return new HttpFailure('timeout', url, `no answer within ${limit / 1000} s (${error.event})`, {
        cause: error,
      });
    }
    const code = (error as NodeJS.ErrnoException).code ?? 'broken off';
    return new HttpFailure('connection', url, `the connection failed (${code})`, { cause: error });
  }

  /** Closes idle connections. */
  close(): void {
    for (const { http, https } of [this.agent, ...this.throughProxy.values()]) {
      http.destroy();
      https.destroy();
    }
  }

  private async exchange(request: HttpRequest, url: string): Promise<HttpResponse> {
    const { signal } = request;
    const target = new URL(url);
    const proxied = isProxied(target, this.settings.proxy ?? {});
    const addresses = await this.addressesOf(target, proxied, signal);
    const agent = proxied ? await this.agentThroughProxy(target, signal) : this.agent;
    const credentials = this.credentialsFor(target, proxied);
    const stream = got.stream(url, {
      method: request.method,
      headers: {
        'user-agent': 'ferric',
        'accept-encoding': 'identity',
        ...request.headers,
        ...Object.fromEntries(credentials.map((entry) => [entry.header.toLowerCase(), entry.value])),
      },
      ...(request.content === undefined ? {} : { body: request.content }),
      followRedirect: false,
      throwHttpErrors: false,
      decompress: false,
      retry: { limit: 0 },
      agent,
      // Behind a proxy the connection goes to the proxy.
      ...(proxied ? {} : { dnsLookup: lookupOf(addresses) }),
      timeout: {
        connect: this.settings.connectTimeout,
        secureConnect: this.settings.connectTimeout,
        socket: this.settings.idleTimeout,
        response: this.settings.idleTimeout,
      },
      ...(signal ? { signal } : {}),
    });
    try {
      const response = await new Promise<Response>((resolve, reject) => {
        stream.once('response', resolve);
        stream.once('error', reject);
      });
      // From here on the body's reader receives its errors; an earlier error must not end the process.
      stream.on('error', () => undefined);
      return { status: response.statusCode, headers: response.headers, url, body: stream };
    } catch (error) {
      stream.destroy();
      throw this.failureOf(error, url, signal);
    }
  }

  private credentialsFor(target: URL, proxied: boolean): readonly Credential[] {
    const { credentials = [], proxyOfUser = false } = this.settings;
    // Of https the proxy sees a tunnel only.
    if (proxied && proxyOfUser && target.protocol === 'http:') return [];
    return credentials.filter((entry) => entry.origin === target.origin);
  }

  private async agentThroughProxy(target: URL, signal: AbortSignal | undefined): Promise<Agents> {
    const { proxy = {}, proxyOfUser = false } = this.settings;
    const named = (target.protocol === 'https:' ? proxy.https : proxy.http) ?? '';
    const url = URL.canParse(named) ? new URL(named) : undefined;
    if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
      throw new HttpFailure(
        'refused',
        target.href,
        `${proxyOfUser ? 'its proxy' : 'the configured proxy (image.*_proxy or the environment)'} is no http or https URL`,
      );
    if (proxyOfUser) {
      const [checked] = await this.addressesOf(url, false, signal);
      // The connection goes to the address that was checked; with TLS the certificate needs the name.
      if (url.protocol === 'http:' && checked)
        url.hostname = checked.family === 6 ? `[${checked.address}]` : checked.address;
    }
    const known = proxyOfUser ? undefined : this.throughProxy.get(url.href);
    if (known) return known;
    const proxyEnv = { HTTP_PROXY: url.href, HTTPS_PROXY: url.href };
    const agents = { http: new HttpAgent({ proxyEnv }), https: new HttpsAgent({ ...this.trust, proxyEnv }) };
    if (!proxyOfUser) this.throughProxy.set(url.href, agents);
    return agents;
  }

  /** Refused if one of the addresses is: a name with several must not be retried with the refused one. */
  private async addressesOf(
    url: URL,
    proxied: boolean,
    signal: AbortSignal | undefined,
  ): Promise<HostAddress[]> {
    if (url.protocol !== 'http:' && url.protocol !== 'https:')
      throw new HttpFailure('refused', url.href, 'is neither http nor https');
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const { connectTimeout: timeout, nameServers: servers } = this.settings;
    let addresses: HostAddress[];
    try {
      addresses = await resolveHost(host, { timeout, ...(servers ? { servers } : {}) }, signal);
    } catch (error) {
      if (signal?.aborted) throw new CancelledError('The download was cancelled.', { cause: error });
      if (proxied) return []; // the proxy may know it
      const code = (error as NodeJS.ErrnoException).code ?? 'failed';
      throw unresolved(url, code, { cause: error });
    }
    if (addresses.length === 0 && proxied) return [];
    if (addresses.length === 0) throw unresolved(url, 'it has no address');
    await this.judge(url, addresses, signal);
    return addresses;
  }

  /** @throws HttpFailure if one of the addresses must not be reached */
  private async judge(
    url: URL,
    addresses: readonly HostAddress[],
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { guard } = this;
    if (!guard) return;
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
    const refuse = (why: string) =>
      new HttpFailure('refused', url.href, `${isIP(host) ? 'this' : 'its'} address must not be used: ${why}`);
    for (const { address } of addresses) {
      const refusal = guard.refusal(address, port);
      if (refusal !== undefined) throw refuse(refusal);
    }
    for (const name of guard.ownNames(port)) {
      const own = name === host.toLowerCase() ? addresses : await this.addressesOfOwn(name, signal);
      if (own.some((one) => addresses.some(({ address }) => address === one.address)))
        throw refuse('it is a port of Ferric itself');
    }
  }

  /** Addresses of our own public name; none if it does not resolve here, so no address leads to it. */
  private async addressesOfOwn(name: string, signal: AbortSignal | undefined): Promise<HostAddress[]> {
    const { connectTimeout: timeout, nameServers: servers } = this.settings;
    return resolveHost(name, { timeout, ...(servers ? { servers } : {}) }, signal).catch(() => []);
  }
}

/** Machines resolve names too, with other servers: the message says that the conductor failed. */
function unresolved(url: URL, why: string, options?: ErrorOptions): HttpFailure {
  return new HttpFailure(
    'name',
    url.href,
    `the conductor could not resolve the name ${url.hostname} (${why})`,
    options,
  );
}

/** A lookup that returns checked addresses only. */
function lookupOf(addresses: readonly HostAddress[]): LookupFunction {
  return (_name, options, callback) => {
    const family =
      options.family === 4 || options.family === 'IPv4'
        ? 4
        : options.family === 6 || options.family === 'IPv6'
          ? 6
          : 0;
    const fitting = addresses.filter((entry) => family === 0 || entry.family === family);
    if (options.all) callback(null, fitting);
    else if (fitting[0]) callback(null, fitting[0].address, fitting[0].family);
    else callback(Object.assign(new Error('no address of that family'), { code: 'ENOTFOUND' }), '', 0);
  };
}

/** The URL without its query. */
function shown(url: string): string {
  const parsed = new URL(url);
  return `${parsed.origin}${parsed.pathname}`;
}
