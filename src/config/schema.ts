import { z } from 'zod';
import { authSection } from './section/auth.js';
import { bootMediaSection } from './section/boot-media.js';
import { agentSection, apiSection, conductorSection, databaseSection, logSection } from './section/core.js';
import { deploySection } from './section/deploy.js';
import { driverSection } from './section/driver.js';
import { fakeSection } from './section/fake.js';
import { imageSection } from './section/image.js';
import { imageServiceSection } from './section/image-service.js';
import { inspectorSection } from './section/inspector.js';
import { ipmiSection } from './section/ipmi.js';
import { metricsSection } from './section/metrics.js';
import { netbootSection } from './section/netboot.js';
import { pxeSection } from './section/pxe.js';
import { redfishSection } from './section/redfish.js';

/** The whole configuration. Sections are in `section/`; a room is given its own section only. */
export const configSchema = z
  .strictObject({
    data_dir: z
      .string()
      .nullable()
      .default(null)
      .describe('Where state lives; null: /var/lib/ferric as root, else ~/.local/state/ferric'),
    api: apiSection.describe('The Bare Metal API, for operators and clients'),
    auth: authSection.describe('Who may use the API'),
    agent: agentSection.describe('The listener for deploy ramdisks, and what is expected of their agents'),
    database: databaseSection.describe('PostgreSQL: embedded, or an outside server'),
    conductor: conductorSection.describe(
      'The work on nodes: limits, timeouts, periodic tasks. Names are Ironic’s options of [conductor] where it has them',
    ),
    driver: driverSection.describe('Hardware types and interfaces. Names are Ironic’s own options'),
    fake: fakeSection.describe(
      'How fast fake-hardware is. Names are Ironic’s options of [fake]; a node’s own driver_info.fake_delay_… comes first',
    ),
    ipmi: ipmiSection.describe('How BMCs are spoken to through ipmitool'),
    redfish: redfishSection.describe(
      'How BMCs are spoken to over Redfish. Names are Ironic’s options of [redfish] where it has them',
    ),
    deploy: deploySection.describe('Deployment and cleaning through the agent'),
    inspector: inspectorSection.describe(
      'Inspection through the ramdisk. Names are Ironic’s options of [inspector], [auto_discovery] and [inspection_rules]',
    ),
    boot_media: bootMediaSection.describe(
      'Boot loaders of the discs that machines start from by virtual media',
    ),
    pxe: pxeSection.describe('Boot scripts and what the ramdisk’s kernel is told'),
    image: imageSection.describe('Instance images: where they may come from, what they may be, the cache'),
    image_service: imageServiceSection.describe('The Image service inside: /v2/images, as Glance has it'),
    netboot: netbootSection.describe('The DHCP, TFTP and HTTP servers that machines boot from'),
    metrics: metricsSection.describe(
      'Metrics for Prometheus, liveness and readiness, on a listener of their own',
    ),
    log: logSection.describe('The log, one JSON object a line on standard output'),
  })
  .superRefine((config, context) => {
    if (config.agent.listen.address === '0.0.0.0' && config.agent.public_url === null) {
      const message = 'is needed where agent.listen.address is 0.0.0.0: machines must be told an address';
      context.addIssue({ code: 'custom', path: ['agent', 'public_url'], message });
    }
  });

type Parsed = z.output<typeof configSchema>;
/** As loaded: `data_dir` is an absolute path. */
export type Config = Readonly<Omit<Parsed, 'data_dir'> & { data_dir: string }>;
