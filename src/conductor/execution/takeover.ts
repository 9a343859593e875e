import type {
  ConductorRecordRepository,
  OtherConductor,
} from '../../persistence/conductor-record/conductor-record.repository.js';
import type { Logger } from '../../platform/logger.js';

/**
 * Takes over nodes, their reservations and open operations from dead conductors, including a conductor whose host was
 * renamed: otherwise nobody would read their power or resume their work. A name is dead when its heartbeat is older
 * than `heartbeat_timeout` by the database's clock, whether it signed off or not.
 */
export class Takeover {
  /** Names whose nodes wait; each is logged once. */
  readonly #said = new Set<string>();

  constructor(
    private readonly deps: {
      conductors: ConductorRecordRepository;
      registry: { driverNames(): readonly string[] };
      settings: { heartbeat_timeout: number };
      host: string;
      log: Logger;
    },
  ) {}

  /** @returns whether anything was taken over */
  async run(): Promise<boolean> {
    const { conductors, registry, host, log } = this.deps;
    const timeout = this.deps.settings.heartbeat_timeout;
    const drivers = registry.driverNames();
    let taken = false;
    for (const other of await conductors.others(host, timeout)) {
      if (!other.dead) {
        this.#say(other);
        continue;
      }
      const { nodes, operations } = await conductors.takeOver(other.hostname, host, drivers, timeout);
      if (nodes + operations === 0) continue;
      log.warn(
        { conductor: other.hostname, nodes, operations },
        'took over the nodes of a conductor that is dead',
      );
      this.#said.delete(other.hostname);
      taken = true;
    }
    return taken;
  }

  #say({ hostname, nodes, silent }: OtherConductor): void {
    if (nodes === 0 || this.#said.has(hostname)) return;
    this.#said.add(hostname);
    this.deps.log.warn(
      { conductor: hostname, nodes, silent: Math.round(silent) },
      `nodes belong to another conductor: they are taken over when it has been silent for ${this.deps.settings.heartbeat_timeout} s`,
    );
  }
}
