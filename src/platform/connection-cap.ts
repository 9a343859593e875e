import type { Server, Socket } from 'node:net';
import { PerSource } from '../domain/network/source.js';
import { contained } from './boundary.js';

export interface ConnectionLimits {
  /** At once in all, and from one source (`sourceOf`). */
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
  const held = new PerSource();
  server.maxConnections = total;
  const admit = (socket: Socket) => {
    const address = socket.remoteAddress;
    // A Unix socket has none: who reaches it is the same account.
    if (address === undefined) return;
    if (held.of(address) >= perClient) {
      refused(address);
      socket.destroy();
      return;
    }
    held.add(address);
    const gone = () => held.giveBack(address);
    socket.once('close', contained('a connection that closed', gone));
  };
  server.on(
    'connection',
    contained('a new connection', admit, (_error, [socket]) => socket.destroy()),
  );
}
