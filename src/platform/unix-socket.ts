import { chmod, lstat, rm } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import { FerricError } from '../domain/errors.js';
import { contained } from './boundary.js';

/**
 * Listens on a Unix socket that only this account (and root) may connect to. The leftover socket of a daemon that is
 * gone is replaced.
 * @throws FerricError if something else has the path, or a process listens there
 */
export async function listenOnSocket(server: Server, path: string): Promise<void> {
  const there = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (there && !there.isSocket()) throw new FerricError('invalid', `${path} is there and is no socket.`);
  if (there && (await isServed(path)))
    throw new FerricError('invalid', `Somebody listens on ${path} already.`);
  if (there) await rm(path);
  // The umask sets the mode at creation: between bind and a chmod others could connect.
  const before = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, () => {
        server.off('error', reject);
        resolve();
      });
    });
  } finally {
    process.umask(before);
  }
  await chmod(path, 0o600);
}

function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const answer = (served: boolean) => () => {
      socket.destroy();
      resolve(served);
    };
    const [yes, no] = [answer(true), answer(false)];
    socket.once('connect', contained('a Unix socket that is there', yes, yes));
    socket.once('error', contained('a Unix socket that is there', no, no));
  });
}
