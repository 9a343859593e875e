import {
  type Advance,
  advanceTransfer,
  type Outgoing,
  openTransfer,
  type Transfer,
} from '../../../src/protocol/tftp/transfer.js';

export function open(size: number, options: Record<string, string> = {}, mode = 'octet') {
  return openTransfer({ mode, options: new Map(Object.entries(options)) }, size, 0);
}

export function started(size: number, options: Record<string, string> = {}): Advance {
  const opened = open(size, options);
  if (!opened.ok) throw new Error(opened.error.message);
  return advanceTransfer(opened.state, { type: 'start', now: 0 });
}

export const ack = (state: Transfer, block: number, now = 1): Advance =>
  advanceTransfer(state, { type: 'packet', packet: { op: 'ack', block: block & 0xffff }, now });
export const timeout = (state: Transfer, now = 2_000): Advance =>
  advanceTransfer(state, { type: 'timeout', now });
export const blocks = (send: Outgoing[]) => send.map((out) => (out.op === 'block' ? out.block : out.op));
