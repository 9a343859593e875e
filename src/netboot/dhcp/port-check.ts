import type { NetbootSection } from '../../config/section/netboot.js';
import { FerricError, messageOf } from '../../domain/errors.js';
import type { Logger } from '../../platform/logger.js';
import { holderInWords, holdersOf } from '../../platform/port-holder.js';
import { openDeviceSocket } from './device-socket.js';

/**
 * Tests DHCP's ports before anything else starts. Another DHCP server may use them on another interface; a warning in
 * the log names it.
 * @throws FerricError naming the process that holds a port
 */
export async function checkDhcpPort(section: NetbootSection['dhcp'], log: Logger): Promise<void> {
  const { interface: device, mode, socket_fd, proxy_socket_fd } = section;
  if (device === null) return;
  const wanted = [
    { port: 67, fd: socket_fd },
    { port: 4011, fd: mode === 'proxy' ? proxy_socket_fd : 0 },
  ];
  for (const { port, fd } of wanted) {
    // The service manager has bound this port.
    if (fd !== null) continue;
    await tryPort(device, port);
    const holders = await holdersOf('udp', port);
    if (holders.length === 0) continue;
    log.warn(
      { port, holders },
      `DHCP: others listen on UDP port ${port}, too; on ${device} they would answer beside Ferric`,
    );
  }
}

async function tryPort(device: string, port: number): Promise<void> {
  try {
    const { socket } = await openDeviceSocket(device, port);
    socket.close();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const at = `netboot.dhcp.interface: ${device} port ${port} (UDP)`;
    if (code === 'EADDRINUSE') {
      throw new FerricError('unavailable', `${at} is in use by ${await holderInWords('udp', port)}`);
    }
    if (code === 'EACCES') {
      throw new FerricError('invalid', `${at} may not be bound: it needs root or CAP_NET_BIND_SERVICE`);
    }
    if (error instanceof FerricError) throw error;
    throw new FerricError('unavailable', `${at}: ${messageOf(error)}`, { cause: error });
  }
}
