/** The three servers as a process, for a network namespace. Its argument is JSON, see `Options`. */
import { DataSource } from 'typeorm';
import { netbootSection } from '../../../src/config/section/netboot.js';
import { Keyring } from '../../../src/database/sealing.js';
import { NetbootServers } from '../../../src/netboot/servers.js';
import { BootPlanRepository } from '../../../src/persistence/boot-plan/boot-plan.repository.js';
import { BootSightingRepository } from '../../../src/persistence/boot-sighting/boot-sighting.repository.js';
import { Sightings } from '../../../src/persistence/boot-sighting/sightings.js';
import { LeaseRepository } from '../../../src/persistence/lease/lease.repository.js';
import { SourceRule } from '../../../src/persistence/lease/source-rule.js';
import { PortRepository } from '../../../src/persistence/port/port.repository.js';
import { PublishedFileRepository } from '../../../src/persistence/published-file/published-file.repository.js';
import { createLogger } from '../../../src/platform/logger.js';
import { readNow } from '../../../src/platform/meter/meter.js';

interface Options {
  section: unknown;
  connection: { host: string; port: number; username: string; database: string };
  level?: string;
  /** Directories of the files in the plans. */
  roots?: string[];
}

const { section, connection, level, roots = [] } = JSON.parse(process.argv[2]!) as Options;
const source = await new DataSource({ type: 'postgres', ...connection }).initialize();
const leases = new LeaseRepository(source);
const settings = netbootSection.parse(section);
const every = { has: () => true };
const log = createLogger(level ?? 'debug');
const sightings = new Sightings(new BootSightingRepository(source), log, 50);
const memory = {
  ports: new PortRepository(source),
  plans: new BootPlanRepository(source),
  published: new PublishedFileRepository(source, new Keyring([{ id: 1, key: Buffer.alloc(32, 7) }])),
  leases,
  sources: new SourceRule({
    leases,
    givesAddresses: settings.dhcp.interface !== null && settings.dhcp.mode === 'server',
    discovers: false,
    allowed: every,
    unleased: { has: () => false },
  }),
  sightings,
};
const servers = new NetbootServers(settings, roots, memory, log);
try {
  await servers.start();
} catch (error) {
  console.log(`refused: ${(error as Error).message}`);
  process.exit(1);
}
console.log(`${servers.describe().join('\n')}\nready`);
process.on('SIGUSR2', () => {
  console.log(`foreign servers: ${readNow('dhcp_foreign_servers')[0]?.value}`);
});
process.on('SIGTERM', async () => {
  await servers.stop();
  await sightings.stop();
  await source.destroy();
});
