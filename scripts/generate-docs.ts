import 'reflect-metadata';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { api } from './docs/api.js';
import { commandLine } from './docs/command-line.js';
import { configuration } from './docs/configuration.js';
import { defaultYaml } from './docs/default-yaml.js';
import { failureCauses } from './docs/failure-causes.js';
import { features } from './docs/features.js';
import { imageCommands } from './docs/image-commands.js';
import { imagePipeline } from './docs/image-pipeline.js';
import { metrics } from './docs/metrics.js';
import type { Page } from './docs/page.js';
import { provisionStates } from './docs/provision-states.js';
import { redfishQuirks } from './docs/redfish-quirks.js';
import { rooms } from './docs/rooms.js';

// Writes every generated page; with --check only reports which are stale. Run from the root of the repository.
const PAGES: readonly Page[] = [
  defaultYaml,
  configuration,
  provisionStates,
  api,
  rooms,
  features,
  commandLine,
  imagePipeline,
  imageCommands,
  redfishQuirks,
  failureCauses,
  metrics,
];

function present(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

const stale = PAGES.map((page) => ({ path: page.path, text: page.render() })).filter(
  ({ path, text }) => present(path) !== text,
);
if (process.argv.includes('--check')) {
  for (const { path } of stale) console.error(`stale: ${path} (npm run docs:generate)`);
  process.exitCode = stale.length > 0 ? 1 : 0;
} else {
  for (const { path, text } of stale) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    console.log(`wrote ${path}`);
  }
}
