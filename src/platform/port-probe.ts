import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { FerricError } from '../domain/errors.js';
import { registerListener } from './own-listeners.js';

export interface WantedPort {
  protocol: 'tcp' | 'udp';
  address: string;
  port: number;
  /** The configuration's key, for the message. */
  key: string;
}

/**
 * Binds each and lets it go again: what cannot be had is found before anything else is touched.
 * @throws FerricError with every port that cannot be had, and why
 */
export async function probePorts(wanted: readonly WantedPort[]): Promise<void> {
  const faults: string[] = [];
  for (const one of wanted) {
    try {
      await (one.protocol === 'tcp' ? probeTcp(one) : probeUdp(one));
    } catch (error) {
      const { key, address, port, protocol } = one;
      const why = reason(error as NodeJS.ErrnoException);
      faults.push(`${key}: ${address} port ${port} (${protocol.toUpperCase()}) ${why}`);
    }
  }
  if (faults.length > 0) throw new FerricError('unavailable', faults.join('; '));
}

async function probeTcp({ address: host, port }: WantedPort): Promise<void> {
  const server = createServer();
  registerListener(server, null);
  server.listen({ host, port, exclusive: true });
  await once(server, 'listening');
  server.close();
  await once(server, 'close');
}

async function probeUdp({ address, port }: WantedPort): Promise<void> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.bind({ address, port, exclusive: true });
  await once(socket, 'listening').finally(() => socket.close());
}

function reason({ code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'EADDRINUSE':
      return 'is in use by another program';
    case 'EADDRNOTAVAIL':
      return 'is no address of this machine';
    case 'EACCES':
      return 'may not be bound by this account: ports below 1024 need root or CAP_NET_BIND_SERVICE';
    default:
      return message;
  }
}
