import { processSource } from './config/process-source.js';
import { FerricError, messageOf } from './domain/errors.js';
import { settleRuntime } from './platform/runtime-settings.js';

settleRuntime(processSource(process.argv).env);
// Only now, so that a process that is replaced has not loaded all of it.
const { run } = await import('./run.js');

run().catch((error: unknown) => {
  const text =
    error instanceof FerricError ? error.message : error instanceof Error ? error.stack : messageOf(error);
  process.stderr.write(`ferric: ${text}\n`);
  process.exit(1);
});
