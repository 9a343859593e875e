import type { Server, Socket } from 'node:net';
import { contained } from './boundary.js';

export interface ConnectionLimits {
  /** At once in all, and from one address. */
  total: number;
  perClient: number;
}

/**
 * Cuts the connections beyond a listener's limits as they come: what is idle costs a descriptor all the same.
 * @param refused for the log
 */
export function capConnections(
  server: Server,
  { total, perClient }: ConnectionLimits,
  refused: (address: string) => void,
): void {
  const counts = new Map<string, number>();
  server.maxConnections = total;
  const admit = (socket: Socket) => {
    const address = socket.remoteAddress;
    // A Unix socket has none: who reaches it is the same account.
    if (address === undefined) return;
    const count = (counts.get(address) ?? 0) + 1;
    if (count > perClient) {
      refused(address);
      socket.destroy();
      return;
    }
    counts.set(address, count);
    const gone = () => {
      const left = (counts.get(address) ?? 1) - 1;
      if (left > 0) counts.set(address, left);
      else counts.delete(address);
    };
    socket.once('close', contained('a connection that closed', gone));
  };
  server.on(
    'connection',
    contained('a new connection', admit, (_error, [socket]) => socket.destroy()),
  );
}
