import type { IncomingMessage } from 'node:http';

/** The client hung up before it was served: nobody's fault, and nobody is left to answer. */
export class ClientGone extends Error {}

/**
 * @throws ClientGone when there is no other end any more: the system does not know its address, though it does know
 *   ours. (Of a Unix socket it knows neither.)
 */
export function refuseGone({ socket }: IncomingMessage): void {
  // Also remembers the address, which a socket that is closed later would not tell.
  if (socket.remoteAddress === undefined && (socket.destroyed || socket.localAddress !== undefined))
    throw new ClientGone();
}

/** Whether the request failed because its client is gone, before or while its body came. */
export function isClientGone(error: unknown, request: IncomingMessage): boolean {
  return error instanceof ClientGone || (request.destroyed && !request.complete);
}
