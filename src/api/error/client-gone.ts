import type { IncomingMessage } from 'node:http';

/** The client disconnected before it was served: nothing failed, and no answer can be sent. */
export class ClientGone extends Error {}

/**
 * @throws ClientGone when the peer is gone: the kernel reports our address of the socket, but not the peer's. (A Unix
 *   socket has neither.)
 */
export function refuseGone({ socket }: IncomingMessage): void {
  // Reading it also caches the address, which is unavailable once the socket is closed.
  if (socket.remoteAddress === undefined && (socket.destroyed || socket.localAddress !== undefined))
    throw new ClientGone();
}

/** Whether the request failed because its client disconnected before its body was complete. */
export function isClientGone(error: unknown, request: IncomingMessage): boolean {
  return error instanceof ClientGone || (request.destroyed && !request.complete);
}
