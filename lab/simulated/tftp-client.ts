import type { Socket } from 'node:dgram';
import { decodeTftp, encodeTftp } from '../../src/protocol/tftp/packet.js';

/**
 * Reads a file as PXE firmware does (RFC 1350, options of RFC 2347-2349), and discards it.
 * @param socket an unused UDP socket; closed at the end
 * @returns bytes
 * @throws Error with the server's message, or on a timeout
 */
export function tftpDrain(
  socket: Socket,
  server: { host: string; port: number },
  filename: string,
  options: { blksize?: number; timeout?: number; retries?: number; signal?: AbortSignal } = {},
): Promise<number> {
  const { blksize = 1432, timeout = 1_000, retries = 6, signal } = options;
  return new Promise((resolve, reject) => {
    let bytes = 0;
    let expected = 1;
    let size = 512; // until the server grants another size
    let peer = server.port;
    let tries = 0;
    let timer: NodeJS.Timeout;
    let last: Uint8Array = encodeTftp({
      op: 'rrq',
      filename,
      mode: 'octet',
      options: new Map([
        ['tsize', '0'],
        ['blksize', String(blksize)],
      ]),
    });
    const end = (settle: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', aborted);
      socket.close();
      settle();
    };
    const aborted = () => end(() => reject(new Error('the power went')));
    const send = () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        if (++tries > retries) end(() => reject(new Error(`TFTP ${filename}: no answer`)));
        else send();
      }, timeout);
      socket.send(last, peer, server.host);
    };
    const next = (packet: Uint8Array) => {
      last = packet;
      tries = 0;
      send();
    };
    socket.on('error', (error) => end(() => reject(error)));
    socket.on('message', (message, from) => {
      if (peer !== server.port && from.port !== peer) return; // another transfer's packet
      const packet = decodeTftp(message);
      if (packet.op === 'error')
        end(() => reject(new Error(`TFTP ${filename}: error ${packet.code}, ${packet.message}`)));
      else if (packet.op === 'oack' && expected === 1 && bytes === 0) {
        peer = from.port;
        size = Number(packet.options.get('blksize') ?? 512);
        next(encodeTftp({ op: 'ack', block: 0 }));
      } else if (packet.op === 'data' && packet.block === expected) {
        peer = from.port;
        bytes += packet.bytes.length;
        expected = (expected + 1) & 0xffff;
        const ack = encodeTftp({ op: 'ack', block: packet.block });
        if (packet.bytes.length === size) next(ack);
        else {
          clearTimeout(timer);
          socket.send(ack, peer, server.host, () => end(() => resolve(bytes)));
        }
      }
    });
    signal?.addEventListener('abort', aborted);
    send();
  });
}
