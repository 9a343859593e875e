// A polite client of every door, at an even pace, as a process in a network namespace: prints a line of JSON with the
// percentiles of each. attack-polite.js SERVER NODE MAC SECONDS
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** ms between two questions at one door. */
const PACE = 50;
/** ms after which a question counts as lost. */
const PATIENCE = 5_000;

export interface DoorFigures {
  asked: number;
  lost: number;
  /** ms from when the question was due. */
  p50: number;
  p99: number;
}

const [server, node, mac, seconds] = process.argv.slice(2) as [string, string, string, string];
const LOGIN = `Basic ${Buffer.from('admin:right').toString('base64')}`;

function http(port: number, path: string, headers: Record<string, string>, expected: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  return () =>
    new Promise<void>((resolve, reject) => {
      const request = get({ host: server, port, path, headers, agent, timeout: PATIENCE }, (answer) => {
        answer.resume();
        answer.once('error', reject);
        answer.once('end', () =>
          answer.statusCode === expected
            ? resolve()
            : reject(new Error(`${path}: ${String(answer.statusCode)}`)),
        );
      });
      request.once('timeout', () => request.destroy(new Error(`${path}: no answer`)));
      request.once('error', reject);
    });
}

/** A file of one block: request, block, acknowledgement. Asked again after a second, as firmware does. */
async function tftp(): Promise<void> {
  const socket = createSocket('udp4');
  try {
    await datagram(socket, Buffer.from('\0\x01small\0octet\0', 'latin1'), 69, (bytes, port) => {
      if (bytes.readUInt16BE(0) !== 3) throw new Error('no block came');
      socket.send(Buffer.from([0, 4, 0, 1]), port, server);
      return true;
    });
  } finally {
    socket.close();
  }
}

/** Discover and offer, as a relay asks that is this host. */
async function dhcp(relay: Socket, xid: number): Promise<void> {
  const bytes = Buffer.alloc(300);
  bytes.set([1, 1, 6, 1]);
  bytes.writeUInt32BE(xid, 4);
  bytes.set(relay.address().address.split('.').map(Number), 24);
  bytes.set(
    mac.split(':').map((part) => Number.parseInt(part, 16)),
    28,
  );
  bytes.set([0x63, 0x82, 0x53, 0x63, 53, 1, 1, 255], 236);
  await datagram(relay, bytes, 67, (answer) => answer.readUInt32BE(4) === xid);
}

/** Sends until what came is the answer. */
async function datagram(
  socket: Socket,
  bytes: Buffer,
  port: number,
  isAnswer: (bytes: Buffer, port: number) => boolean,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const hear = (answer: Buffer, from: { port: number }) => {
    try {
      if (isAnswer(answer, from.port)) resolve();
    } catch (error) {
      reject(error as Error);
    }
  };
  socket.on('message', hear);
  const ask = () => socket.send(bytes, port, server);
  const again = setInterval(ask, 1_000);
  const late = setTimeout(() => reject(new Error('no answer')), PATIENCE);
  ask();
  try {
    await promise;
  } finally {
    clearInterval(again);
    clearTimeout(late);
    socket.off('message', hear);
  }
}

async function door(ask: () => Promise<void>): Promise<DoorFigures> {
  const took: number[] = [];
  let lost = 0;
  const end = performance.now() + Number(seconds) * 1000;
  const asked: Promise<void>[] = [];
  // By when it was due, not by when the one before was answered: who waits asks no fewer.
  for (let due = performance.now(); due < end; due += PACE) {
    const wait = due - performance.now();
    if (wait > 0) await sleep(wait);
    asked.push(
      ask().then(
        () => void took.push(performance.now() - due),
        (error: Error) => {
          if (lost++ === 0) console.error(error.message);
        },
      ),
    );
  }
  await Promise.all(asked);
  took.sort((a, b) => a - b);
  const at = (share: number) =>
    took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? Number.NaN;
  return { asked: asked.length, lost, p50: at(0.5), p99: at(0.99) };
}

const version = { 'x-openstack-ironic-api-version': '1.82' };
const relay = createSocket({ type: 'udp4', reuseAddr: true });
relay.setMaxListeners(0);
relay.bind(67, '10.66.0.2');
await once(relay, 'listening');
let xid = 1;
// One question after the other: a client of DHCP has one under way.
let before = Promise.resolve();
const inLine = () => {
  const mine = before.then(() => dhcp(relay, ++xid));
  before = mine.catch(() => undefined);
  return mine;
};
const doors = {
  api: door(http(6385, `/v1/nodes/${node}`, { ...version, authorization: LOGIN }, 200)),
  // Nobody is booting: the answer to a miss, after every question of the database.
  agent: door(http(6386, `/v1/lookup?addresses=${mac}`, version, 404)),
  http: door(http(8080, '/small', {}, 200)),
  tftp: door(tftp),
  dhcp: door(inLine),
};
const entries = await Promise.all(
  Object.entries(doors).map(async ([name, figures]) => [name, await figures] as const),
);
console.log(JSON.stringify(Object.fromEntries(entries)));
process.exit(0);
