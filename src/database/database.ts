import { setTimeout as sleep } from 'node:timers/promises';
import { DataSource, type ObjectLiteral, type QueryRunner, type ReplicationMode } from 'typeorm';
import type { PostgresDataSourceOptions } from 'typeorm/driver/postgres/PostgresDataSourceOptions.js';
import type { PostgresDriver } from 'typeorm/driver/postgres/PostgresDriver.js';
import { PostgresQueryRunner } from 'typeorm/driver/postgres/PostgresQueryRunner.js';
import { DatabaseAwayError, type DatabaseTrouble, messageOf } from '../domain/errors.js';
import type { Logger } from '../platform/logger.js';
import { faultOf } from './fault.js';
import type { PreparingClient } from './prepared.js';

/** Times that a statement is sent while the server says that nothing was done (`again` in `fault.ts`). */
const TRIES = 5;
/** ms. */
const REMIND = 60_000;
/** ms before the next try, at most; random, so that those who met do not meet again. */
const PAUSE = 40;

/**
 * The one way to the database, for the pool, transactions and single connections: what is thrown on it has its owner's
 * name (`fault.ts`). Also a statement outside of transactions is sent again where the server asks for that.
 */
export class Database extends DataSource {
  /** ms, monotonic: when a trouble was written last. */
  readonly #told = new Map<DatabaseTrouble, number>();

  constructor(
    options: PostgresDataSourceOptions,
    private readonly log: Pick<Logger, 'error'>,
  ) {
    super(options);
  }

  /** @throws DatabaseAwayError, InvalidError for what it cannot keep; else TypeORM's error */
  override async query<T = unknown>(
    text: string,
    values?: unknown[] | ObjectLiteral,
    runner?: QueryRunner,
  ): Promise<T> {
    if (!runner) return sentAgain(() => super.query<T>(text, values));
    try {
      return await super.query<T>(text, values, runner);
    } catch (error) {
      throw runner instanceof OwnedRunner ? runner.owned(error) : error;
    }
  }

  /** What keeps the database from being used is one line in the log, and another one a minute later while it lasts. */
  note(error: unknown): unknown {
    if (!(error instanceof DatabaseAwayError) || error.undone) return error;
    const now = performance.now();
    const last = this.#told.get(error.trouble);
    if (last === undefined || now - last > REMIND) {
      this.#told.set(error.trouble, now);
      this.log.error({ trouble: error.trouble, error: messageOf(error.cause) }, error.message);
    }
    return error;
  }

  override createQueryRunner(mode: ReplicationMode = 'master'): OwnedRunner {
    const runner = new OwnedRunner(this.driver as PostgresDriver, mode);
    return Object.assign(runner, { manager: this.createEntityManager(runner) });
  }
}

/** What `work` comes to, which is done again while the server says that nothing of it was. */
export async function sentAgain<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof DatabaseAwayError) || !error.undone || tries === TRIES) throw error;
      await sleep(Math.random() * PAUSE * tries);
    }
  }
}

/** One connection of the pool. */
export class OwnedRunner extends PostgresQueryRunner {
  declare protected databaseConnection: PreparingClient | undefined;

  override async connect(): Promise<PreparingClient> {
    try {
      return (await super.connect()) as PreparingClient;
    } catch (error) {
      throw this.#noted(faultOf(error, true));
    }
  }

  /** `never`: as many signatures as the method that it overrides. */
  override async query(text: string, values?: unknown[], structured = false): Promise<never> {
    try {
      return (await super.query(text, values, structured)) as never;
    } catch (error) {
      throw this.owned(error);
    }
  }

  /** What a migration does to large tables takes its time. */
  override async beforeMigration(): Promise<void> {
    (await this.connect()).isPatient = true;
    await this.query(`set statement_timeout = 0`);
  }

  override async afterMigration(): Promise<void> {
    await this.query(`reset statement_timeout`);
    (await this.connect()).isPatient = false;
  }

  /** What is thrown for an error of this connection. */
  owned(error: unknown): unknown {
    return this.#noted(faultOf(error, this.isLost));
  }

  #noted(error: unknown): unknown {
    return this.dataSource instanceof Database ? this.dataSource.note(error) : error;
  }

  /** Also between two queries of a transaction: then TypeORM has given the connection back already. */
  get isLost(): boolean {
    return this.databaseConnection?.isLost ?? false;
  }
}

export function ownedRunner(source: DataSource): OwnedRunner {
  if (!(source instanceof Database)) throw new TypeError('not opened by openDatabase');
  return source.createQueryRunner();
}
