// A polite client of every server, at a steady rate, as a process in a network namespace: prints percentiles of each as
// a line of JSON. attack-polite.js SERVER NODE MAC,MAC,… SECONDS
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** Interval between two requests to a server, ms. */
const PACE = 50;
/** Timeout after which a request counts as lost, ms. */
const PATIENCE = 5_000;

export interface DoorFigures {
  asked: number;
  lost: number;
  /** Latency from the time the request was due, ms; null: none was answered. */
  p50: number | null;
  p99: number | null;
}

const [server, node, macs, seconds] = process.argv.slice(2) as [string, string, string, string];
const MACS = macs.split(',');
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

/** Reads a file of one block: request, block, acknowledgement. Retransmits after a second, as firmware does. */
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

/** Discover and offer, with this host as relay. */
async function dhcp(relay: Socket, xid: number): Promise<void> {
  const bytes = Buffer.alloc(300);
  bytes.set([1, 1, 6, 1]);
  bytes.writeUInt32BE(xid, 4);
  bytes.set(relay.address().address.split('.').map(Number), 24);
  bytes.set(
    MACS[xid % MACS.length]!.split(':').map((part) => Number.parseInt(part, 16)),
    28,
  );
  bytes.set([0x63, 0x82, 0x53, 0x63, 53, 1, 1, 255], 236);
  await datagram(relay, bytes, 67, (answer) => answer.readUInt32BE(4) === xid);
}

/** Sends repeatedly until the response arrives. */
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
  // Requests have a fixed schedule, independent of responses: a slow server does not lower the rate.
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
  const at = (share: number) => took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? null;
  return { asked: asked.length, lost, p50: at(0.5), p99: at(0.99) };
}

const version = { 'x-openstack-ironic-api-version': '1.82' };
const relay = createSocket({ type: 'udp4', reuseAddr: true });
relay.setMaxListeners(0);
relay.bind(67, '10.66.0.2');
await once(relay, 'listening');
let xid = 1;
// One request at a time: a DHCP client has only one under way.
let before = Promise.resolve();
const inLine = () => {
  const mine = before.then(() => dhcp(relay, ++xid));
  before = mine.catch(() => undefined);
  return mine;
};
const doors = {
  api: door(http(6385, `/v1/nodes/${node}`, { ...version, authorization: LOGIN }, 200)),
  // No machine is booting: the response is a 404, after all queries of the database.
  agent: door(http(6386, `/v1/lookup?addresses=${MACS[0]}`, version, 404)),
  http: door(http(8080, '/small', {}, 200)),
  tftp: door(tftp),
  dhcp: door(inLine),
};
const entries = await Promise.all(
  Object.entries(doors).map(async ([name, figures]) => [name, await figures] as const),
);
console.log(JSON.stringify(Object.fromEntries(entries)));
process.exit(0);
