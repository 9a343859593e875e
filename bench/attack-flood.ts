// One kind of flood, as a process in a network namespace; upon SIGTERM it prints how much it sent and received.
// attack-flood.js SERVER KIND
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const [server, kind] = process.argv.slice(2) as [string, string];
/** Number of concurrent connections. */
const PARALLEL = 64;
/** Datagrams per second; above this rate the kernel drops all clients' datagrams alike, before the daemon sees them. */
const DATAGRAMS = 20_000;
const MIB = 2 ** 20;

let over = false;
process.once('SIGTERM', () => {
  over = true;
});
let sent = 0;
const answers = new Map<string, number>();
const note = (answer: string) => answers.set(answer, (answers.get(answer) ?? 0) + 1);

/** Source addresses without a DHCP lease, and admitted ones. */
const stranger = () => `10.66.${128 + random(100)}.${1 + random(250)}`;
const admitted = () => `10.66.${64 + random(40)}.${1 + random(250)}`;
const random = (below: number) => Math.floor(Math.random() * below);

function head(method: string, path: string, length: number, more = ''): string {
  return (
    `${method} ${path} HTTP/1.1\r\nHost: ${server}\r\nContent-Type: application/json\r\n` +
    `X-OpenStack-Ironic-API-Version: 1.82\r\nContent-Length: ${length}\r\n${more}\r\n`
  );
}

interface Shot {
  port: number;
  from: () => string;
  text: () => string | Buffer;
  /** The connection is cut as soon as the text is sent. */
  hangsUp?: true;
}
const REPORT = '/v1/continue_inspection';
const BEAT = '/v1/heartbeat/7daa1a92-c3d7-4add-aaed-66fcbba58912';
const full = (unit: string) => Buffer.from(head('POST', REPORT, 16 * MIB) + unit.repeat(MIB / unit.length));
const [deep, values, longText] = [
  full('['),
  full('[],'),
  Buffer.from(`${head('POST', REPORT, 16 * MIB)}{"a":"${'x'.repeat(16 * MIB - 8)}"}`),
];

/** Requests that are not admitted, one on each connection. */
const TCP: Record<string, Shot> = {
  'agent: stranger': {
    port: 6386,
    from: stranger,
    text: () => head('POST', BEAT, 16 * MIB) + ' '.repeat(65_536),
  },
  'agent: too large': { port: 6386, from: admitted, text: () => head('POST', REPORT, 1024 * MIB) },
  'agent: too deep': { port: 6386, from: admitted, text: () => deep },
  'agent: too many values': { port: 6386, from: admitted, text: () => values },
  'agent: over rate': {
    port: 6386,
    from: () => '10.66.64.1',
    text: () => head('GET', '/v1/lookup?addresses=02:00:00:00:00:01', 0),
  },
  'agent: 16 MiB of text': { port: 6386, from: admitted, text: () => longText },
  'api: no login': { port: 6385, from: admitted, text: () => head('POST', '/v1/nodes', 16 * MIB) },
  'api: wrong passwords': {
    port: 6385,
    from: admitted,
    text: () =>
      head(
        'GET',
        '/v1/nodes',
        0,
        `Authorization: Basic ${Buffer.from(`admin:${Math.random()}`).toString('base64')}\r\n`,
      ),
  },
  'api: foreign pages': {
    port: 6385,
    from: admitted,
    text: () => head('POST', '/v1/nodes', 2, 'Origin: http://elsewhere.example\r\n'),
  },
  'api: no HTTP': { port: 6385, from: admitted, text: () => 'x'.repeat(65_536) },
  'http: strangers': { port: 8080, from: stranger, text: () => head('GET', '/small', 0) },
  'http: no such file': { port: 8080, from: admitted, text: () => head('GET', `/${Math.random()}`, 0) },
  'http: hang up': {
    port: 8080,
    from: admitted,
    text: () => head('GET', `/${Math.random()}`, 0),
    hangsUp: true,
  },
  'agent: hang up': {
    port: 6386,
    from: admitted,
    text: () => head('GET', '/v1/lookup?addresses=02:00:00:00:00:01', 0),
    hangsUp: true,
  },
  'http: bodies': { port: 8080, from: admitted, text: () => head('POST', '/small', 1024 * MIB) },
};

async function shoot({ port, from, text, hangsUp }: Shot): Promise<void> {
  const socket = connect({ host: server, port, localAddress: from() });
  let came = '';
  socket.on('data', (part: Buffer) => {
    if (came === '') {
      came = part.toString('latin1', 9, 12);
      socket.destroy();
    }
  });
  socket.on('error', (error: NodeJS.ErrnoException) => (came ||= error.code ?? 'error'));
  socket.setTimeout(20_000, () => socket.destroy());
  socket.on('connect', () =>
    socket.write(text(), () => {
      if (hangsUp) socket.destroy();
    }),
  );
  sent++;
  // `once` of node:events would reject on the socket's `error`.
  await new Promise<void>((resolve) => socket.on('close', () => resolve()));
  note(came || 'closed');
}

const LISTENERS = { api: 6385, agent: 6386, http: 8080 };
const UNFINISHED = Buffer.from(`${head('POST', REPORT, 16 * MIB)}[${' '.repeat(60_000)}`);

/** A thousand new connections a second that stay open, each after these bytes. */
async function hold(port: () => number, bytes?: Buffer): Promise<void> {
  while (!over) {
    const socket = connect({ host: server, port: port(), localAddress: sent % 2 ? stranger() : admitted() });
    socket.on('error', (error: NodeJS.ErrnoException) => note(error.code ?? 'error'));
    socket.on('close', () => note('closed'));
    socket.on('data', (part: Buffer) => note(part.toString('latin1', 9, 12)));
    if (bytes) socket.on('connect', () => socket.write(bytes));
    sent++;
    await sleep(1);
  }
}

const HELD: Record<string, () => Promise<void>> = Object.fromEntries([
  ...Object.entries(LISTENERS).flatMap(([name, port]) => [
    [`${name}: idle connections`, () => hold(() => port)],
    [`${name}: unfinished bodies`, () => hold(() => port, UNFINISHED)],
  ]),
  ['idle connections', () => hold(() => Object.values(LISTENERS)[random(3)]!)],
]);

const mac = () => [2, 0xff, random(256), random(256), random(256), random(256)];
function discover(from: number[], type: number): Buffer {
  const bytes = Buffer.alloc(300);
  bytes.set([1, 1, 6, 0, random(256), random(256), random(256), random(256)]);
  bytes.set(from, 28);
  bytes.set([0x63, 0x82, 0x53, 0x63, 53, 1, type, 50, 4, 10, 66, 0, 200, 54, 4, 10, 66, 0, 1, 255], 236);
  return bytes;
}
const KNOWN = [2, 0, 0, 0, 0, 9];
const noise = () => Buffer.from(Array.from({ length: 260 + random(200) }, () => random(256)));
const UDP: Record<string, { port: number; bytes: () => Buffer }> = {
  'tftp: no such file': { port: 69, bytes: () => Buffer.from(`\0\x01${Math.random()}\0octet\0`, 'latin1') },
  'tftp: a file that is there': { port: 69, bytes: () => Buffer.from('\0\x01small\0octet\0', 'latin1') },
  'tftp: noise': { port: 69, bytes: noise },
  'dhcp: strangers': { port: 67, bytes: () => discover(mac(), 1) },
  'dhcp: noise': { port: 67, bytes: noise },
  'dhcp: a known machine asks': { port: 67, bytes: () => discover(KNOWN, 1) },
  'dhcp: a known machine requests': { port: 67, bytes: () => discover(KNOWN, 3) },
  'dhcp: a known machine declines': { port: 67, bytes: () => discover(KNOWN, 4) },
  'dhcp: any machine declines': { port: 67, bytes: () => discover(mac(), 4) },
};

async function datagrams({ port, bytes }: { port: number; bytes: () => Buffer }): Promise<void> {
  const sockets = await Promise.all(
    Array.from({ length: 32 }, async (_, i) => {
      const socket = createSocket({ type: 'udp4', reuseAddr: true });
      if (port === 67) socket.bind(68, stranger());
      else socket.bind(0, i % 2 === 0 ? stranger() : admitted());
      await once(socket, 'listening');
      socket.on('message', () => note('answered'));
      socket.on('error', (error: NodeJS.ErrnoException) => note(error.code ?? 'error'));
      return socket;
    }),
  );
  const began = performance.now();
  while (!over) {
    const due = ((performance.now() - began) / 1000) * DATAGRAMS;
    for (; sent < due; sent++) sockets[sent % sockets.length]!.send(bytes(), port, server);
    await sleep(5);
  }
}

async function flood(): Promise<void> {
  const held = HELD[kind];
  if (held) return held();
  const udp = UDP[kind];
  if (udp) return datagrams(udp);
  const shot = TCP[kind];
  if (!shot) throw new Error(`no such flood: ${kind}`);
  await Promise.all(
    Array.from({ length: PARALLEL }, async () => {
      while (!over) await shoot(shot);
    }),
  );
}

if (kind === 'list')
  console.log(JSON.stringify([...Object.keys(TCP), ...Object.keys(UDP), ...Object.keys(HELD)]));
else {
  await flood();
  console.log(JSON.stringify({ sent, answers: Object.fromEntries(answers) }));
}
process.exit(0);
