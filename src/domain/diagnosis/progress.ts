import type { SightingKind } from '../network/sighting.js';

/** What was seen of a machine, by kind and name. */
export interface Seen {
  readonly kind: SightingKind;
  readonly name: string;
  readonly bytes: number;
  readonly last_at: Date;
}

/**
 * How far a machine came in starting its ramdisk, in this order. `loader`: it fetched boot loaders or scripts only.
 * `ramdisk`: all that it boots, or its disc. `lookup`: the agent asked which node it is.
 */
export const STAGES = ['nothing', 'dhcp', 'loader', 'kernel', 'ramdisk', 'lookup', 'heartbeat'] as const;
export type Stage = (typeof STAGES)[number];

/** The furthest stage that was seen. */
export function stageOf(seen: readonly Seen[]): Stage {
  return seen
    .map(stageOfOne)
    .reduce<Stage>((most, one) => (STAGES.indexOf(one) > STAGES.indexOf(most) ? one : most), 'nothing');
}

function stageOfOne({ kind, name }: Seen): Stage {
  if (kind !== 'tftp' && kind !== 'http') return kind;
  if (/(ramdisk|\.iso)$/.test(name)) return 'ramdisk';
  return /kernel$/.test(name) ? 'kernel' : 'loader';
}

const WORDS: Record<SightingKind, string> = {
  dhcp: 'DHCP',
  tftp: 'TFTP',
  http: 'HTTP',
  lookup: 'lookup by the agent',
  heartbeat: 'heartbeat of the agent',
};

/** A sentence for people: what was seen, in the order of the first time, the last time at its end. */
export function seenText(seen: readonly Seen[]): string {
  const last = seen.reduce<Date | null>(
    (latest, { last_at }) => (latest && latest > last_at ? latest : last_at),
    null,
  );
  if (last === null) return 'Nothing was seen of the machine on the network.';
  const items = seen.map(({ kind, name, bytes }) => {
    const size = bytes > 0 ? ` (${amount(bytes)})` : '';
    return `${WORDS[kind]}${name === '' ? '' : ` ${name}`}${size}`;
  });
  return `Seen: ${items.join(', ')}; the last at ${last.toISOString()}.`;
}

function amount(bytes: number): string {
  return bytes < 1_000_000 ? `${bytes} bytes` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
