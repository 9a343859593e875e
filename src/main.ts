import { processEnvironment } from './config/process-source.js';
import { settleRuntime } from './platform/runtime-settings.js';

settleRuntime(processEnvironment());
// Only now, so that a process that is replaced has not loaded all of it.
const { main } = await import('./start/run.js');

await main(process.argv.slice(2), processEnvironment());
