import 'reflect-metadata';
import { ignoredVariables, loadConfig } from '../config/load.js';
import { OptionsEnd, readOptions } from '../config/options.js';
import { ownPaths } from '../config/own-paths.js';
import type { ConfigSource } from '../config/process-source.js';
import type { Config } from '../config/schema.js';
import { ferricVersion } from '../config/version.js';
import { CancelledError, FerricError, messageOf } from '../domain/errors.js';
import { checkPlaces } from '../image/check-places.js';
import { catchTheRest, contained, faultCounts, reportFaults } from '../platform/boundary.js';
import { standardOutput } from '../platform/log-output.js';
import { createLogger, type Logger } from '../platform/logger.js';
import { watchVitals } from '../platform/vitals.js';
import { checkExposure, startDaemon } from './daemon.js';

/** ms after which a stop is cut off; the journal resumes the interrupted work. */
const STOP_DEADLINE = 30_000;
/** ms between two log lines about memory and event loop. */
const VITALS_INTERVAL = 60_000;

/** The program: reads its options, then runs the daemon. An early end prints one sentence and sets a status. */
export async function main(args: readonly string[], env: ConfigSource['env']): Promise<void> {
  try {
    const { file, check } = readOptions(args, env);
    const config = loadConfig({ ...(file === null ? {} : { file }), env });
    checkExposure(config);
    checkPlaces({ allowed: config.image.allowed_file_paths, own: ownPaths(config) });
    if (check) process.stdout.write(`ferric: the configuration is valid (${file ?? 'defaults'})\n`);
    else await run(config, file, env);
  } catch (error) {
    if (error instanceof OptionsEnd && error.status === 0) {
      process.stdout.write(`${error.message}\n`);
      return;
    }
    process.stderr.write(`ferric: ${lastWord(error)}\n`);
    process.exit(error instanceof OptionsEnd ? error.status : 1);
  }
}

/** A stack is shown only for an unexpected error: Ferric's own errors and the system's explain themselves. */
function lastWord(error: unknown): string {
  const foreseen =
    error instanceof FerricError ||
    error instanceof OptionsEnd ||
    (error as { code?: unknown } | null)?.code !== undefined;
  return foreseen ? messageOf(error) : ((error as Error | null)?.stack ?? messageOf(error));
}

async function run(config: Config, file: string | null, env: ConfigSource['env']): Promise<void> {
  const log = createLogger(config.log.level);
  reportFaults(log);
  catchTheRest();
  tellStart(log, config, file, env);
  const exit = contained('exit', (status: number) => process.exit(status));
  const end = Promise.withResolvers<number>();
  const hurry = new AbortController();
  const cancel = new AbortController();
  const deadline = STOP_DEADLINE + config.netboot.http.stop_grace * 1000;
  let stopping = false;
  // Also during the start, and repeatedly: a database server that was started must not be left behind.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const stop = () => {
      log.info({ signal }, stopping ? 'stopping without grace' : 'stopping');
      if (stopping) hurry.abort();
      stopping = true;
      cancel.abort(new CancelledError());
      setTimeout(exit, deadline, 1).unref();
      end.resolve(0);
    };
    process.on(signal, contained('signal', stop));
  }
  const vitals = watchVitals();
  const tell = contained('vitals', () => {
    const { dropped } = standardOutput();
    log.info({ ...vitals(), handler_faults: faultCounts(), log_lines_dropped: dropped }, 'vitals');
  });
  setInterval(tell, VITALS_INTERVAL).unref();
  const fatal = (reason: string) => {
    log.error({ reason }, 'the daemon must end');
    end.resolve(1);
  };
  const daemon = await startDaemon(config, log, fatal, cancel.signal).catch((error: unknown) => {
    if (!(error instanceof CancelledError)) throw error;
    log.info('stopped during the start');
    setTimeout(exit, 1_000, 0).unref();
  });
  if (!daemon) return;
  log.info({ pid: process.pid }, 'ferric is ready');
  const status = await end.promise;
  setTimeout(exit, deadline, status || 1).unref();
  log.info(vitals(), 'vitals');
  await daemon.stop(hurry.signal);
  log.info('stopped');
  process.exitCode = status;
  // Ends the process if something still holds the event loop.
  setTimeout(exit, 1_000, status).unref();
}

function tellStart(log: Logger, config: Config, file: string | null, env: ConfigSource['env']): void {
  const version = ferricVersion();
  const { data_dir } = config;
  log.info({ version, config: file, data_dir }, `ferric ${version} starts`);
  const ignored = ignoredVariables(env);
  if (ignored.length === 0) return;
  // Kubernetes sets such variables for a service named `ferric`.
  log.warn(
    { ignored },
    'environment variables that set nothing: a setting is FERRIC_SECTION__KEY, with two underscores',
  );
}
