/**
 * The client side of DHCP tests, as a process in a network namespace. It builds packets byte by byte, without the codec
 * under test.
 */
import { spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { setTimeout as sleep } from 'node:timers/promises';

const [what, ...args] = process.argv.slice(2) as [string, ...string[]];

function discover(
  mac: number[],
  options: number[],
  change: (bytes: Buffer) => void = () => undefined,
): Buffer {
  const bytes = Buffer.alloc(400);
  bytes.set([1, 1, 6, 0, 1, 2, 3, 4]);
  bytes.set(mac, 28);
  bytes.set([0x63, 0x82, 0x53, 0x63, ...options, 255], 236);
  change(bytes);
  return bytes;
}
const macBytes = (mac: string) => mac.split(':').map((part) => Number.parseInt(part, 16));
const text = (value: string) => [...Buffer.from(value)];
const option = (code: number, value: number[]) => [code, value.length, ...value];

async function socket(port: number, address = '0.0.0.0'): Promise<Socket> {
  const opened = createSocket({ type: 'udp4', reuseAddr: true });
  await new Promise<void>((resolve) => opened.bind(port, address, resolve));
  opened.setBroadcast(true);
  return opened;
}
const send = (from: Socket, bytes: Buffer, port: number, address: string) =>
  new Promise<void>((resolve, reject) => {
    from.send(bytes, port, address, (error) => (error ? reject(error) : resolve()));
  });

/** Parses a response: fixed fields, and the first instance of each option. */
function read(bytes: Buffer) {
  const options = new Map<number, Buffer>();
  for (let at = 240; at < bytes.length && bytes[at] !== 255; ) {
    if (bytes[at] === 0) {
      at++;
      continue;
    }
    const length = bytes[at + 1]!;
    options.set(bytes[at]!, bytes.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return {
    type: options.get(53)?.[0],
    yiaddr: [...bytes.subarray(16, 20)].join('.'),
    siaddr: [...bytes.subarray(20, 24)].join('.'),
    file: bytes.toString('latin1', 108, 236).replace(/\0+$/, ''),
    class: options.get(60)?.toString('latin1'),
    vendor: options.get(43)?.toString('hex'),
    options,
  };
}

const uefi = [...option(93, [0, 7]), ...option(60, text('PXEClient:Arch:00007:UNDI:003016'))];

async function proxy(mac: string): Promise<void> {
  const { execFileSync } = await import('node:child_process');
  execFileSync('ip', ['addr', 'add', '10.77.0.60/24', 'dev', 'eth0']);
  // Without a route, a broadcast needs a source address; broadcasts arrive at a socket without one.
  const client = await socket(68, '10.77.0.60');
  const everybody = await socket(68);
  const answers: unknown[] = [];
  for (const each of [client, everybody]) {
    each.on('message', (bytes) => {
      const { options: _, ...fields } = read(bytes);
      answers.push(fields);
    });
  }
  console.log('ready');
  await send(client, discover(macBytes(mac), [...option(53, [1]), ...uefi]), 67, '255.255.255.255');
  await sleep(400);
  // A request on port 67 is for the site's DHCP server; one on 4011 is for ours.
  const request = discover(
    macBytes(mac),
    [...option(53, [3]), ...option(54, [10, 77, 0, 99]), ...uefi],
    (bytes) => bytes.set([10, 77, 0, 60], 12),
  );
  await send(client, request, 67, '255.255.255.255');
  await sleep(400);
  await send(client, request, 4011, '10.77.0.1');
  await sleep(400);
  console.log(JSON.stringify(answers));
  client.close();
  everybody.close();
}

/** A relay agent by RFC 2131 §4.1 and RFC 3046: adds giaddr and option 82, and broadcasts the responses. */
async function relay(giaddr: string, server: string, device: string): Promise<void> {
  const down = await socket(67, '255.255.255.255');
  const up = await socket(67, giaddr);
  const agent = [82, 4, 1, 2, 0xca, 0xfe];
  down.on('message', (bytes) => {
    if (bytes[0] !== 1) return;
    const end = lastOption(bytes);
    const relayed = Buffer.concat([bytes.subarray(0, end), Buffer.from([...agent, 255]), Buffer.alloc(60)]);
    relayed[3] = 1;
    relayed.set(giaddr.split('.').map(Number), 24);
    void send(up, relayed, 67, server);
  });
  up.on('message', (bytes) => {
    if (bytes[0] !== 2) return;
    if (bytes.subarray(240).includes(Buffer.from(agent))) console.log('option 82 came back');
    void send(up, bytes, 68, '255.255.255.255');
  });
  console.log(`ready, relaying from ${device}`);
}

function lastOption(bytes: Buffer): number {
  let at = 240;
  while (at < bytes.length && bytes[at] !== 255) at += bytes[at] === 0 ? 1 : 2 + bytes[at + 1]!;
  return at;
}

async function malformed(mac: string, count: number): Promise<void> {
  const from = await socket(68);
  console.log('ready');
  const whole = discover(macBytes(mac), [
    ...option(53, [1]),
    ...option(61, [1, 2, 3]),
    ...option(97, Array(17).fill(1)),
    ...uefi,
  ]);
  let seed = 99;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed % below;
  };
  for (let i = 0; i < count; i++) {
    const bytes = Buffer.from(whole);
    switch (i % 4) {
      case 0: // noise of any length
        for (let at = 0; at < bytes.length; at++) bytes[at] = random(256);
        break;
      case 1: // good header, noise as options
        for (let at = 240; at < bytes.length; at++) bytes[at] = random(256);
        break;
      case 2: // single bytes changed
        for (let n = 0; n < 3; n++) bytes[240 + random(60)] = random(256);
        break;
      default: // overload loops and overruns
        bytes.set([53, 1, 1, 52, 1, 1 + random(3)], 240);
        bytes.set([52, 1, 1 + random(3), random(256), 255], random(2) ? 44 : 108);
    }
    const cut = random(3) === 0 ? bytes.subarray(0, random(301)) : bytes;
    await send(from, cut, 67, '10.77.0.1');
  }
  console.log(`sent ${count}`);
  from.close();
}

/** Sends at least `count` requests of random MACs, and continues until SIGTERM, two minutes at most. */
async function flood(count: number): Promise<void> {
  const from = await socket(68, '10.77.0.8');
  const mac = [2, 0xff, 0, 0, 0, 0];
  const until = Date.now() + 120_000;
  let asked = false;
  process.once('SIGTERM', () => {
    asked = true;
  });
  console.log('ready');
  let sent = 0;
  for (; sent < count || (!asked && Date.now() < until); sent++) {
    mac.splice(2, 4, (sent >> 24) & 255, (sent >> 16) & 255, (sent >> 8) & 255, sent & 255);
    await send(from, discover(mac, [...option(53, [1]), ...uefi]), 67, '255.255.255.255');
    // Sends may complete without a turn of the event loop, and signal handling needs one.
    if (sent % 256 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  console.log(`sent ${sent}`);
  from.close();
}

/** Passes a socket like systemd's BindToDevice=: it is made here, and inherited as descriptor 3. */
function pass(device: string, program: string, argument: string): void {
  const code = [
    'import os, socket, sys',
    's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)',
    's.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)',
    'if sys.argv[1]: s.setsockopt(socket.SOL_SOCKET, 25, sys.argv[1].encode())',
    's.bind(("0.0.0.0", 67))',
    'fd = os.dup(s.fileno()) if s.fileno() == 3 else s.fileno()',
    'os.dup2(fd, 3)',
    'os.set_inheritable(3, True)',
    'os.execv(sys.argv[2], sys.argv[2:])',
  ].join('\n');
  const child = spawn('python3', ['-c', code, device, process.execPath, program, argument], {
    stdio: 'inherit',
  });
  process.on('SIGTERM', () => child.kill());
  child.on('exit', (status) => process.exit(status ?? 1));
}

switch (what) {
  case 'proxy':
    await proxy(args[0]!);
    break;
  case 'relay':
    await relay(args[0]!, args[1]!, args[2]!);
    break;
  case 'malformed':
    await malformed(args[0]!, Number(args[1]));
    break;
  case 'flood':
    await flood(Number(args[0]));
    break;
  case 'pass':
    pass(args[0]!, args[1]!, args[2]!);
    break;
}
