import { BlockList, isIP } from 'node:net';

/** As in `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`. */
export interface ProxySettings {
  http?: string;
  https?: string;
  /** Hosts, domains, addresses and CIDRs, separated by commas; `*` is all. */
  no?: string;
}

/** The proxy settings of the environment; lower-case names win, as with curl. */
export function proxyOfEnvironment(env: Readonly<Record<string, string | undefined>>): ProxySettings {
  const http = env['http_proxy'] || env['HTTP_PROXY'];
  const https = env['https_proxy'] || env['HTTPS_PROXY'];
  const no = env['no_proxy'] || env['NO_PROXY'];
  return { ...(http ? { http } : {}), ...(https ? { https } : {}), ...(no ? { no } : {}) };
}

/** Whether a URL is fetched through a proxy. */
export function isProxied(url: URL, { http, https, no = '' }: ProxySettings): boolean {
  if (!(url.protocol === 'https:' ? https : http)) return false;
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  const excepted = no.split(/[\s,]+/).filter((entry) => entry !== '');
  return !excepted.some((entry) => covers(entry.toLowerCase(), host, port));
}

function covers(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true;
  const [, address, prefix] = /^([0-9a-f.:]+)\/(\d+)$/.exec(entry) ?? [];
  if (address !== undefined) return inNetwork(address, Number(prefix), host);
  const [, named, only] = /^(\[[^\]]*\]|[^:]*):(\d+)$/.exec(entry) ?? [undefined, entry, undefined];
  if (only !== undefined && only !== port) return false;
  const name = named!.replace(/^\[|\]$/g, '').replace(/^\*?\./, '');
  return host === name || (isIP(host) === 0 && host.endsWith(`.${name}`));
}

function inNetwork(address: string, prefix: number, host: string): boolean {
  const family = isIP(address);
  if (family === 0 || isIP(host) !== family || prefix > (family === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  const type = family === 4 ? 'ipv4' : 'ipv6';
  list.addSubnet(address, prefix, type);
  return list.check(host, type);
}
