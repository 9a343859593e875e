import 'reflect-metadata';
import { loadConfig } from './config/load.js';
import { processSource } from './config/process-source.js';
import { checkExposure, startDaemon } from './daemon.js';
import { catchTheRest, contained, faultCounts, reportFaults } from './platform/boundary.js';
import { createLogger } from './platform/logger.js';
import { watchVitals } from './platform/vitals.js';

/** A stop that takes longer than this is not worth waiting for; the journal resumes what is cut. */
const STOP_DEADLINE = 30_000;
/** Between two lines about memory and event loop, ms. */
const VITALS_INTERVAL = 60_000;

/** The daemon from its configuration to its last word. */
export async function run(): Promise<void> {
  const config = loadConfig(processSource(process.argv));
  checkExposure(config);
  const log = createLogger(config.log.level);
  reportFaults(log);
  catchTheRest();
  const exit = contained('exit', (status: number) => process.exit(status));
  const end = Promise.withResolvers<number>();
  // Also while it starts: a database server that was just made must not be left behind.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const stop = () => {
      log.info({ signal }, 'stopping');
      setTimeout(exit, STOP_DEADLINE, 1).unref();
      end.resolve(0);
    };
    process.once(signal, contained('signal', stop));
  }
  const vitals = watchVitals();
  const tell = contained('vitals', () => log.info({ ...vitals(), handler_faults: faultCounts() }, 'vitals'));
  setInterval(tell, VITALS_INTERVAL).unref();
  const daemon = await startDaemon(config, log, (reason) => {
    log.error({ reason }, 'the daemon must end');
    end.resolve(1);
  });
  log.info({ pid: process.pid }, 'ferric is ready');
  const status = await end.promise;
  setTimeout(exit, STOP_DEADLINE, status || 1).unref();
  log.info(vitals(), 'vitals');
  await daemon.stop();
  log.info('stopped');
  process.exitCode = status;
  // Whatever still holds the event loop has nothing left to say.
  setTimeout(exit, 1_000, status).unref();
}
