// Resolves names without getaddrinfo, which blocks a thread of the pool that all file access shares.

import { Resolver } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { isIP, isIPv4 } from 'node:net';
import { contained } from './boundary.js';

export interface ResolverSettings {
  /** ms for a name, for all its queries together. */
  timeout: number;
  /** `address` or `address:port`; default: the system's. */
  servers?: readonly string[];
}

export interface HostAddress {
  address: string;
  family: 4 | 6;
}

const NOT_FOUND = ['ENOTFOUND', 'ENODATA'];

/**
 * Every address of a host: the host itself if it is an address, else from /etc/hosts, else from DNS (A and AAAA, with
 * the search domains of /etc/resolv.conf for names without a dot).
 * @returns an empty list if the name does not exist
 * @throws the resolver's error (`code` ETIMEOUT, ECANCELLED for the deadline, ESERVFAIL …)
 */
export async function resolveHost(
  host: string,
  settings: ResolverSettings,
  signal?: AbortSignal,
): Promise<HostAddress[]> {
  if (isIP(host)) return [withFamily(host)];
  const name = host.toLowerCase().replace(/\.$/, '');
  const listed = addressesIn(await readIfThere('/etc/hosts'), name);
  if (listed.length > 0) return listed.map(withFamily);
  if (name === 'localhost' || name.endsWith('.localhost'))
    return [withFamily('127.0.0.1'), withFamily('::1')];
  const resolver = new Resolver({ timeout: Math.max(1, Math.floor(settings.timeout / 2)), tries: 2 });
  if (settings.servers) resolver.setServers(settings.servers);
  const end = () => resolver.cancel();
  const cancel = contained('name resolution', end, end);
  const deadline = setTimeout(cancel, settings.timeout);
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    const domains = name.includes('.') ? [] : searchDomains(await readIfThere('/etc/resolv.conf'));
    signal?.throwIfAborted();
    for (const candidate of [...domains.map((domain) => `${name}.${domain}`), name]) {
      const found = await question(resolver, candidate);
      if (found.length > 0) return found;
    }
    return [];
  } finally {
    clearTimeout(deadline);
    signal?.removeEventListener('abort', cancel);
  }
}

async function question(resolver: Resolver, name: string): Promise<HostAddress[]> {
  const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
  const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  if (found.length > 0) return found.map(withFamily);
  for (const answer of answers)
    if (
      answer.status === 'rejected' &&
      !NOT_FOUND.includes((answer.reason as NodeJS.ErrnoException).code ?? '')
    )
      throw answer.reason;
  return [];
}

function withFamily(address: string): HostAddress {
  return { address, family: isIPv4(address) ? 4 : 6 };
}

/** hosts(5): address, then names, `#` to the end of the line. */
export function addressesIn(hosts: string, name: string): string[] {
  const lines = hosts.split('\n').map((line) => line.replace(/#.*/, '').trim().toLowerCase().split(/\s+/));
  return lines
    .filter(([address, ...names]) => isIP(address ?? '') && names.includes(name))
    .map(([address]) => address!);
}

/** resolv.conf(5): the last `search` or `domain` line counts. */
export function searchDomains(resolvConf: string): string[] {
  const lines = resolvConf.split('\n').map((line) => line.trim().split(/\s+/));
  const last = lines.filter(([key]) => key === 'search' || key === 'domain').at(-1) ?? [];
  return last
    .slice(1)
    .map((domain) => domain.replace(/\.$/, ''))
    .filter((domain) => domain !== '');
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
