import { createSocket, type Socket } from 'node:dgram';
import { netbootSection } from '../../../src/config/section/netboot.js';
import { configuredFiles, Manifest } from '../../../src/netboot/published/manifest.js';
import { TftpServer } from '../../../src/netboot/tftp/server.js';
import { createLogger } from '../../../src/platform/logger.js';

/** A TFTP server of a test's own: clients that go silent hold their share of sessions for half a minute. */
export async function freshServer(tftp: object, files: Record<string, string>): Promise<TftpServer> {
  const fresh = new TftpServer(
    netbootSection.parse({ tftp: { listen: '127.0.0.1', port: 0, ...tftp } }).tftp,
    new Manifest([configuredFiles(files)], { admits: async () => true, speaksFor: async () => true }),
    createLogger('silent'),
  );
  await fresh.start();
  return fresh;
}
export async function client(address = '127.0.0.1'): Promise<Socket> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, address, resolve));
  return socket;
}
export const rrq = (name: string, ...options: string[]) =>
  Buffer.from(`\0\x01${[name, 'octet', ...options].join('\0')}\0`, 'latin1');
/** The next datagram to a socket, or null after a while. */
export function next(socket: Socket, within = 1_500): Promise<{ bytes: Buffer; port: number } | null> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(null), within);
    socket.once('message', (bytes, from) => {
      clearTimeout(timer);
      resolve({ bytes, port: from.port });
    });
  });
}
