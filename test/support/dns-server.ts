import { createSocket } from 'node:dgram';
import { once } from 'node:events';

export interface DnsServer {
  /** `address:port`, as resolvers accept it. */
  address: string;
  /** Queried names, with the record type. */
  questions: string[];
  close(): Promise<void>;
}

/**
 * A DNS server on loopback. `answer` returns the IPv4 addresses of a name: an empty list gives NXDOMAIN, undefined
 * gives no response. AAAA queries get no addresses.
 */
export async function startDnsServer(
  answer: (name: string, turn: number) => string[] | undefined,
): Promise<DnsServer> {
  const socket = createSocket('udp4');
  const questions: string[] = [];
  const turns = new Map<string, number>();
  socket.on('message', (packet, peer) => {
    const labels: string[] = [];
    let at = 12;
    while (packet[at] !== 0) {
      labels.push(packet.toString('latin1', at + 1, at + 1 + packet[at]!));
      at += 1 + packet[at]!;
    }
    const question = packet.subarray(12, at + 5);
    const type = packet.readUInt16BE(at + 1);
    const name = labels.join('.');
    questions.push(`${type === 1 ? 'A' : type === 28 ? 'AAAA' : type} ${name}`);
    const turn = turns.get(name) ?? 0;
    if (type === 1) turns.set(name, turn + 1);
    const found = answer(name, turn);
    if (!found) return;
    const records = type === 1 ? found : [];
    const header = Buffer.alloc(12);
    packet.copy(header, 0, 0, 2);
    header.writeUInt16BE(found.length === 0 ? 0x8183 : 0x8180, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(records.length, 6);
    const body = records.map((ip) =>
      Buffer.from([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...ip.split('.').map(Number)]),
    );
    socket.send(Buffer.concat([header, question, ...body]), peer.port, peer.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    address: `127.0.0.1:${socket.address().port}`,
    questions,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}
