import { Socket } from 'node:dgram';
import { expect, it, vi } from 'vitest';
import { ask } from '../../../src/driver/ipmi/native/exchange.js';
import { BmcSockets } from '../../../src/driver/ipmi/native/sockets.js';
import { detached, faultCounts } from '../../../src/platform/boundary.js';

const LOG = { info: () => {}, warn: () => {}, error: () => {} };
const PLACE = { address: '127.0.0.1', port: 9 };

/** A question that nobody answers. */
function question(end: number, packet: () => Uint8Array = () => Uint8Array.of(6)) {
  return {
    place: PLACE,
    packet,
    timeout: 300,
    end: performance.now() + end,
    slowest: 0,
    take: () => undefined,
    signal: new AbortController().signal,
  };
}

it.each([
  ['at once', 4_000],
  ['after a wait for the pace', 10],
])(
  'a socket that fails under a packet that leaves %s loses it, and holds up no wait',
  async (_, pace) => {
    const sockets = new BmcSockets({ packetsPerSecond: pace, log: LOG });
    if (pace === 10) await sockets.send(PLACE, () => Uint8Array.of(6));
    const { send } = Socket.prototype;
    const spy = vi.spyOn(Socket.prototype, 'send').mockImplementationOnce(function (this: Socket, ...args) {
      this.emit('error', new Error('the kernel closed it'));
      Reflect.apply(send, this, args);
    });
    try {
      expect(await ask(sockets, question(2_000))).toBeUndefined();
      expect(sockets.traffic.counts.unsent).toBeGreaterThan(0);
      await sockets.close();
    } finally {
      spy.mockRestore();
    }
  },
  5_000,
);

it('a packet whose end the kernel never tells holds up the close for a moment only', async () => {
  const sockets = new BmcSockets({ packetsPerSecond: 4_000, log: LOG });
  const spy = vi.spyOn(Socket.prototype, 'send').mockImplementation(() => {});
  try {
    await sockets.send(PLACE, () => Uint8Array.of(6));
    await sockets.close();
  } finally {
    spy.mockRestore();
  }
}, 5_000);

it('farewells that wait for the pace leave before the sockets close, those of a minute’s length do not', async () => {
  for (const [count, leaves] of [
    [5, 5],
    [200, 40],
  ] as const) {
    const sockets = new BmcSockets({ packetsPerSecond: 10, log: LOG });
    for (let i = 0; i < count; i++) sockets.farewell(PLACE, () => Uint8Array.of(6));
    const begun = performance.now();
    await sockets.close();
    expect(performance.now() - begun).toBeLessThan(8_000);
    const { sent } = sockets.traffic.counts;
    if (count === leaves) expect(sent).toBe(leaves);
    else expect(sent).toBeLessThan(leaves);
  }
}, 20_000);

it('a farewell to a BMC that no socket reaches holds up no other', async () => {
  const sockets = new BmcSockets({ packetsPerSecond: 4_000, log: LOG });
  const faults = faultCounts();
  sockets.farewell({ address: '::1', port: 9 }, () => Uint8Array.of(6));
  const bind = vi.spyOn(Socket.prototype, 'bind').mockImplementationOnce(() => {
    throw Object.assign(new Error('too many open files'), { code: 'EMFILE' });
  });
  try {
    sockets.farewell(PLACE, () => Uint8Array.of(6));
    await sockets.close();
    expect(faultCounts()).toEqual(faults);
  } finally {
    bind.mockRestore();
  }
}, 5_000);

it('no packet leaves after the end, and a question that never left is told as one', async () => {
  const sockets = new BmcSockets({ packetsPerSecond: 10, log: LOG });
  let made = 0;
  const packet = () => {
    made++;
    return Uint8Array.of(6);
  };
  const before = Array.from({ length: 8 }, () => sockets.send(PLACE, () => Uint8Array.of(6)));
  const fault = await ask(sockets, question(300, packet)).catch((error: unknown) => error);
  expect(fault).toMatchObject({ fault: { code: 'bmc-unreachable', stage: 'session', passing: 'silent' } });
  await ask(sockets, question(-1, packet)).catch((error: unknown) => expect(error).toEqual(fault));
  await Promise.all(before);
  await sockets.send(PLACE, () => Uint8Array.of(6)); // behind both questions
  expect(made).toBe(0);
  await sockets.close();
}, 5_000);

it('a repetition that its turn comes late for is not sent after the timeout', async () => {
  const sockets = new BmcSockets({ packetsPerSecond: 10, log: LOG });
  let made = 0;
  const asking = ask(sockets, {
    ...question(5_000, () => Uint8Array.of(6, made++)),
    timeout: 600,
  });
  for (let i = 0; i < 12; i++)
    detached(
      'test',
      sockets.send(PLACE, () => Uint8Array.of(6)),
    );
  expect(await asking).toBeUndefined();
  await sockets.send(PLACE, () => Uint8Array.of(6));
  expect(made).toBe(1);
  await sockets.close();
}, 5_000);

it('a socket that cannot be opened is the conductor’s fault, closed, and opened by the next question', async () => {
  const lines: object[] = [];
  const sockets = new BmcSockets({
    packetsPerSecond: 4_000,
    log: { ...LOG, error: (line: object) => lines.push(line) },
  });
  const closed = vi.spyOn(Socket.prototype, 'close');
  const spy = vi.spyOn(Socket.prototype, 'bind').mockImplementationOnce(function (this: Socket) {
    const error = Object.assign(new Error('bind EMFILE'), { code: 'EMFILE' });
    setImmediate(() => this.emit('error', error));
    return this;
  });
  try {
    const before = faultCounts()['ipmi: question'] ?? 0;
    const fault: unknown = await ask(sockets, question(2_000)).catch((error: unknown) => error);
    expect(fault).toMatchObject({
      fault: {
        code: 'bmc-unreachable',
        message: 'the conductor could not open a socket to the BMC (EMFILE)',
        stage: 'session',
        absent: true,
      },
    });
    expect(closed).toHaveBeenCalledOnce();
    expect(lines).toHaveLength(1);
    expect(faultCounts()['ipmi: question'] ?? 0).toBe(before);
    expect(await ask(sockets, question(2_000))).toBeUndefined();
    expect(sockets.traffic.counts.sent).toBeGreaterThan(0);
  } finally {
    spy.mockRestore();
    closed.mockRestore();
    await sockets.close();
  }
}, 5_000);
