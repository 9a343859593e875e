import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';

const built = (path: string) => JSON.stringify(new URL(`../../../dist/src/${path}`, import.meta.url).href);
/** Takes over the socket 3, which is tied to no interface; the handler of that number throws once. */
const PROGRAM = `
import { watchHandlers } from ${built('platform/boundary.js')};
import { adoptDeviceSocket } from ${built('netboot/dhcp/device-socket.js')};
const [which, port] = process.argv.slice(1).map(Number);
let handlers = 0;
watchHandlers((owner) => {
  if (owner !== 'DHCP: proof of the interface') return () => undefined;
  let mine = ++handlers === which;
  return () => {
    if (!mine) return;
    mine = false;
    console.log('thrown');
    throw new Error('a fault on purpose');
  };
});
const end = (words) => { console.log(words); process.exit(); };
adoptDeviceSocket(3, 'eth9', port).then(() => end('taken'), (error) => end(error.message));
`;

it.each([
  ['as it is', 0],
  ['though the handler of its datagram throws', 1],
  ['though the handler of the other socket’s datagram throws', 2],
])('a socket that is tied to no interface is refused, %s', async (_, which) => {
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  socket.bind(0, '0.0.0.0');
  await once(socket, 'listening');
  const { port } = socket.address() as AddressInfo;
  const handle = (socket as unknown as { _handle: { fd: number; recvStop(): void } })._handle;
  handle.recvStop(); // as a service manager, which reads nothing
  const args = ['--input-type=module', '-e', PROGRAM, String(which), String(port)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit', handle.fd] });
  const words = await text(child.stdout!);
  socket.close();
  expect(words.includes('thrown')).toBe(which > 0);
  expect(words).toContain('also hears other interfaces');
});
