/**
 * What became of a packet. `unasked`: its sender was asked nothing, or answered too late. `malformed`: it is no answer
 * of the one who was asked: forged, repeated, cut, of another session, to an earlier question. `unsent`: the kernel
 * refused it.
 */
export const PACKET_FATES = ['sent', 'resent', 'unsent', 'answer', 'unasked', 'malformed'] as const;
export type PacketFate = (typeof PACKET_FATES)[number];

/** Counts of packets; for metrics. */
export class Traffic {
  readonly counts: Record<PacketFate, number> = {
    sent: 0,
    resent: 0,
    unsent: 0,
    answer: 0,
    unasked: 0,
    malformed: 0,
  };

  note(fate: PacketFate): void {
    this.counts[fate]++;
  }
}
