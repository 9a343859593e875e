import type { DriverDescription, DriverRegistry } from '../../driver/registry.js';
import type { ConductorRecordRepository } from '../../persistence/conductor-record/conductor-record.repository.js';

/** The enabled hardware types and the conductors that serve them. */
export class DriverService {
  constructor(
    private readonly deps: {
      registry: DriverRegistry;
      conductors: ConductorRecordRepository;
      settings: { heartbeat_timeout: number };
    },
  ) {}

  /** With the live conductors that serve them. */
  async list(): Promise<(DriverDescription & { hosts: string[] })[]> {
    const { registry, conductors, settings } = this.deps;
    const alive = (await conductors.list(settings.heartbeat_timeout)).filter((row) => row.alive);
    return registry.driverNames().map((name) => ({
      ...registry.describe(name),
      hosts: alive.filter((row) => row.drivers.includes(name)).map((row) => row.hostname),
    }));
  }

  /** @throws NotFoundError for a driver that is not enabled */
  properties(driver: string): Record<string, string> {
    return { ...this.deps.registry.properties(driver) };
  }

  /** For steps that are stored for later use. @throws ForbiddenError for raw steps, see `driver.allowed_raw_steps` */
  refuseRaw(steps: readonly { readonly interface: string; readonly step: string }[]): void {
    this.deps.registry.refuseRaw(steps);
  }
}
