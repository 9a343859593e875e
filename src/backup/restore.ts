import { createReadStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { type Client, DatabaseError } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { FerricError } from '../domain/errors.js';
import { contained } from '../platform/boundary.js';
import type { Progress } from './dump.js';
import { columnsOf, migrationsOf, refuseUnknown, tablesOf } from './dump.js';
import {
  copyLine,
  FIRST_LINE,
  type Manifest,
  notADump,
  quoted,
  readManifest,
  readTrailer,
  type Trailer,
} from './manifest.js';

/** Bytes sent to the server at once. */
const BATCH = 64 * 1024;
/** Bytes of a line: PostgreSQL's own limit of a value. */
const LONGEST_LINE = 2 ** 30;
const END_OF_ROWS = Buffer.from('\\.');

/** A dump, read from its first line to its last. */
export class DumpReader {
  readonly #lines: AsyncGenerator<Buffer>;

  private constructor(
    lines: AsyncGenerator<Buffer>,
    readonly manifest: Manifest,
  ) {
    this.#lines = lines;
  }

  /** @throws FerricError for a file that is no dump, or a dump of a newer Ferric */
  static async open(file: string): Promise<DumpReader> {
    const lines = linesOf(file);
    const first = await lines.next();
    if (first.done || first.value.toString() !== FIRST_LINE) throw notADump('it does not begin like one');
    const second = await lines.next();
    const manifest = readManifest(second.done ? '' : second.value.toString());
    refuseUnknown(manifest.migrations, 'The dump is of a newer Ferric');
    return new DumpReader(lines, manifest);
  }

  /** The next line. @throws FerricError at the end of the file */
  async line(): Promise<Buffer> {
    const next = await this.#lines.next();
    if (next.done) throw notADump('its end is missing');
    return next.value;
  }

  /**
   * To be called after the last line. Only the end of the file proves what was read: the check sum of gzip follows the
   * data (RFC 1952 §2.3.1).
   * @throws FerricError for a file that goes on, is damaged or truncated
   */
  async end(): Promise<void> {
    const next = await this.#lines.next();
    if (!next.done) throw notADump('something follows its end');
  }

  async close(): Promise<void> {
    await this.#lines.return(undefined);
  }
}

/** @throws FerricError for a file that is no gzip, damaged or truncated */
async function* linesOf(file: string): AsyncGenerator<Buffer> {
  const source = createReadStream(file);
  const text = source.pipe(createGunzip());
  source.once(
    'error',
    contained('restore: file', (error: Error) => text.destroy(error)),
  );
  let open: Buffer[] = [];
  let length = 0;
  let first = true;
  try {
    for await (const chunk of text as AsyncIterable<Buffer>) {
      let at = 0;
      for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, at)) {
        open.push(chunk.subarray(at, end));
        const [only, ...more] = open;
        yield only !== undefined && more.length === 0 ? only : Buffer.concat(open);
        open = [];
        length = 0;
        first = false;
        at = end + 1;
      }
      if (at === chunk.length) continue;
      open.push(chunk.subarray(at));
      length += chunk.length - at;
      if (first && length > FIRST_LINE.length) throw notADump('it does not begin like one');
      if (length > LONGEST_LINE) throw notADump('one of its lines is too long');
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code?.startsWith('Z_')) throw notADump('it is damaged, or no gzip file');
    throw error;
  } finally {
    source.destroy();
    text.destroy();
  }
  if (length > 0) throw notADump('its end is missing');
}

/**
 * Whether a dump may be restored there: the schema is empty, or it is the dump's schema without any row.
 * @returns true if the schema is still to be created
 * @throws FerricError conflict
 */
export async function demandEmpty(client: Client, manifest: Manifest): Promise<boolean> {
  const tables = await tablesOf(client);
  if (tables.length === 0) return true;
  const refused = (why: string) =>
    new FerricError('conflict', `The database is not empty: ${why}. Nothing was changed`);
  if (!tables.some(({ name }) => name === 'migration')) throw refused('it has tables that are not Ferric’s');
  for (const { name } of tables.filter((table) => table.name !== 'migration')) {
    const { rows } = await client.query(`select 1 from ${quoted(name)} limit 1`);
    if (rows.length > 0) throw refused(`table ${name} has rows`);
  }
  const there = await migrationsOf(client);
  if (there.join() !== manifest.migrations.join()) throw refused('it has the schema of another version');
  return false;
}

/**
 * Fills the tables in one transaction: afterwards the whole dump is there, or nothing.
 * @param client connected as the database's owner; the schema is that of the dump, see `demandEmpty`
 * @param filled called when everything is there, and not committed yet
 * @throws FerricError if the dump is damaged or does not fit
 */
export async function fill(
  client: Client,
  reader: DumpReader,
  progress: Progress,
  filled: () => Promise<void> = async () => {},
): Promise<Trailer> {
  const { manifest } = reader;
  await client.query('begin');
  const there = (await tablesOf(client)).filter(({ name }) => name !== 'migration');
  if (columnsOf(there).join() !== columnsOf(manifest.tables).join()) {
    throw notADump('its tables are not those of its version');
  }
  // A daemon that starts in the meantime waits, or finds the complete data.
  await client.query(
    `lock table ${there.map(({ name }) => quoted(name)).join(', ')} in access exclusive mode`,
  );
  await demandEmpty(client, manifest);
  const constraints = await dropReferences(client);
  for (const { name } of there) await client.query(`alter table ${quoted(name)} disable trigger user`);
  const rows: Record<string, number> = {};
  for (const { name, columns } of manifest.tables) {
    if ((await reader.line()).toString() !== copyLine(name, columns)) {
      throw notADump(`the rows of ${name} are not where they should be`);
    }
    rows[name] = await copyRows(client, reader, name, columns, progress);
  }
  const trailer = readTrailer((await reader.line()).toString());
  await reader.end();
  for (const { name } of there) {
    if (trailer.rows[name] !== rows[name]) throw notADump(`${name} has not as many rows as it should have`);
  }
  for (const { name } of there) await client.query(`alter table ${quoted(name)} enable trigger user`);
  for (const { table, name, definition } of constraints) {
    await client
      .query(`alter table ${quoted(table)} add constraint ${quoted(name)} ${definition}`)
      .catch((error: unknown) => {
        throw isOfServer(error) ? danglingRows(table, name, error) : error;
      });
  }
  const columns = new Set(columnsOf(there));
  for (const { table, column, value, called } of trailer.sequences) {
    if (!columns.has(`${table}.${column}`)) throw notADump(`there is no column ${table}.${column}`);
    await client.query('select setval(pg_get_serial_sequence(quote_ident($1), $2), $3, $4)', [
      table,
      column,
      value,
      called,
    ]);
  }
  await filled();
  await client.query('commit');
  await client.query('analyze');
  return trailer;
}

async function copyRows(
  client: Client,
  reader: DumpReader,
  table: string,
  columns: readonly string[],
  progress: Progress,
): Promise<number> {
  const list = columns.map(quoted).join(', ');
  const to = client.query(copyFrom(`copy ${quoted(table)} (${list}) from stdin`));
  const over = finished(to);
  // Awaited below; until then this handler keeps a failure from being unhandled.
  over.catch(() => undefined);
  let rows = 0;
  try {
    let batch: Buffer[] = [];
    let bytes = 0;
    const send = async () => {
      const isRoom = to.write(Buffer.concat(batch));
      batch = [];
      bytes = 0;
      progress(table, rows, false);
      if (!isRoom) await Promise.race([new Promise((resolve) => to.once('drain', resolve)), over]);
    };
    for (let line = await reader.line(); !line.equals(END_OF_ROWS); line = await reader.line()) {
      batch.push(line, Buffer.from('\n'));
      bytes += line.length + 1;
      rows++;
      if (bytes >= BATCH) await send();
    }
    if (bytes > 0) await send();
    to.end();
  } catch (error) {
    to.destroy();
    // After the server's refusal each further write fails by itself; the refusal is the reason.
    const reason = await over.then(
      () => error,
      (refusal: unknown) => refusal,
    );
    throw !(error instanceof FerricError) && isOfServer(reason) ? refusedRows(table, reason) : error;
  }
  await over.catch((error: unknown) => {
    throw refusedRows(table, error);
  });
  progress(table, rows, true);
  return rows;
}

/** An error that the server reported, and not one of the file or of the connection. */
function isOfServer(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError;
}

function danglingRows(table: string, constraint: string, error: DatabaseError): FerricError {
  const why = `rows of ${table} refer to rows that are not in it (foreign key ${constraint}, SQLSTATE ${error.code ?? 'none'})`;
  return new FerricError('invalid', `The dump is damaged: ${why}`, { cause: error });
}

/** The server's message may quote a row, so only its SQLSTATE is reported. */
function refusedRows(table: string, error: unknown): FerricError {
  const { code } = error as { code?: string };
  return new FerricError('invalid', `The server refused rows of ${table} (SQLSTATE ${code ?? 'none'})`, {
    cause: error,
  });
}

interface Constraint {
  table: string;
  name: string;
  definition: string;
}

/** Tables refer to each other in circles: foreign keys are dropped, and created and checked again afterwards. */
async function dropReferences(client: Client): Promise<Constraint[]> {
  const { rows } = await client.query<Constraint>(
    `select relname::text as table, conname::text as name, pg_get_constraintdef(pg_constraint.oid) as definition
       from pg_constraint join pg_class on pg_class.oid = conrelid
      where contype = 'f' and relnamespace = current_schema()::regnamespace order by 1, 2`,
  );
  for (const { table, name } of rows) {
    await client.query(`alter table ${quoted(table)} drop constraint ${quoted(name)}`);
  }
  return rows;
}
