import { canonicalAddress } from '../agent/callback-url.js';
import { bytesOf, contains, networks } from './cidr.js';

/** As in `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`. */
export interface ProxySettings {
  /** URL of the proxy for http:// URLs. */
  http?: string | undefined;
  /** URL of the proxy for https:// URLs. */
  https?: string | undefined;
  /** Hosts, domains, addresses and CIDRs, separated by commas or white space; `*` is all. */
  no?: string | undefined;
}

/**
 * Whether a URL is fetched through a proxy. Daemon and agent decide by this function alone.
 *
 * `NO_PROXY` has no standard. The entries are those of curl (CURLOPT_NOPROXY) and Go (httpproxy.Config): `*`; a name,
 * with or without a leading dot or `*.`, which stands for itself and every name below; an address; a CIDR; each but `*`
 * and CIDRs with a port, which then has to be the same.
 */
export function isProxied(url: URL, { http, https, no = '' }: ProxySettings): boolean {
  if (!(url.protocol === 'https:' ? https : http)) return false;
  const host = plain(url.hostname);
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  const excepted = no.split(/[\s,]+/).filter((entry) => entry !== '');
  return !excepted.some((entry) => covers(entry.toLowerCase(), host, port));
}

/** Without brackets, without the dot of a fully qualified name; an address in one spelling. */
function plain(host: string): string {
  const bare = host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');
  return canonicalAddress(bare) ?? bare;
}

function covers(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true;
  if (entry.includes('/')) return inNetwork(entry, host);
  // An IPv6 address has several colons, and a port behind it only where it is in brackets.
  const [, named = entry, only] = /^(\[[^\]]*\]|[^:]*):(\d+)$/.exec(entry) ?? [];
  if (only !== undefined && Number(only) !== Number(port)) return false;
  const name = plain(named.replace(/^\*?\./, ''));
  if (name === '') return false;
  return host === name || (canonicalAddress(host) === null && host.endsWith(`.${name}`));
}

function inNetwork(entry: string, host: string): boolean {
  const [, address, prefix] = /^\[?([0-9a-f.:]+)\]?\/(\d+)$/.exec(entry) ?? [];
  const bytes = canonicalAddress(host) === null ? undefined : bytesOf(host);
  return bytes !== undefined && address !== undefined && contains(networks([`${address}/${prefix}`]), bytes);
}
