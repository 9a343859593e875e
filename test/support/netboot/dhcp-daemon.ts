/** The DHCP server as a process of its own, for a network namespace. Its argument is JSON: section and connection. */
import { DataSource } from 'typeorm';
import { BootPlanRepository } from '../../../src/boot-plan/boot-plan.repository.js';
import { netbootSection } from '../../../src/config/section/netboot.js';
import { LeaseRepository } from '../../../src/lease/lease.repository.js';
import { portBook } from '../../../src/netboot/dhcp/port-book.js';
import { DhcpServer } from '../../../src/netboot/dhcp/server.js';
import { createLogger } from '../../../src/platform/logger.js';
import { PortRepository } from '../../../src/port/port.repository.js';

const { section, connection, level } = JSON.parse(process.argv[2]!);
const source = await new DataSource({ type: 'postgres', ...connection }).initialize();
const server = new DhcpServer(
  netbootSection.parse(section),
  {
    ports: portBook(new PortRepository(source)),
    plans: new BootPlanRepository(source),
    leases: new LeaseRepository(source),
  },
  createLogger(level ?? 'debug'),
);
try {
  await server.start();
} catch (error) {
  console.log(`refused: ${(error as Error).message}`);
  process.exit(1);
}
console.log(`${server.describe()}\nready`);
process.on('SIGTERM', async () => {
  await server.stop();
  await source.destroy();
});
