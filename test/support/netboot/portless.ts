import { spawnSync } from 'node:child_process';

const CODE = `
import socket, struct, sys
source, target, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
raw.bind((source, 0))
for line in sys.stdin:
    bytes_ = bytes.fromhex(line)
    # Source port 0 and no checksum (RFC 768 has both for optional).
    raw.sendto(struct.pack('!HHHH', 0, port, 8 + len(bytes_), 0) + bytes_, (target, 0))
`;

/** Sends datagrams with source port 0, which needs a raw socket and root. */
export function sendPortless(to: { address: string; port: number }, datagrams: readonly Uint8Array[]): void {
  const input = datagrams.map((bytes) => `${Buffer.from(bytes).toString('hex')}\n`).join('');
  const { status, stderr } = spawnSync('python3', ['-c', CODE, '127.0.0.1', to.address, String(to.port)], {
    input,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`raw socket: ${stderr}`);
}
