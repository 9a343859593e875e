import type { IncomingMessage } from 'node:http';
import { hostname } from 'node:os';
import { canonicalAddress } from '../../domain/agent/callback-url.js';
import { ForbiddenError } from '../../domain/errors.js';

/** The parts of a request that the rule reads. */
export interface Asked {
  /** Request target; in absolute form it has the authority, and Host is ignored (RFC 9112 §3.2.2). */
  url?: string | undefined;
  /** Names and values in turn, as received. */
  rawHeaders: readonly string[];
  headers: IncomingMessage['headers'];
  socket: { localAddress?: string | undefined };
}

/**
 * Keeps web pages away from a listener: a browser on the same machine reaches loopback, and adds stored credentials. A
 * page is recognized by what it cannot forge: the name that it was loaded from (Host, against DNS rebinding), and
 * headers that browsers add (Sec-Fetch-Site, Origin). Programs send neither of the latter.
 */
export class OriginRule {
  readonly #names: ReadonlySet<string>;

  /**
   * @param publicUrl public URL of the listener, if it has one
   * @param more further names and addresses: api.allowed_hosts
   */
  constructor(publicUrl: string | null, more: readonly string[]) {
    const names = [...(publicUrl === null ? [] : [new URL(publicUrl).hostname]), ...more, hostname()];
    this.#names = new Set(names.map(plain));
  }

  /** @throws ForbiddenError */
  check({ url, rawHeaders, headers, socket }: Asked): void {
    // A Unix socket: no browser connects to one, and DNS rebinding cannot reach it.
    if (socket.localAddress === undefined) return;
    // Node.js takes the first one, and a proxy might have judged by another (RFC 9112 §3.2).
    if (rawHeaders.filter((name, at) => at % 2 === 0 && /^host$/i.test(name)).length > 1)
      throw refused('the request has more than one Host header');
    const { origin } = headers;
    const host = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(url ?? '')?.[1] ?? headers.host;
    if (host !== undefined && !this.#isOwn(hostOf(host), socket.localAddress)) {
      throw refused(
        `the name in the Host header is neither this listener's address nor one of api.allowed_hosts or the public URL`,
      );
    }
    const site = headers['sec-fetch-site'];
    if (site !== undefined && site !== 'same-origin' && site !== 'none') {
      throw refused('a web page of another site must not send requests here');
    }
    if (origin !== undefined && !this.#isSame(origin, host)) {
      throw refused('a web page of another origin must not send requests here');
    }
  }

  #isOwn(name: string | null, localAddress: string): boolean {
    if (name === null) return false;
    if (this.#names.has(name)) return true;
    const local = canonicalAddress(localAddress);
    if (canonicalAddress(name) === local) return true;
    return name === 'localhost' && local !== null && /^(127\.|::1$)/.test(local);
  }

  /** Whether the page came from this listener: by the same authority, or by one of its names behind a proxy. */
  #isSame(origin: string, host: string | undefined): boolean {
    if (!URL.canParse(origin)) return false; // `null` is a page without an origin of its own
    const from = new URL(origin);
    if (host !== undefined && URL.canParse(`${from.protocol}//${host}`)) {
      if (new URL(`${from.protocol}//${host}`).host === from.host) return true;
    }
    return this.#names.has(plain(from.hostname));
  }
}

function refused(why: string): ForbiddenError {
  return new ForbiddenError(`Access was denied: ${why}.`);
}

/** Host of an authority, without port; null for a malformed one. */
function hostOf(authority: string): string | null {
  if (!/^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?$/.test(authority)) return null;
  // 192.0.2.999 has the form of an authority, but is not valid.
  if (!URL.canParse(`http://${authority}`)) return null;
  return plain(new URL(`http://${authority}`).hostname);
}

function plain(name: string): string {
  return name
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');
}
