import { printableAscii } from '../printable.js';
import { TFTP_ERROR, type TftpError, type TftpErrorCode, type TftpOack, type TftpPacket } from './packet.js';

/**
 * The transfer of a file to a client, as a pure state machine (RFC 1350, 2347, 2348, 2349, 7440): events carry the
 * time, blocks are requested by number, and the caller reads and sends them.
 */
export interface Transfer {
  readonly phase: 'negotiating' | 'sending' | 'done' | 'failed';
  /** Bytes of the file. */
  readonly size: number;
  readonly blksize: number;
  readonly windowsize: number;
  /** The last block, counted from 1 without roll-over; shorter than `blksize`, maybe empty. */
  readonly last: number;
  /** Retransmitted until the first block is acknowledged. Null if the client requested no option. */
  readonly oack: TftpOack | null;
  /** Highest block that the client has, counted without roll-over. */
  readonly acked: number;
  /** Highest block sent so far. */
  readonly sent: number;
  /** Consecutive retransmissions since the last packet of the client. */
  readonly retries: number;
  /** Whether a repeated acknowledgement of `acked` has been answered immediately already. */
  readonly repeated: boolean;
  /** ms that the client requested (RFC 2349): the longest wait. */
  readonly agreedTimeout: number;
  readonly roundTrip: RoundTrip | null;
  /** When the current window was first sent; null after a retransmission in it. */
  readonly timedFrom: number | null;
  /** When `acked` last moved. */
  readonly movedAt: number;
  /** When something was last sent. */
  readonly sentAt: number;
  /** Time of the client's last packet; null until its first acknowledgement: its address may be forged. */
  readonly heardAt: number | null;
  /** Why it failed. */
  readonly failure: string | null;
}

interface RoundTrip {
  smoothed: number;
  variance: number;
}

export type TransferEvent =
  | { type: 'start'; now: number }
  | { type: 'timeout'; now: number }
  /** The client requested the same transfer again: the answer may be lost. */
  | { type: 'request'; now: number }
  /** A packet from the client's address and port. */
  | { type: 'packet'; packet: TftpPacket; now: number }
  /** Reading the file failed. */
  | { type: 'broken'; reason: string; now: number };

export type Outgoing = TftpOack | TftpError | { op: 'block'; block: number };

export interface Advance {
  state: Transfer;
  send: Outgoing[];
}

/** Until a client has acknowledged something, the packets may reach a third party whose address was forged. */
export const MAX_RETRIES = 5;
export const MAX_WINDOW = 64;
const MIN_BLKSIZE = 512;
/** The payload of an Ethernet frame of 1500 bytes after the IP, UDP and TFTP headers: it is never fragmented. */
const MAX_BLKSIZE = 1468;
const DEFAULT_BLKSIZE = 512;
const FIRST_TIMEOUT = 1_000;
/** For an OACK: a client that lost it repeats its request, and some end the transfer if they get it twice. */
const OACK_TIMEOUT = 2_000;
const MIN_TIMEOUT = 100;
const MAX_TIMEOUT = 8_000;
/** A client that has answered is probably still there: on a lossy network more frequent attempts pay off. */
const MAX_TIMEOUT_HEARD = 1_000;
const MAX_SILENCE = 30_000;
/** ms in which a repeated acknowledgement counts as one that crossed the last packet. */
const REPEAT_AFTER = 100;
/** ms after which a client that answers without progress is dropped. */
const MAX_STALL = 60_000;

export type Opened = { ok: true; state: Transfer } | { ok: false; error: TftpError };

/**
 * Begins a transfer for a read request, or returns the error packet that refuses it.
 * @param options as requested; unknown or unacceptable ones are omitted from the answer, as in RFC 2347
 */
export function openTransfer(
  request: { mode: string; options: ReadonlyMap<string, string> },
  size: number,
  now: number,
): Opened {
  if (request.mode === 'netascii')
    return refuse(TFTP_ERROR.undefined, 'only octet mode is served, not netascii');
  if (request.mode !== 'octet') return refuse(TFTP_ERROR.illegalOperation, 'no such mode');
  const accepted = new Map<string, string>();
  let blksize = DEFAULT_BLKSIZE;
  let windowsize = 1;
  let agreedTimeout = Number.POSITIVE_INFINITY;
  for (const [name, value] of request.options) {
    if (!['blksize', 'tsize', 'timeout', 'windowsize'].includes(name)) continue;
    if (!/^\d{1,10}$/.test(value)) continue;
    const number = Number(value);
    if (name === 'blksize' && number >= MIN_BLKSIZE) {
      blksize = Math.min(number, MAX_BLKSIZE);
      accepted.set(name, String(blksize));
    } else if (name === 'tsize') {
      accepted.set(name, String(size));
    } else if (name === 'timeout' && number >= 1 && number <= 255) {
      agreedTimeout = number * 1_000;
      accepted.set(name, value);
    } else if (name === 'windowsize' && number >= 1) {
      windowsize = Math.min(number, MAX_WINDOW);
      accepted.set(name, String(windowsize));
    }
  }
  return {
    ok: true,
    state: {
      phase: 'negotiating',
      size,
      blksize,
      windowsize,
      last: Math.floor(size / blksize) + 1,
      oack: accepted.size > 0 ? { op: 'oack', options: accepted } : null,
      acked: 0,
      sent: 0,
      retries: 0,
      repeated: false,
      agreedTimeout,
      roundTrip: null,
      timedFrom: null,
      movedAt: now,
      sentAt: now,
      heardAt: null,
      failure: null,
    },
  };
}

/** The next state and the packets to send. A state `done` or `failed` accepts no more events. */
export function advanceTransfer(state: Transfer, event: TransferEvent): Advance {
  if (state.phase === 'done' || state.phase === 'failed') return { state, send: [] };
  // Checked at every event: packets of the peer must not keep a transfer without progress alive.
  if (event.now - state.movedAt > MAX_STALL) return fail(state, 'no progress');
  switch (event.type) {
    case 'start':
      return state.oack
        ? { state: { ...state, timedFrom: event.now, sentAt: event.now }, send: [state.oack] }
        : sendWindow({ ...state, phase: 'sending' }, event.now);
    case 'timeout':
      return onTimeout(state, event.now);
    case 'request':
      return state.acked === 0 && event.now - state.sentAt >= REPEAT_AFTER
        ? again(state, event.now)
        : { state, send: [] };
    case 'packet':
      return onPacket(state, event.packet, event.now);
    case 'broken':
      return fail(state, event.reason, { op: 'error', code: TFTP_ERROR.undefined, message: 'read error' });
  }
}

/**
 * ms from the last packet until a `timeout` event is due. It doubles from the second retransmission on, and never
 * exceeds the agreed timeout. It may be shorter: clients request the seconds that they wait themselves, and on a fast
 * network a lost block need not cost that much.
 */
export function retransmitAfter(state: Transfer): number {
  const first = state.phase === 'negotiating' ? OACK_TIMEOUT : FIRST_TIMEOUT;
  const { roundTrip } = state;
  const base = roundTrip ? roundTrip.smoothed + Math.max(4 * roundTrip.variance, MIN_TIMEOUT) : first;
  const most = state.heardAt === null ? MAX_TIMEOUT : Math.max(base, MAX_TIMEOUT_HEARD);
  return Math.min(state.agreedTimeout, most, base * 2 ** Math.max(0, state.retries - 1));
}

function onTimeout(state: Transfer, now: number): Advance {
  if (state.heardAt === null) {
    if (state.retries >= MAX_RETRIES) return fail(state, `no answer after ${MAX_RETRIES} repetitions`);
  } else if (state.retries >= MAX_RETRIES && now - state.heardAt > MAX_SILENCE) {
    return fail(state, `no answer for ${MAX_SILENCE / 1000} s`);
  }
  return again({ ...state, retries: state.retries + 1 }, now);
}

function onPacket(before: Transfer, packet: TftpPacket, now: number): Advance {
  const state = before.heardAt === null ? before : { ...before, heardAt: now };
  if (packet.op === 'error')
    return fail(state, `client: ${packet.code} ${printableAscii(packet.message, 80)}`);
  if (packet.op !== 'ack') {
    return fail(state, `unexpected ${packet.op}`, {
      op: 'error',
      code: TFTP_ERROR.illegalOperation,
      message: 'not expected here',
    });
  }
  if (state.phase === 'negotiating') {
    if (packet.block !== 0) return { state, send: [] };
    const heard = {
      ...measured(state, now),
      phase: 'sending' as const,
      retries: 0,
      movedAt: now,
      heardAt: now,
    };
    return sendWindow(heard, now);
  }
  // Expands the 16 bits on the wire to the count without roll-over. A block below `acked` is stale.
  const block = state.acked + ((packet.block - state.acked) & 0xffff);
  if (block > state.sent) return { state: before, send: [] };
  if (block === state.acked) {
    // A repeated acknowledgement requests the next block, which is lost or in transit. Answering each one would send
    // every block twice from here on (RFC 1123 §4.2.3.1), so it is answered once the last packet has had its time; and
    // with a window once immediately, because there it means that the window's first block was lost.
    const due = now - state.sentAt >= Math.max(REPEAT_AFTER, 2 * (state.roundTrip?.smoothed ?? 0));
    const lostFirst = state.windowsize > 1 && !state.repeated;
    if (!due && !lostFirst) return { state: { ...state, retries: 0 }, send: [] };
    return again({ ...state, retries: 0, repeated: true }, now);
  }
  const moved = {
    ...measured(state, now),
    acked: block,
    retries: 0,
    repeated: false,
    movedAt: now,
    heardAt: now,
  };
  if (block === state.last) return { state: { ...moved, phase: 'done' }, send: [] };
  return sendWindow(moved, now);
}

/** Sends the blocks after the last acknowledged one; after a loss all of them again (RFC 7440 §4). */
function sendWindow(state: Transfer, now: number): Advance {
  const send: Outgoing[] = [];
  const end = Math.min(state.last, state.acked + state.windowsize);
  for (let block = state.acked + 1; block <= end; block++) send.push({ op: 'block', block });
  const fresh = state.acked >= state.sent;
  return {
    state: { ...state, sent: Math.max(state.sent, end), timedFrom: fresh ? now : null, sentAt: now },
    send,
  };
}

function again(state: Transfer, now: number): Advance {
  const unmeasured = { ...state, timedFrom: null, sentAt: now };
  if (state.phase === 'negotiating' && state.oack) return { state: unmeasured, send: [state.oack] };
  const { state: next, send } = sendWindow(unmeasured, now);
  return { state: { ...next, timedFrom: null }, send };
}

/** RFC 6298 §2; retransmitted packets are not measured (Karn). */
function measured(state: Transfer, now: number): Transfer {
  if (state.timedFrom === null) return state;
  const sample = Math.max(0, now - state.timedFrom);
  const old = state.roundTrip;
  const roundTrip = old
    ? {
        smoothed: 0.875 * old.smoothed + 0.125 * sample,
        variance: 0.75 * old.variance + 0.25 * Math.abs(old.smoothed - sample),
      }
    : { smoothed: sample, variance: sample / 2 };
  return { ...state, roundTrip };
}

function fail(state: Transfer, failure: string, error?: TftpError): Advance {
  return { state: { ...state, phase: 'failed', failure }, send: error ? [error] : [] };
}

function refuse(code: TftpErrorCode, message: string): Opened {
  return { ok: false, error: { op: 'error', code, message } };
}
