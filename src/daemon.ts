import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import type { ComposedConductor } from './conductor/compose.js';
import { COMPOSED_CONDUCTOR } from './conductor/conductor.module.js';
import { PeriodicRunner } from './conductor/periodic/periodic-runner.js';
import type { Config } from './config/schema.js';
import type { Connection } from './database/data-source.js';
import { startEmbeddedServer } from './database/embedded-server.js';
import { FerricError, messageOf } from './domain/errors.js';
import { ImageService } from './image/image-service.js';
import type { Logger } from './platform/logger.js';

export interface Daemon {
  /** Resolves once everything is stopped, in the reverse order of the start. */
  stop(): Promise<void>;
}

/** Things that were started, each with its end. */
class Started {
  readonly #ends: { name: string; end: () => Promise<unknown> }[] = [];

  constructor(private readonly log: Logger) {}

  add(name: string, end: () => Promise<unknown>): void {
    this.#ends.push({ name, end });
  }

  async stop(): Promise<void> {
    for (let last = this.#ends.pop(); last; last = this.#ends.pop()) {
      try {
        await last.end();
      } catch (error) {
        this.log.error({ part: last.name, error: messageOf(error) }, 'did not stop in order');
      }
    }
  }
}

/**
 * Starts the daemon: database, conductor, network boot, agents' listener, operators' listener, in this order, so
 * that nothing is answered before it can be kept. What had started is stopped again when a later part fails.
 * @param onFatal something happened after which the process must end
 */
export async function startDaemon(
  config: Config,
  log: Logger,
  onFatal: (reason: string) => void,
): Promise<Daemon> {
  const started = new Started(log);
  try {
    await startParts(config, log, started, onFatal);
  } catch (error) {
    await started.stop();
    throw error;
  }
  return { stop: () => started.stop() };
}

async function startParts(
  config: Config,
  log: Logger,
  started: Started,
  onFatal: (reason: string) => void,
): Promise<void> {
  const connection = await database(config, log, started);
  const app = await NestFactory.createApplicationContext(
    AppModule.forRoot({
      config,
      log,
      connection,
      onReplaced: () => onFatal('another process runs under this conductor’s host name'),
    }),
    { logger: false, abortOnError: false },
  );
  started.add('application', () => app.close());
  await conductor(app, started);
}

async function database(config: Config, log: Logger, started: Started): Promise<Connection> {
  const { url } = config.database;
  if (url) {
    log.info('database: outside PostgreSQL (database.url)');
    return { url: url.reveal() };
  }
  const server = await startEmbeddedServer(`${config.data_dir}/postgresql`, log);
  started.add('embedded PostgreSQL', () => server.stop());
  log.info({ directory: `${config.data_dir}/postgresql` }, 'database: embedded PostgreSQL');
  return server.connection;
}

async function conductor(app: INestApplicationContext, started: Started): Promise<void> {
  const images = app.get(ImageService);
  await images.start();
  started.add('images', () => images.close());
  const composed = app.get<ComposedConductor>(COMPOSED_CONDUCTOR);
  const periodic = app.get(PeriodicRunner);
  await composed.start(periodic);
  started.add('conductor', () => composed.stop(periodic));
}

/** @throws FerricError for settings that would let strangers in */
export function checkExposure(config: Config): void {
  const { auth, listen, allow_noauth_beyond_loopback } = config.api;
  const loopback = /^127\.|^::1$/.test(listen.address);
  if (auth === 'noauth' && !loopback && !allow_noauth_beyond_loopback) {
    throw new FerricError(
      'invalid',
      `api.listen.address is ${listen.address} and api.auth is noauth: everybody who reaches that address could do ` +
        'everything. Listen on loopback, or set api.allow_noauth_beyond_loopback to true to say that this is meant.',
    );
  }
}
