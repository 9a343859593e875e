import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Below the range that the kernel gives to outgoing connections (ip_local_port_range begins at 32768), so that none of
 * those, of a test beside this one, takes the port before the server that is to listen there.
 */
const [FROM, TO] = [12_000, 32_000] as const;

/** A TCP port on the loopback where nobody listens. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FROM, TO);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) =>
      server.once('error', reject).listen(port, '127.0.0.1', resolve),
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false;
    throw error;
  }
  await new Promise((resolve) => server.close(resolve));
  return true;
}
