import { describe, expect, it } from 'vitest';
import {
  type Advance,
  advanceTransfer,
  type Outgoing,
  retransmitAfter,
} from '../../../../src/protocol/tftp/transfer.js';
import { ack, open, timeout } from '../../../support/netboot/transfer.js';

/** A receiver written from RFC 1350 and 7440 alone, and a network that loses and doubles packets. */
describe('over a bad network', () => {
  function transferOver(loss: number, seed: number, size: number, options: Record<string, string>) {
    let value = seed;
    const chance = () => {
      value = (Math.imul(value, 1664525) + 1013904223) >>> 0;
      return value / 2 ** 32;
    };
    const file = Uint8Array.from({ length: size }, (_, i) => (i * 31 + (i >> 9)) & 255);
    const opened = open(size, options);
    if (!opened.ok) throw new Error('refused');
    let state = opened.state;
    const got: number[] = [];
    let expected = 1;
    let inWindow = 0;
    let finished = false;
    let now = 0;
    const queue: { at: number; to: 'client' | 'server'; out: Outgoing | number }[] = [];
    const post = (to: 'client' | 'server', out: Outgoing | number) => {
      if (chance() < loss) return;
      queue.push({ at: now + 1, to, out });
      if (chance() < loss / 3) queue.push({ at: now + 3, to, out });
    };
    let due = Number.POSITIVE_INFINITY;
    const apply = (step: Advance) => {
      state = step.state;
      for (const out of step.send) post('client', out);
      if (step.send.length > 0) due = now + retransmitAfter(state);
    };
    const CLIENT_PATIENCE = 1_000;
    let clientDue = CLIENT_PATIENCE;
    let lastAck: number | null = null;
    const answer = (block: number) => {
      lastAck = block;
      post('server', block & 0xffff);
    };
    const receive = (out: Outgoing) => {
      clientDue = now + CLIENT_PATIENCE;
      if (out.op === 'oack') {
        if (expected === 1) answer(0);
        return;
      }
      if (out.op !== 'block') throw new Error(out.op);
      if ((out.block & 0xffff) === (expected & 0xffff)) {
        const from = (out.block - 1) * state.blksize;
        got.push(...file.subarray(from, Math.min(size, from + state.blksize)));
        expected++;
        inWindow++;
        finished = out.block === state.last;
        if (finished || inWindow === state.windowsize) {
          inWindow = 0;
          answer(expected - 1);
        }
      } else {
        inWindow = 0;
        answer(expected - 1);
      }
    };
    apply(advanceTransfer(state, { type: 'start', now }));
    while (state.phase !== 'done' && state.phase !== 'failed' && now < 3_600_000) {
      queue.sort((a, b) => a.at - b.at);
      const next = queue[0];
      if (next && next.at <= Math.min(due, clientDue)) {
        queue.shift();
        now = next.at;
        if (next.to === 'client') receive(next.out as Outgoing);
        else apply(ack(state, next.out as number, now));
      } else if (clientDue < due) {
        now = clientDue;
        clientDue = now + CLIENT_PATIENCE;
        if (lastAck !== null) post('server', lastAck & 0xffff);
      } else {
        now = due;
        apply(timeout(state, now));
      }
    }
    return { state, same: Buffer.compare(Buffer.from(got), Buffer.from(file)) === 0, finished, now };
  }

  it.each([
    [0, '1'],
    [0.1, '1'],
    [0.3, '1'],
    [0.1, '8'],
    [0.3, '8'],
    [0.3, '64'],
  ])('at a loss of %f with windowsize %s the file arrives whole', (loss, windowsize) => {
    for (let seed = 1; seed <= 30; seed++) {
      const { same, finished, state } = transferOver(loss, seed, 20_000 + seed, {
        windowsize,
        blksize: '512',
      });
      expect({ seed, same, finished, failure: state.failure }).toMatchObject({
        seed,
        same: true,
        finished: true,
      });
    }
  });
});
