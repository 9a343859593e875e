import { type DataSource, type EntityManager, type MixedList, TypeORMError } from 'typeorm';
import { FerricError } from '../domain/errors.js';
import type { Logger } from '../platform/logger.js';
import { Database } from './database.js';
import { faultOf } from './fault.js';
import { MIGRATIONS } from './migrations.js';
import { CONNECTION_LIFE, PreparingClient } from './prepared.js';

export type Connection = { url: string } | { host: string; port: number; username: string; database: string };
export type EntityClass = abstract new () => unknown;

/** What repositories run their queries on: the pool, or one transaction. */
export type Queryable = Pick<EntityManager, 'query'>;

/**
 * Connects and brings the schema up to date.
 * @throws FerricError invalid when the database was migrated by a newer Ferric
 */
export async function openDatabase(options: {
  connection: Connection;
  entities: readonly EntityClass[];
  poolSize: number;
  log: Logger;
}): Promise<Database> {
  const { log } = options;
  const source = new Database({
    type: 'postgres',
    ...options.connection,
    entities: [...options.entities] as MixedList<never>,
    migrations: [...MIGRATIONS],
    migrationsTableName: 'migration',
    migrationsTransactionMode: 'each',
    synchronize: false,
    poolSize: options.poolSize,
    applicationName: 'ferric',
    // Also how long a query may wait for a free connection: a rush of work is no failure.
    connectTimeoutMS: 60_000,
    // A connection that the server cuts must not end the process; the next query takes a new one.
    poolErrorHandler: (error: Error) => log.warn({ error: error.message }, 'a database connection was lost'),
    extra: {
      Client: PreparingClient,
      keepAlive: true,
      // What a connection has prepared goes with it.
      idleTimeoutMillis: 300_000,
      maxLifetimeSeconds: CONNECTION_LIFE,
      idle_in_transaction_session_timeout: 60_000,
      lock_timeout: 10_000,
    },
  });
  await source.initialize().catch((error: unknown) => {
    throw error instanceof TypeORMError ? error : faultOf(error, true);
  });
  const known = new Set(MIGRATIONS.map((migration) => migration.name));
  const exists = await source.query<{ at: string | null }[]>(`select to_regclass('migration') as at`);
  if (exists[0]?.at) {
    const rows = await source.query<{ name: string }[]>(`select name from migration`);
    const newer = rows.filter((row) => !known.has(row.name)).map((row) => row.name);
    if (newer.length > 0) {
      await source.destroy();
      throw new FerricError(
        'invalid',
        `The database was migrated by a newer Ferric (${newer.join(', ')}); start that`,
      );
    }
  }
  const ran = await source.runMigrations();
  if (ran.length > 0)
    log.info({ migrations: ran.map((row) => row.name) }, 'the database schema was brought up to date');
  return source;
}

/**
 * Runs `work` in one transaction. @throws DatabaseAwayError: whether a commit that was cut took effect is then unknown,
 * and the caller finds out by the id it wrote.
 */
export function inTransaction<T>(
  source: DataSource,
  work: (manager: EntityManager) => Promise<T>,
): Promise<T> {
  return source.transaction(work);
}
