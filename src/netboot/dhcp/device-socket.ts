import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { setTimeout as sleep } from 'node:timers/promises';
import { FerricError, messageOf } from '../../domain/errors.js';
import { contained } from '../../platform/boundary.js';

/** A UDP socket that receives from one network interface and sends through it. */
export interface DeviceSocket {
  readonly socket: Socket;
  /** An IPv4 address in the notation of the socket's family. */
  to(address: string): string;
  /** The IPv4 address in an address that the socket reports. */
  from(address: string): string;
}

/** Link-local, and never in use: fe81::/16 is inside fe80::/10, but hosts assign addresses in fe80::/64 only. */
const NOBODY = 'fe81::5eed';
const WAYS_OUT =
  'Ways out: let a service manager pass the socket (a systemd socket unit with ListenDatagram=0.0.0.0:67, ' +
  'BindToDevice=INTERFACE and Broadcast=yes, and netboot.dhcp.socket_fd: 3), or load the kernel’s IPv6 module ' +
  '(no address is needed), which lets Ferric do it itself.';

/**
 * Opens `port` on one interface. The kernel delivers no packets of other interfaces to this socket.
 *
 * Node.js has no SO_BINDTODEVICE. But Linux ties a socket to the interface of a link-local address at bind(), before it
 * checks that the address exists (`__inet6_bind`, net/ipv6/af_inet6.c), and keeps the tie. The socket is then bound to
 * `::`, which receives IPv4 as well. Each opening is tested, not assumed to have worked.
 * @throws FerricError with the alternatives, where interfaces cannot be told apart
 */
export async function openDeviceSocket(device: string, port: number): Promise<DeviceSocket> {
  const socket = createSocket({ type: 'udp6', reuseAddr: true });
  try {
    await tie(socket, device);
    await bind(socket, '::', port);
    await finish(socket, device, port);
  } catch (error) {
    socket.close();
    throw error;
  }
  return {
    socket,
    to: (address) => `::ffff:${address}`,
    from: (address) => (address.startsWith('::ffff:') ? address.slice(7) : address),
  };
}

/**
 * Takes over a socket that a service manager opened.
 * @throws FerricError when it is not an IPv4 UDP socket on `port`, or also receives from another interface
 */
export async function adoptDeviceSocket(fd: number, device: string, port: number): Promise<DeviceSocket> {
  const socket = createSocket('udp4');
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind({ fd }, () => {
        socket.off('error', reject);
        resolve();
      });
    }).catch((error) => {
      throw new FerricError('invalid', `File descriptor ${fd} is no UDP socket: ${messageOf(error)}`);
    });
    const address = socket.address();
    if (address.family !== 'IPv4' || address.port !== port || address.address !== '0.0.0.0') {
      throw new FerricError(
        'invalid',
        `File descriptor ${fd} is bound to ${address.address} port ${address.port}, not to 0.0.0.0 port ${port}`,
      );
    }
    await finish(socket, device, port);
  } catch (error) {
    socket.close();
    throw error;
  }
  return { socket, to: (address) => address, from: (address) => address };
}

async function tie(socket: Socket, device: string): Promise<void> {
  try {
    await bind(socket, `${NOBODY}%${device}`, 0);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRNOTAVAIL') return; // expected
    if (code === 'EINVAL' || code === 'ENODEV') {
      throw new FerricError('invalid', `There is no network interface ${device}`, { cause: error });
    }
    throw apart(device, `IPv6 sockets cannot be used (${code})`);
  }
  throw apart(device, 'net.ipv6.ip_nonlocal_bind is set');
}

async function finish(socket: Socket, device: string, port: number): Promise<void> {
  socket.setBroadcast(true);
  // A burst of unknown clients must not push the known ones out; the kernel caps it at net.core.rmem_max.
  socket.setRecvBufferSize(4 * 1024 * 1024);
  if (device === 'lo') return; // the test below itself runs over lo
  if (await hearsLoopback(socket, port)) {
    throw apart(device, 'the socket also hears other interfaces');
  }
}

/** Sends a broadcast through lo. An untied second socket receives it; a socket tied to another interface must not. */
async function hearsLoopback(socket: Socket, port: number): Promise<boolean> {
  const nonce = randomBytes(16);
  const control = createSocket({ type: 'udp4', reuseAddr: true });
  const sender = createSocket({ type: 'udp4', reuseAddr: true });
  let heard = false;
  let controlHeard = false;
  const hear = (bytes: Buffer) => {
    heard ||= bytes.equals(nonce);
  };
  // What a fault did not hear would pass for proof.
  const listen = contained('DHCP: proof of the interface', hear, (_error, [bytes]) => hear(bytes));
  socket.on('message', listen);
  const listenBeside = contained('DHCP: proof of the interface', (bytes: Buffer) => {
    controlHeard ||= bytes.equals(nonce);
  });
  control.on('message', listenBeside);
  try {
    await bind(control, '0.0.0.0', port);
    await bind(sender, '127.0.0.1', 0);
    sender.setBroadcast(true);
    for (let attempt = 0; attempt < 10 && !controlHeard; attempt++) {
      await new Promise<void>((resolve, reject) => {
        sender.send(nonce, port, '127.255.255.255', (error) => (error ? reject(error) : resolve()));
      });
      await sleep(30);
    }
    // The kernel delivers to both sockets in one pass: a datagram that is missing by now will not arrive.
    await sleep(30);
  } catch (error) {
    throw new FerricError(
      'unavailable',
      `DHCP could not be tried over the loopback interface: ${messageOf(error)}`,
    );
  } finally {
    socket.off('message', listen);
    control.close();
    sender.close();
  }
  if (!controlHeard) {
    throw new FerricError('invalid', 'The loopback interface lo does not pass broadcasts: is it up?');
  }
  return heard;
}

function bind(socket: Socket, address: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error) => {
      socket.off('listening', done);
      reject(error);
    };
    const done = () => {
      socket.off('error', failed);
      resolve();
    };
    socket.once('error', failed);
    socket.once('listening', done);
    socket.bind({ address, port, exclusive: true });
  });
}

function apart(device: string, reason: string): FerricError {
  return new FerricError(
    'invalid',
    `DHCP cannot tell the packets of ${device} from those of other interfaces: ${reason}. ${WAYS_OUT}`,
  );
}
