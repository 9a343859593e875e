import { rm } from 'node:fs/promises';
import type { AddressInfo, Server } from 'node:net';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { contained } from './boundary.js';
import { ignoreNewConnections } from './run-command.js';

/** ms in which a handshake that was under way ends: a round trip, and one repeated packet at the most. */
const HANDSHAKE = 100;

/** The descriptor of a listening socket, which Node.js's types omit. */
interface Listening {
  readonly _handle: { readonly fd?: number } | null;
}

export type Trouble = (error: unknown, at: AddressInfo | string | null) => void;

/**
 * Lets no further connection begin, and accepts those that have begun. After it `close()` resets no client: the kernel
 * resets every connection of a listening socket that is closed before the program accepted it.
 * @param trouble called, with the server's address, where the kernel cannot be told; a connection that is made in that moment may then be reset
 */
export async function refuseConnections(server: Server, trouble: Trouble): Promise<void> {
  const at = server.address();
  try {
    // Nobody finds a Unix socket without its name.
    if (typeof at === 'string') await rm(at, { force: true });
    else await ignore(server);
  } catch (error) {
    trouble(error, at);
  }
  await acceptAll(server);
}

/** The loop accepts one connection a turn. */
async function acceptAll(server: Server): Promise<void> {
  let accepted = 0;
  const count = contained('a connection before a stop', () => {
    accepted++;
  });
  server.on('connection', count);
  for (let before = -1; before !== accepted; ) {
    before = accepted;
    // Immediates run behind the polling of a turn: between these two lies a whole one.
    await nextTurn();
    await nextTurn();
  }
  server.off('connection', count);
}

async function ignore(server: Server): Promise<void> {
  const { fd = -1 } = (server as unknown as Listening)._handle ?? {};
  if (fd < 0) return; // it listens no more
  await ignoreNewConnections(fd);
  await sleep(HANDSHAKE);
}
