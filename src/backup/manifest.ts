import { z } from 'zod';
import { FerricError } from '../domain/errors.js';

/** First line of a dump. */
export const FIRST_LINE = '-- Ferric database dump 1';

const name = z.string().regex(/^[a-z_][a-z0-9_]{0,62}$/);

const manifest = z.object({
  ferric: z.string(),
  created_at: z.iso.datetime(),
  /** The migrations that made the schema, in order. */
  migrations: z.array(z.string()).min(1),
  tables: z.array(z.object({ name, columns: z.array(name).min(1) })),
  /** Numbers of the keys that encrypt values; the key file itself is stored separately. */
  sealed_by: z.array(z.int().min(0).max(255)),
  /** Files of the Image service's store, which are not part of the dump. */
  image_store: z.object({
    directory: z.string(),
    files: z.array(z.object({ image: z.string(), sha512: z.string(), size: z.number().nullable() })),
  }),
});
/** Second line of a dump, after `-- `: its content and what it needs besides. */
export type Manifest = z.infer<typeof manifest>;

const trailer = z.object({
  /** Rows by table. */
  rows: z.record(z.string(), z.int()),
  sequences: z.array(
    z.object({ table: name, column: name, value: z.string().regex(/^-?\d+$/), called: z.boolean() }),
  ),
});
/** Last line, after `-- `: a dump without it is truncated. */
export type Trailer = z.infer<typeof trailer>;

export const readManifest = (line: string): Manifest => read(manifest, line);
export const readTrailer = (line: string): Trailer => read(trailer, line);

export function written(value: Manifest | Trailer): string {
  return `-- ${JSON.stringify(value)}\n`;
}

export function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}

/** The line before a table's rows; the rows end with a line `\.`, as in files of psql. */
export function copyLine(table: string, columns: readonly string[]): string {
  return `COPY ${quoted(table)} (${columns.map(quoted).join(', ')}) FROM stdin;`;
}

/** @throws FerricError invalid */
export function notADump(why: string): FerricError {
  return new FerricError('invalid', `The file is no dump that can be restored: ${why}`);
}

function read<T>(schema: z.ZodType<T>, line: string): T {
  let value: unknown;
  try {
    value = JSON.parse(line.replace(/^-- /, ''));
  } catch {
    throw notADump('a line of its frame cannot be read');
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw notADump(z.prettifyError(parsed.error));
  return parsed.data;
}
