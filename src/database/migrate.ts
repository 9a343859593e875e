import { setTimeout as sleep } from 'node:timers/promises';
import { type DataSource, MigrationExecutor, type QueryRunner } from 'typeorm';
import { FerricError, messageOf } from '../domain/errors.js';
import type { Logger } from '../platform/logger.js';
import { MIGRATIONS } from './migrations.js';

/** Keys of the advisory lock, which no other program uses in this database: "ferr" in ASCII, and 1. */
const LOCK = [0x66657272, 1] as const;
const RETRY = 250;

/**
 * Migrates the schema, one process at a time: others that start at the same moment wait for the first.
 * @throws FerricError invalid when the database was migrated by a newer Ferric
 */
export async function migrate(source: DataSource, log: Logger): Promise<void> {
  const runner = source.createQueryRunner();
  try {
    await lock(runner, log);
    await refuseNewer(runner);
    // On the connection that holds the lock: the pool may have no other.
    const executor = new MigrationExecutor(source, runner);
    executor.transaction = 'each';
    const ran = await executor.executePendingMigrations();
    if (ran.length > 0)
      log.info({ migrations: ran.map((row) => row.name) }, 'the database schema was brought up to date');
  } finally {
    const kept = (error: unknown) =>
      log.debug({ error: messageOf(error) }, 'the lock went with its connection');
    await runner.query('select pg_advisory_unlock($1, $2)', [...LOCK]).catch(kept);
    await runner.release();
  }
}

/** Polls for the lock: a wait inside the server would end by `lock_timeout`. */
async function lock(runner: QueryRunner, log: Logger): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const [row] = (await runner.query('select pg_try_advisory_lock($1, $2) as locked', [...LOCK])) as {
      locked: boolean;
    }[];
    if (row?.locked) return;
    if (attempt === 0) log.info('another daemon brings the database schema up to date; waiting for it');
    await sleep(RETRY);
  }
}

async function refuseNewer(runner: QueryRunner): Promise<void> {
  const known = new Set(MIGRATIONS.map((Migration) => new Migration().name));
  const exists = (await runner.query(`select to_regclass('migration') as at`)) as { at: string | null }[];
  if (!exists[0]?.at) return;
  const rows = (await runner.query(`select name from migration`)) as { name: string }[];
  const newer = rows.filter((row) => !known.has(row.name)).map((row) => row.name);
  if (newer.length > 0) {
    throw new FerricError(
      'invalid',
      `The database was migrated by a newer Ferric (${newer.join(', ')}); start that`,
    );
  }
}
