import { existsSync } from 'node:fs';
import type { DataSource } from 'typeorm';
import { messageOf } from '../domain/errors.js';
import type { Logger } from '../platform/logger.js';
import { writeFileAtomically } from '../platform/write-file.js';
import type { Keyring } from './sealing.js';
import { Parameters } from './statement.js';

/** Rows per statement, so that no lock is held for long. */
const BATCH = 200;

/** Name of the file in the data directory whose presence means that unbound values are no longer accepted. */
export const ALL_BOUND = 'sealed-bound';

/** A column with sealed values. All texts are SQL from code. */
export interface SealedColumn {
  /** Table name in the place that the values are bound to. */
  readonly table: string;
  readonly column: string;
  /** The FROM clause: the table, with joins that the rows' names need. */
  readonly from: string;
  /** SQL expression of the row's name in the place. */
  readonly row: string;
  /** Columns of the table's primary key, with their types. */
  readonly key: Readonly<Record<string, string>>;
  /** SQL expression of the value, of type bytea or null. */
  readonly read: string;
  /** The assignment that stores a value. @param value an expression of type bytea */
  readonly write: (value: string) => string;
}

interface SealedRow {
  key: string[];
  row: string;
  value: Buffer;
}

/** Whether anything was ever sealed: a missing key file is then an error, not a first start. */
export async function holdsSealed(source: DataSource, columns: readonly SealedColumn[]): Promise<boolean> {
  for (const { from, read } of columns) {
    const rows = await source.query<unknown[]>(`select 1 from ${from} where ${read} is not null limit 1`);
    if (rows.length > 0) return true;
  }
  return false;
}

/**
 * Seals again what an earlier Ferric sealed without binding it to its row, and what an older key sealed. Values that do
 * not open are left unchanged and logged. So are unbound values once all were bound: somebody with write access to the
 * database could have copied one from an old backup. Must be called before anything reads a sealed value.
 * @param allBound path of the file that records that all were bound; created here
 * @returns how many values were sealed again
 */
export async function bindSealed(
  source: DataSource,
  keyring: Keyring,
  columns: readonly SealedColumn[],
  { allBound, log }: { allBound: string; log: Logger },
): Promise<number> {
  const letIn = !existsSync(allBound);
  let sealed = 0;
  let left = 0;
  for (const column of columns) {
    const done = await bindColumn(source, keyring, column, letIn, log);
    sealed += done.sealed;
    left += done.left;
  }
  if (sealed > 0)
    log.info({ values: sealed }, 'sealed values were sealed anew: bound to their rows, by the first key');
  if (letIn && left === 0) {
    await writeFileAtomically(
      allBound,
      'Every sealed value of the database is bound to its row. While this file is here, values of an earlier Ferric,\n' +
        'which were not, are refused. Remove it after an old copy of the database was put back.\n',
    );
  }
  return sealed;
}

async function bindColumn(
  source: DataSource,
  keyring: Keyring,
  column: SealedColumn,
  letIn: boolean,
  log: Logger,
): Promise<{ sealed: number; left: number }> {
  const { table } = column;
  let sealed = 0;
  let left = 0;
  for (let after: string[] | null = null; ; ) {
    const rows: SealedRow[] = await otherwiseSealed(source, keyring, column, after);
    for (const { key, row, value } of rows) {
      const place = { table, column: column.column, row };
      let text: string;
      try {
        text = letIn ? keyring.openAny(value, place) : keyring.open(value, place);
      } catch (error) {
        left++;
        log.error({ ...place, error: messageOf(error) }, 'a sealed value does not open');
        continue;
      }
      const parameters = new Parameters();
      const set = column.write(`${parameters.add(keyring.seal(text, place))}::bytea`);
      const where = `(${names(column)}) = (${values(column, key, parameters)})`;
      // A value that was written in the meantime is sealed correctly.
      const unchanged = `${column.read} = ${parameters.add(value)}::bytea`;
      const [, written] = await source.query<[unknown, number]>(
        `update ${table} set ${set} where ${where} and ${unchanged}`,
        parameters.values,
      );
      sealed += written;
    }
    if (rows.length < BATCH) return { sealed, left };
    after = rows.at(-1)!.key;
  }
}

/** The next rows whose value has another version or key than the keyring's current one. */
function otherwiseSealed(
  source: DataSource,
  keyring: Keyring,
  column: SealedColumn,
  after: string[] | null,
): Promise<SealedRow[]> {
  const parameters = new Parameters();
  const where = [`substring(${column.read} for 2) <> ${parameters.add(keyring.seals)}::bytea`];
  if (after) where.push(`(${names(column)}) > (${values(column, after, parameters)})`);
  const key = Object.keys(column.key).map((name) => `${name}::text`);
  return source.query<SealedRow[]>(
    `select array[${key.join(', ')}] as key, ${column.row} as row, ${column.read} as value from ${column.from}
      where ${where.join(' and ')} order by ${names(column)} limit ${BATCH}`,
    parameters.values,
  );
}

const names = ({ key }: SealedColumn) => Object.keys(key).join(', ');

function values({ key }: SealedColumn, given: readonly string[], parameters: Parameters): string {
  return Object.values(key)
    .map((type, index) => `${parameters.add(given[index])}::${type}`)
    .join(', ');
}
