import { type AddressInfo, isIPv6, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Endpoint } from '../domain/network/address-rule.js';
import { contained } from './boundary.js';

/** Every TCP listener of this process, with its public URL. */
const listeners = new Map<Server, string | null>();

/**
 * Registers a listener for the checks of users' URLs: none of them may lead back to Ferric itself.
 * @param publicUrl where others reach it, if not at its own address
 * @returns unregisters it, as its close does
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

/** Host and port of the public URLs. */
export function publicEndpoints(): Endpoint[] {
  return [...listeners.values()].flatMap((url) => (url === null ? [] : [endpointOf(new URL(url))]));
}

/** All endpoints at which the listeners can be reached, for checks on other machines. */
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
