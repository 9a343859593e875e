import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Ports below the kernel's range for outgoing connections (ip_local_port_range starts at 32768): no connection of a
 * concurrent test can take the port before the server listens.
 */
const [FROM, TO] = [12_000, 32_000] as const;

/** An unused TCP port on loopback. */
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
