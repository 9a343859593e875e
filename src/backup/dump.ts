import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Client } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { ferricVersion } from '../config/version.js';
import type { SealedColumn } from '../database/bind-sealed.js';
import { MIGRATIONS } from '../database/migrations.js';
import { FerricError } from '../domain/errors.js';
import { streamFileAtomically } from '../platform/write-file.js';
import { copyLine, FIRST_LINE, type Manifest, quoted, type Trailer, written } from './manifest.js';

const LINE_FEED = 0x0a;

/** Rows of a table written so far; `over`: the table is complete. */
export type Progress = (table: string, rows: number, over: boolean) => void;

export interface DumpParts {
  sealed: readonly SealedColumn[];
  /** Directory of the Image service's store. */
  imageStore: string;
  progress: Progress;
  signal: AbortSignal;
}

/**
 * Writes the whole database as of one moment, while others continue to write to it. The file appears complete or not at
 * all, readable by its owner only.
 * @param client with no transaction open
 * @returns the first and the last line
 */
export async function dump(
  client: Client,
  file: string,
  parts: DumpParts,
): Promise<{ manifest: Manifest; trailer: Trailer }> {
  // The snapshot is taken at the first statement: PostgreSQL, 13.2.2 Repeatable Read.
  await client.query('begin isolation level repeatable read read only');
  const manifest = await manifestOf(client, parts);
  const trailer: Trailer = { rows: {}, sequences: [] };
  await streamFileAtomically(file, 0o600, (to) => {
    const text = Readable.from(textOf(client, manifest, trailer, parts.progress));
    return pipeline(text, createGzip(), to, { signal: parts.signal });
  });
  await client.query('commit');
  return { manifest, trailer };
}

async function* textOf(
  client: Client,
  manifest: Manifest,
  trailer: Trailer,
  progress: Progress,
): AsyncGenerator<string | Buffer> {
  yield `${FIRST_LINE}\n${written(manifest)}`;
  for (const { name, columns } of manifest.tables) {
    yield `${copyLine(name, columns)}\n`;
    let rows = 0;
    const list = columns.map(quoted).join(', ');
    const stream = client.query(copyTo(`copy ${quoted(name)} (${list}) to stdout`));
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      // In the text format a line feed ends a row and occurs nowhere else.
      for (let at = chunk.indexOf(LINE_FEED); at !== -1; at = chunk.indexOf(LINE_FEED, at + 1)) rows++;
      progress(name, rows, false);
      yield chunk;
    }
    yield '\\.\n';
    trailer.rows[name] = rows;
    progress(name, rows, true);
  }
  // Sequences belong to no snapshot: read last, their values are beyond those of every row.
  trailer.sequences = await sequencesOf(client, manifest);
  yield written(trailer);
}

async function manifestOf(client: Client, { sealed, imageStore }: DumpParts): Promise<Manifest> {
  const names = await tablesOf(client);
  if (!names.some(({ name }) => name === 'migration')) {
    throw new FerricError('not-found', 'The database holds nothing of Ferric');
  }
  // Prevents changes of the schema until the end.
  await client.query(`lock table ${names.map(({ name }) => quoted(name)).join(', ')} in access share mode`);
  const migrations = await migrationsOf(client);
  refuseUnknown(migrations, 'The database was migrated by a newer Ferric');
  const tables = names.filter(({ name }) => name !== 'migration');
  const keys = new Set<number>();
  for (const { from, read } of sealedIn(tables, sealed)) {
    const { rows } = await client.query<{ key: number }>(
      `select distinct get_byte(${read}, 1) as key from ${from} where length(${read}) > 1`,
    );
    for (const { key } of rows) keys.add(key);
  }
  const images = await client.query<{ image: string; sha512: string; size: string | null }>(
    `select uuid as image, os_hash_value as sha512, size from image where os_hash_value is not null order by id`,
  );
  return {
    ferric: ferricVersion(),
    created_at: new Date().toISOString(),
    migrations,
    tables,
    sealed_by: [...keys].toSorted((a, b) => a - b),
    image_store: {
      directory: imageStore,
      files: images.rows.map((row) => ({ ...row, size: row.size === null ? null : Number(row.size) })),
    },
  };
}

/** Tables of the schema with their columns, except generated ones. */
export async function tablesOf(client: Client): Promise<Manifest['tables']> {
  const { rows } = await client.query<{ name: string; columns: string[] }>(
    `select relname::text as name, array_agg(attname::text order by attnum) as columns
       from pg_class join pg_attribute on attrelid = pg_class.oid
      where relnamespace = current_schema()::regnamespace and relkind = 'r' and attnum > 0 and not attisdropped
        and attgenerated = ''
      group by relname order by relname`,
  );
  return rows;
}

/** Every column of every table, sorted. */
export function columnsOf(tables: Manifest['tables']): string[] {
  return tables.flatMap(({ name, columns }) => columns.map((column) => `${name}.${column}`)).toSorted();
}

/** The sealed columns that a schema has; it may be an older one. */
export function sealedIn(tables: Manifest['tables'], sealed: readonly SealedColumn[]): SealedColumn[] {
  const here = new Set(columnsOf(tables));
  return sealed.filter(({ table, column }) => here.has(`${table}.${column}`));
}

export async function migrationsOf(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>('select name from migration order by id');
  return rows.map(({ name }) => name);
}

/** @throws FerricError invalid for migrations that this Ferric does not know */
export function refuseUnknown(migrations: readonly string[], words: string): void {
  const known = new Set(MIGRATIONS.map((Migration) => new Migration().name));
  const newer = migrations.filter((name) => !known.has(name));
  if (newer.length > 0) throw new FerricError('invalid', `${words} (${newer.join(', ')}): use that one`);
}

async function sequencesOf(client: Client, { tables }: Manifest): Promise<Trailer['sequences']> {
  const { rows } = await client.query<{ table: string; column: string; sequence: string }>(
    `select relname::text as table, attname::text as column, pg_get_serial_sequence(quote_ident(relname), attname) as sequence
       from pg_class join pg_attribute on attrelid = pg_class.oid
      where relnamespace = current_schema()::regnamespace and relname = any($1) and attnum > 0 and not attisdropped
        and pg_get_serial_sequence(quote_ident(relname), attname) is not null
      order by 1, 2`,
    [tables.map(({ name }) => name)],
  );
  const found: Trailer['sequences'] = [];
  for (const { table, column, sequence } of rows) {
    const { rows: states } = await client.query<{ value: string; called: boolean }>(
      `select last_value as value, is_called as called from ${sequence}`,
    );
    found.push(...states.map((state) => ({ table, column, ...state })));
  }
  return found;
}
