import { describe, expect, it } from 'vitest';
import type { TftpPacket } from '../../../../src/protocol/tftp/packet.js';
import {
  type Advance,
  advanceTransfer,
  MAX_RETRIES,
  retransmitAfter,
  type Transfer,
} from '../../../../src/protocol/tftp/transfer.js';
import { ack, blocks, open, started, timeout } from '../../../support/netboot/transfer.js';

describe('options', () => {
  it('answers those it knows and can meet, clamped, in the order asked', () => {
    const { send } = started(5000, {
      blksize: '65464',
      tsize: '0',
      multicast: '',
      windowsize: '1000',
      timeout: '3',
    });
    expect(send).toEqual([
      {
        op: 'oack',
        options: new Map([
          ['blksize', '1468'],
          ['tsize', '5000'],
          ['windowsize', '64'],
          ['timeout', '3'],
        ]),
      },
    ]);
  });

  it('leaves out a blksize below 512, windowsize 0, timeout 0 and 256, and then needs no OACK', () => {
    const left: Record<string, string>[] = [
      { blksize: '511' },
      { windowsize: '0' },
      { timeout: '0' },
      { timeout: '256' },
    ];
    for (const options of left) {
      const { state, send } = started(700, options);
      expect(blocks(send)).toEqual([1]);
      expect(state).toMatchObject({ blksize: 512, windowsize: 1, last: 2 });
    }
  });

  it.each(['', '-1', '+5', '1e3', '0x10', ' 5', '12345678901', 'x'])(
    'leaves out what is no number: %j',
    (bad) => {
      for (const name of ['blksize', 'tsize', 'timeout', 'windowsize']) {
        expect(blocks(started(700, { [name]: bad }).send)).toEqual([1]);
        const other = name === 'tsize' ? 'windowsize' : 'tsize';
        expect(started(700, { [name]: bad, [other]: '4' }).send).toMatchObject([
          { op: 'oack', options: { size: 1 } },
        ]);
      }
    },
  );

  it('refuses with error 4 an unknown mode, with words netascii', () => {
    expect(open(1, {}, 'mail')).toMatchObject({ ok: false, error: { code: 4 } });
    expect(open(1, {}, 'netascii')).toMatchObject({ ok: false, error: { code: 0 } });
  });

  it('never waits longer than was agreed', () => {
    let { state } = started(700, { timeout: '1' });
    for (let i = 0; i < 3; i++) {
      expect(retransmitAfter(state)).toBe(1_000);
      ({ state } = timeout(state));
    }
    expect(retransmitAfter(started(700, { timeout: '60' }).state)).toBe(2_000);
  });

  it('a client that only wanted the size says error 8 and is gone', () => {
    const { state } = started(700, { tsize: '0' });
    const ended = advanceTransfer(state, {
      type: 'packet',
      packet: { op: 'error', code: 8, message: 'User aborted the transfer' },
      now: 1,
    });
    expect(ended.state).toMatchObject({ phase: 'failed', failure: 'client: 8 User aborted the transfer' });
    expect(ended.send).toEqual([]);
  });
});

describe('block by block', () => {
  it('sends each block once, the last one short', () => {
    let { state, send } = started(1100);
    expect(blocks(send)).toEqual([1]);
    ({ state, send } = ack(state, 1));
    expect(blocks(send)).toEqual([2]);
    ({ state, send } = ack(state, 2));
    expect(blocks(send)).toEqual([3]);
    ({ state, send } = ack(state, 3));
    expect(send).toEqual([]);
    expect(state.phase).toBe('done');
  });

  it.each([
    [0, 1],
    [511, 1],
    [512, 2],
    [513, 2],
  ])('a file of %i bytes has %i blocks', (size, last) => {
    expect(started(size).state.last).toBe(last);
  });

  it('does not answer a repeated acknowledgement (sorcerer’s apprentice)', () => {
    const first = ack(started(2000).state, 1);
    const second = ack(first.state, 1);
    expect(second.send).toEqual([]);
    const stale = ack(second.state, 0);
    expect(stale.send).toEqual([]);
    expect(blocks(ack(stale.state, 2).send)).toEqual([3]);
  });

  it('but does when what it sent last has had its time: the client waits', () => {
    const first = ack(started(2000).state, 1, 10);
    expect(ack(first.state, 1, 100).send).toEqual([]);
    const waited = ack(first.state, 1, 1_010);
    expect(blocks(waited.send)).toEqual([2]);
    expect(ack(waited.state, 1, 1_050).send).toEqual([]);
  });

  it('is not drawn into sending twice by a network that doubles every packet', () => {
    let { state } = started(512 * 50);
    let sent = 1;
    for (let block = 1; block <= 50; block++) {
      for (const copy of [0, 1]) {
        const step = ack(state, block, block * 40 + copy);
        state = step.state;
        sent += step.send.length;
      }
    }
    expect(sent).toBe(51);
  });

  it('acknowledgements of what was never sent change nothing', () => {
    const { state } = started(5000);
    for (const block of [2, 9, 65535]) {
      const { state: after, send } = ack(state, block);
      expect(send).toEqual([]);
      expect(after.acked).toBe(0);
    }
  });

  it('rolls over after block 65535', () => {
    let { state } = started(512 * 65540);
    for (let block = 1; block <= 65535; block++) ({ state } = ack(state, block));
    expect(state).toMatchObject({ acked: 65535, sent: 65536 });
    const rolled = ack(state, 0);
    expect(rolled.state.acked).toBe(65536);
    expect(blocks(rolled.send)).toEqual([65537]);
  });
});

describe('windows (RFC 7440)', () => {
  const windowed = () => ack(started(512 * 10, { windowsize: '4' }).state, 0);

  it('sends a window at once and the next one on its acknowledgement', () => {
    const { state, send } = windowed();
    expect(blocks(send)).toEqual([1, 2, 3, 4]);
    expect(blocks(ack(state, 4).send)).toEqual([5, 6, 7, 8]);
  });

  it('goes back to the block after the one acknowledged', () => {
    expect(blocks(ack(windowed().state, 2).send)).toEqual([3, 4, 5, 6]);
  });

  it('sends the window again on the first repeated acknowledgement only', () => {
    const first = ack(windowed().state, 4);
    const lost = ack(first.state, 4);
    expect(blocks(lost.send)).toEqual([5, 6, 7, 8]);
    expect(ack(lost.state, 4).send).toEqual([]);
    expect(blocks(ack(lost.state, 8).send)).toEqual([9, 10, 11]);
  });

  it('rolls over within a window', () => {
    let { state } = ack(started(512 * 65550, { windowsize: '64' }).state, 0);
    for (let block = 64; block < 65536; block += 64) ({ state } = ack(state, block));
    expect(state.acked).toBe(65472);
    const rolled = ack(state, 65536);
    expect(rolled.state.acked).toBe(65536);
    expect(blocks(rolled.send)[0]).toBe(65537);
  });
});

describe('silence', () => {
  it(`sends the same again ${MAX_RETRIES} times, ever later, then gives up without a word`, () => {
    let { state, send } = started(700, { blksize: '512' });
    const waits: number[] = [];
    for (let i = 0; i < MAX_RETRIES; i++) {
      waits.push(retransmitAfter(state));
      ({ state, send } = timeout(state));
      expect(send.map((out) => out.op)).toEqual(['oack']);
    }
    expect(waits).toEqual([2000, 2000, 4000, 8000, 8000]);
    ({ state, send } = timeout(state));
    expect(send).toEqual([]);
    expect(state).toMatchObject({ phase: 'failed', failure: 'no answer after 5 repetitions' });
  });

  it('a client that was there gets half a minute, a try a second', () => {
    let { state } = started(512 * 10);
    ({ state } = ack(state, 1, 5));
    let now = 5;
    let tries = 0;
    while (state.phase === 'sending') {
      now += retransmitAfter(state);
      ({ state } = timeout(state, now));
      tries++;
    }
    expect(state.failure).toBe('no answer for 30 s');
    expect(now).toBeGreaterThan(30_000);
    expect(now).toBeLessThan(32_000);
    expect(tries).toBeLessThan(40);
  });

  it('acknowledgements of nothing that was sent do not make a client heard', () => {
    let { state } = started(512 * 10);
    for (let i = 0; i < MAX_RETRIES; i++) {
      ({ state } = timeout(state, i));
      ({ state } = ack(state, 7, i));
    }
    expect(state.heardAt).toBeNull();
  });

  it.each<[string, (state: Transfer, now: number) => Advance]>([
    ['repeated acknowledgements', (state, now) => ack(state, 1, now)],
    ['acknowledgements of what was never sent', (state, now) => ack(state, 500, now)],
    ['old acknowledgements', (state, now) => ack(state, 0, now)],
    ['repeated requests', (state, now) => advanceTransfer(state, { type: 'request', now })],
  ])('%s do not put off its end', (_what, poke) => {
    for (const beginning of [started(5000).state, ack(started(5000).state, 1, 10).state]) {
      let state = beginning;
      for (let now = 200; now < 120_000 && state.phase !== 'failed'; now += 150)
        ({ state } = poke(state, now));
      if (state.acked > beginning.acked) continue; // a first acknowledgement is progress
      expect(state).toMatchObject({ phase: 'failed', failure: 'no progress' });
    }
  });

  it('counts anew when the client is heard, but not for ever', () => {
    let { state } = started(2000);
    ({ state } = ack(state, 1));
    for (let i = 0; i < 20; i++) {
      ({ state } = timeout(state, i * 100));
      ({ state } = ack(state, 1, i * 100));
    }
    expect(state.phase).toBe('sending');
    expect(timeout(state, 70_000).state).toMatchObject({ phase: 'failed', failure: 'no progress' });
  });

  it('a request that is repeated gets its answer again, until the first block is there', () => {
    const request = (state: Transfer, now: number) => advanceTransfer(state, { type: 'request', now });
    const opened = started(2000, { tsize: '0' });
    expect(request(opened.state, 50).send).toEqual([]);
    expect(request(opened.state, 500).send.map((out) => out.op)).toEqual(['oack']);
    const plain = started(2000);
    expect(blocks(request(plain.state, 500).send)).toEqual([1]);
    expect(request(ack(plain.state, 1, 600).state, 5_000).send).toEqual([]);
  });

  it('learns the round trip, and nothing from what was sent twice', () => {
    let { state } = started(512 * 100);
    for (let block = 1; block <= 50; block++) ({ state } = ack(state, block, block * 10));
    expect(retransmitAfter(state)).toBeGreaterThanOrEqual(100);
    expect(retransmitAfter(state)).toBeLessThan(150);
    const before = state.roundTrip;
    ({ state } = timeout(state, 5_000));
    ({ state } = ack(state, 51, 9_000));
    expect(state.roundTrip).toEqual(before);
  });
});

describe('nonsense from the client', () => {
  const nonsense: TftpPacket[] = [
    { op: 'data', block: 1, bytes: new Uint8Array(3) },
    { op: 'oack', options: new Map() },
    { op: 'rrq', filename: 'x', mode: 'octet', options: new Map() },
    { op: 'wrq', filename: 'x', mode: 'octet', options: new Map() },
  ];
  it.each(nonsense)('$op ends the transfer with error 4', (packet) => {
    const { state, send } = advanceTransfer(started(5000).state, { type: 'packet', packet, now: 1 });
    expect(state.phase).toBe('failed');
    expect(send).toMatchObject([{ op: 'error', code: 4 }]);
  });

  it('its error text comes out printable and short', () => {
    const { state } = advanceTransfer(started(5000).state, {
      type: 'packet',
      packet: { op: 'error', code: 0, message: `a\r\n\x1b[31m${'b'.repeat(500)}` },
      now: 1,
    });
    expect(state.failure).toMatch(/^client: 0 a\?\?\?\[31mb{72}$/);
  });

  it('a file that cannot be read on ends in an error packet', () => {
    const { send } = advanceTransfer(started(5000).state, { type: 'broken', reason: 'EIO', now: 1 });
    expect(send).toMatchObject([{ op: 'error', code: 0 }]);
  });
});
