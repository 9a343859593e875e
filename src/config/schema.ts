import { z } from 'zod';
import { agentSection, apiSection, conductorSection, databaseSection, logSection } from './section/core.js';
import { deploySection } from './section/deploy.js';
import { driverSection } from './section/driver.js';
import { imageSection } from './section/image.js';
import { ipmiSection } from './section/ipmi.js';
import { netbootSection } from './section/netboot.js';
import { pxeSection } from './section/pxe.js';

/** The whole configuration. Sections live beside; a room is given its own section only. */
export const configSchema = z
  .strictObject({
    data_dir: z
      .string()
      .nullable()
      .default(null)
      .describe('Where state lives; null: /var/lib/ferric as root, else ~/.local/state/ferric'),
    api: apiSection,
    agent: agentSection,
    database: databaseSection,
    conductor: conductorSection,
    driver: driverSection,
    ipmi: ipmiSection,
    deploy: deploySection,
    pxe: pxeSection,
    image: imageSection,
    netboot: netbootSection,
    log: logSection,
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
