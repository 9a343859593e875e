import { once } from 'node:events';
import { Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { vi } from 'vitest';
import { throwOnce } from './throw-once.js';

/**
 * A connection that says nothing, at whose timeout the listener's handler throws.
 * @param start starts the listener, the only one that starts meanwhile, and returns its TCP port on 127.0.0.1
 * @returns whether the handler has thrown, once the connection was closed
 */
export async function closedThoughThrown(owner: string, start: () => Promise<number>): Promise<boolean> {
  const { thrown } = throwOnce(owner);
  const settings = vi.spyOn(Server.prototype, 'setTimeout');
  const port = await start();
  const server = settings.mock.contexts.at(-1) as Server;
  settings.mockRestore();
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const client = connect(port, '127.0.0.1').on('error', () => undefined);
  client.resume();
  const [socket] = await accepted;
  const closed = once(client, 'close');
  server.emit('timeout', socket); // as Node.js after the silence
  await closed;
  return thrown();
}
