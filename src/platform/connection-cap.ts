import type { Server, Socket } from 'node:net';
import { PerSource } from '../domain/network/source.js';
import { contained } from './boundary.js';
import { connectionRoom, descriptorLimit } from './descriptors.js';

export interface ConnectionLimits {
  /** Open connections in total, and from one source (`sourceOf`). */
  total: number;
  perClient: number;
}

/**
 * Connections of all listeners of this process. Without free descriptors, Node.js silently closes waiting connections
 * (libuv keeps one descriptor for that, `uv__emfile_trick` in src/unix/stream.c), and the database, files and programs
 * get none either. So connections are capped below the limit.
 */
let open = 0;
let room: number | null = null;

/**
 * Closes new connections beyond a listener's limits, and beyond what this process's descriptors allow. Idle connections
 * count: each holds a descriptor.
 * @param refused logs the address and the reason
 */
export function capConnections(
  server: Server,
  { total, perClient }: ConnectionLimits,
  refused: (address: string, why: string) => void,
): void {
  const held = new PerSource();
  room ??= connectionRoom(descriptorLimit());
  const most = room;
  server.maxConnections = total;
  const admit = (socket: Socket) => {
    const address = socket.remoteAddress;
    if (open >= most) {
      refused(address ?? 'a Unix socket', `all listeners together hold ${open} (ulimit -n)`);
      socket.destroy();
      return;
    }
    // A Unix socket has no address; only the same account can connect to it.
    if (address !== undefined) {
      if (held.of(address) >= perClient) {
        refused(address, `its source holds ${perClient}`);
        socket.destroy();
        return;
      }
      held.add(address);
    }
    open += 1;
    const gone = () => {
      open -= 1;
      if (address !== undefined) held.giveBack(address);
    };
    socket.once('close', contained('a connection that closed', gone, gone));
  };
  server.on(
    'connection',
    contained('a new connection', admit, (_error, [socket]) => socket.destroy()),
  );
}
