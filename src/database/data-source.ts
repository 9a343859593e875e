import { type DataSource, type EntityManager, type MixedList, TypeORMError } from 'typeorm';
import { DatabaseAwayError, FerricError } from '../domain/errors.js';
import type { Logger } from '../platform/logger.js';
import { pause } from '../platform/pause.js';
import { type Connection, connectionOptions, firstServer } from './connection.js';
import { Database } from './database.js';
import { faultOf } from './fault.js';
import { migrate } from './migrate.js';
import { MIGRATIONS } from './migrations.js';

/** ms between two attempts: first, and at most. */
const ARRIVAL_FIRST = 500;
const ARRIVAL_MOST = 10_000;

export type EntityClass = abstract new () => unknown;

/** Where repositories run their queries: the pool, or one transaction. */
export type Queryable = Pick<EntityManager, 'query'>;

/**
 * Connects and migrates the schema.
 * @throws CancelledError when the wait is ended
 * @throws FerricError invalid when the database was migrated by a newer Ferric
 */
export async function openDatabase(options: {
  connection: Connection;
  entities: readonly EntityClass[];
  /** Migrations to run; default: all. */
  migrations?: readonly (typeof MIGRATIONS)[number][];
  poolSize: number;
  /** Seconds to wait for an unreachable server; default: none. */
  waitSeconds?: number;
  /** Ends the wait. */
  cancel?: AbortSignal;
  /** Seconds that a statement may take; a connection may be silent for a third longer. */
  statementTimeout?: number;
  log: Logger;
}): Promise<Database> {
  const { log } = options;
  const source = new Database(
    {
      type: 'postgres',
      ...firstServer(options.connection),
      entities: [...options.entities] as MixedList<never>,
      migrations: [...(options.migrations ?? MIGRATIONS)],
      migrationsTableName: 'migration',
      migrationsTransactionMode: 'each',
      synchronize: false,
      poolSize: options.poolSize,
      applicationName: 'ferric',
      // Also how long a query may wait for a free connection: a burst of work is no failure.
      connectTimeoutMS: 60_000,
      // A connection that the server closes must not end the process; the next query opens a new one.
      poolErrorHandler: (error: Error) =>
        log.warn({ error: error.message }, 'a database connection was lost'),
      extra: connectionOptions(options.statementTimeout ?? 15, options.connection),
    },
    log,
  );
  const { waitSeconds = 0, cancel = new AbortController().signal } = options;
  await arrive(source, waitSeconds, cancel, log);
  try {
    await migrate(source, log);
  } catch (error) {
    await source.destroy();
    throw error;
  }
  return source;
}

/** Connects to a server that may not have started yet. */
async function arrive(
  source: DataSource,
  waitSeconds: number,
  cancel: AbortSignal,
  log: Logger,
): Promise<void> {
  const begun = performance.now();
  for (let interval = ARRIVAL_FIRST; ; interval = Math.min(interval * 2, ARRIVAL_MOST)) {
    try {
      await source.initialize();
      if (interval > ARRIVAL_FIRST) log.info('the database is there');
      return;
    } catch (error) {
      if (error instanceof TypeORMError) throw error;
      const fault = faultOf(error, true);
      // A refused login does not succeed a minute later either.
      const isComing = fault instanceof DatabaseAwayError && fault.trouble !== 'login';
      const left = begun + waitSeconds * 1000 - performance.now();
      const { code, message } = error as { code?: string; message?: string };
      const why = [code, message].filter(Boolean).join(': ');
      if (!isComing || left <= 0) {
        const waited = isComing && waitSeconds > 0 ? ` within ${waitSeconds} s (database.wait)` : '';
        throw new FerricError('unavailable', `the database cannot be reached${waited}: ${why}`, {
          cause: fault,
        });
      }
      if (interval === ARRIVAL_FIRST)
        log.warn(
          { error: why, seconds: waitSeconds },
          'the database is not there; waiting for it (database.wait)',
        );
      await pause(Math.min(interval, left), cancel);
    }
  }
}

/**
 * Runs `work` in one transaction.
 * @throws DatabaseAwayError: it is then unknown whether an interrupted commit took effect; the caller finds out by the
 *   id that it wrote
 */
export async function inTransaction<T>(
  source: DataSource,
  work: (manager: EntityManager) => Promise<T>,
): Promise<T> {
  const after: (() => void)[] = [];
  const result = await source.transaction((manager) => {
    AFTER_COMMIT.set(manager, after);
    return work(manager);
  });
  for (const call of after) call();
  return result;
}

/** Calls to make when the transaction of a manager has committed. */
const AFTER_COMMIT = new WeakMap<Queryable, (() => void)[]>();

/**
 * Calls `work` once the transaction of `inTransaction` has committed; immediately on a connection where each statement
 * commits by itself. It is not called after a rollback, or where the outcome of the commit is unknown.
 * @param work may not throw
 */
export function afterCommit(on: Queryable, work: () => void): void {
  const after = AFTER_COMMIT.get(on);
  if (after) after.push(work);
  else work();
}
