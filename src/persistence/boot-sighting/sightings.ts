import { messageOf } from '../../domain/errors.js';
import type { Sighting } from '../../domain/network/sighting.js';
import type { Logger } from '../../platform/logger.js';
import { ThrottledLog } from '../../platform/throttled-log.js';
import { WriteBehind } from '../../platform/write-behind.js';
import type { BootSightingRepository } from './boot-sighting.repository.js';

/** ms between two writes: agents send a heartbeat every few seconds, firmware a DHCP message every second. */
const INTERVAL = 2_000;
/** Kinds and names of all machines between two writes. */
const MOST = 50_000;
/** Characters of a name that are kept. */
const LONGEST = 255;

interface Seen {
  sighting: Sighting;
  count: number;
  /** ms, monotonic. */
  first: number;
  last: number;
}

/** Records what boot services and agents' API see of machines, without waiting for the database. */
export class Sightings {
  readonly #behind: WriteBehind<Seen>;

  constructor(repository: Pick<BootSightingRepository, 'add'>, log: Logger, interval = INTERVAL) {
    const throttled = new ThrottledLog(log);
    this.#behind = new WriteBehind({
      label: 'boot sightings',
      interval,
      most: MOST,
      write: (seen) => repository.add(seen.map(sumOf)),
      merge,
      failed: (error) => throttled.warn({ error: messageOf(error) }, 'boot sightings are not recorded'),
    });
  }

  note({ name, ...sighting }: Sighting): void {
    const now = performance.now();
    const kept = { ...sighting, name: name.slice(0, LONGEST) };
    const key = `${kept.node_uuid} ${kept.kind} ${kept.name}`;
    this.#behind.add(key, { sighting: kept, count: 1, first: now, last: now });
  }

  flush = () => this.#behind.flush();
  stop = () => this.#behind.stop();
}

function merge(kept: Seen, later: Seen): Seen {
  return {
    sighting: { ...later.sighting, bytes: kept.sighting.bytes + later.sighting.bytes },
    count: kept.count + later.count,
    first: Math.min(kept.first, later.first),
    last: Math.max(kept.last, later.last),
  };
}

function sumOf({ sighting, count, first, last }: Seen) {
  const now = performance.now();
  return { ...sighting, count, first_age: now - first, last_age: now - last };
}
