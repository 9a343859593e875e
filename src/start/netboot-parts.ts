import { BootPlanRepository } from '../persistence/boot-plan/boot-plan.repository.js';
import { Sightings } from '../persistence/boot-sighting/sightings.js';
import { LeaseRepository } from '../persistence/lease/lease.repository.js';
import { SourceRule } from '../persistence/lease/source-rule.js';
import { PortRepository } from '../persistence/port/port.repository.js';
import { PublishedFileRepository } from '../persistence/published-file/published-file.repository.js';
import { injected } from '../platform/injected.js';

/** What the servers for network boot take from the rest of the daemon. */
export const NETBOOT_PARTS = injected({
  ports: PortRepository,
  plans: BootPlanRepository,
  published: PublishedFileRepository,
  leases: LeaseRepository,
  sources: SourceRule,
  sightings: Sightings,
});
