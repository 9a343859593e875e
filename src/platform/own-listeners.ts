import { type AddressInfo, isIPv6, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Endpoint } from '../domain/network/address-rule.js';
import { contained } from './boundary.js';

/** Every TCP listener of this process, with the URL that others are told. */
const listeners = new Map<Server, string | null>();

/**
 * Makes a listener known to those who judge URLs out of users' hands: none of them may lead back to Ferric itself.
 * @param publicUrl where it is reached by others, if not at its own address
 * @returns forgets it, as its end does
 */
export function registerListener(server: Server, publicUrl: string | null): () => void {
  listeners.set(server, publicUrl);
  const forget = () => void listeners.delete(server);
  server.once('close', contained('a listener that closed', forget));
  return forget;
}

/** TCP ports that this process listens on now. */
export function ownPorts(): number[] {
  return bound().map(({ port }) => port);
}

/** Where public URLs lead. */
export function publicEndpoints(): Endpoint[] {
  return [...listeners.values()].flatMap((url) => (url === null ? [] : [endpointOf(new URL(url))]));
}

/** All that the listeners are reached at, for judges on other machines. */
export function ownEndpoints(): Endpoint[] {
  const here = bound().flatMap(({ address, port }) =>
    (/^(0\.0\.0\.0|::)$/.test(address) ? interfaceAddresses() : [address]).map((host) => ({ host, port })),
  );
  return [...here, ...publicEndpoints()];
}

function bound(): AddressInfo[] {
  return [...listeners.keys()].flatMap((server) => {
    const at = server.address();
    // A Unix socket has a path.
    return at === null || typeof at === 'string' ? [] : [at];
  });
}

function endpointOf({ hostname, port, protocol }: URL): Endpoint {
  const host = hostname.replace(/^\[|\]$/g, '');
  return { host, port: Number(port || (protocol === 'https:' ? 443 : 80)) };
}

function interfaceAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all
    .filter(({ internal, address }) => !internal && !(isIPv6(address) && address.startsWith('fe80')))
    .map(({ address }) => address);
}
