import { setTimeout as sleep } from 'node:timers/promises';
import { DataSource, type ObjectLiteral, type QueryRunner, type ReplicationMode } from 'typeorm';
import type { PostgresDataSourceOptions } from 'typeorm/driver/postgres/PostgresDataSourceOptions.js';
import type { PostgresDriver } from 'typeorm/driver/postgres/PostgresDriver.js';
import { PostgresQueryRunner } from 'typeorm/driver/postgres/PostgresQueryRunner.js';
import { DatabaseAwayError, type DatabaseTrouble, messageOf } from '../domain/errors.js';
import type { Logger } from '../platform/logger.js';
import { faultOf } from './fault.js';
import type { PreparingClient } from './prepared.js';

/** Attempts of a statement while the server reports that nothing was done (`again` in `fault.ts`). */
const TRIES = 5;
/** ms between two log lines about the same trouble. */
const REMIND = 60_000;
/**
 * Most ms before the next attempt, multiplied by the attempts so far; random, so that conflicting statements separate.
 */
const PAUSE = 40;

/**
 * All access to the database: the pool, transactions and single connections. Errors are classified by their origin
 * (`fault.ts`). A statement outside of a transaction is retried where the server asks for it.
 */
export class Database extends DataSource {
  /** When each trouble was last logged: ms, monotonic. */
  readonly #lastLogged = new Map<DatabaseTrouble, number>();

  constructor(
    options: PostgresDataSourceOptions,
    private readonly log: Pick<Logger, 'error'>,
  ) {
    super(options);
  }

  /** @throws DatabaseAwayError, InvalidError for a value that the database cannot store; else TypeORM's error */
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

  /** Logs why the database cannot be used, once a minute for each trouble. */
  note(error: unknown): unknown {
    if (!(error instanceof DatabaseAwayError) || error.undone) return error;
    const now = performance.now();
    const last = this.#lastLogged.get(error.trouble);
    if (last === undefined || now - last > REMIND) {
      this.#lastLogged.set(error.trouble, now);
      this.log.error({ trouble: error.trouble, error: messageOf(error.cause) }, error.message);
    }
    return error;
  }

  override createQueryRunner(mode: ReplicationMode = 'master'): OwnedRunner {
    const runner = new OwnedRunner(this.driver as PostgresDriver, mode);
    return Object.assign(runner, { manager: this.createEntityManager(runner) });
  }
}

/** The result of `work`, which is retried while the server reports that nothing of it took effect. */
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

  /** `never` matches all overloads of the overridden method. */
  override async query(text: string, values?: unknown[], structured = false): Promise<never> {
    try {
      return (await super.query(text, values, structured)) as never;
    } catch (error) {
      throw this.owned(error);
    }
  }

  /** A migration of large tables takes its time. */
  override async beforeMigration(): Promise<void> {
    (await this.connect()).isPatient = true;
    await this.query(`set statement_timeout = 0`);
  }

  override async afterMigration(): Promise<void> {
    await this.query(`reset statement_timeout`);
    (await this.connect()).isPatient = false;
  }

  /** The error to throw for an error of this connection. */
  owned(error: unknown): unknown {
    return this.#noted(faultOf(error, this.isLost));
  }

  #noted(error: unknown): unknown {
    return this.dataSource instanceof Database ? this.dataSource.note(error) : error;
  }

  /** True also between two queries of a transaction, when TypeORM has returned the lost connection already. */
  get isLost(): boolean {
    return this.databaseConnection?.isLost ?? false;
  }
}

export function ownedRunner(source: DataSource): OwnedRunner {
  if (!(source instanceof Database)) throw new TypeError('not opened by openDatabase');
  return source.createQueryRunner();
}
