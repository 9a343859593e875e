import type { Microversion } from '../microversion/microversion.js';
import { type Field, type Reading, type Selection, selectFields, type TextForm } from './field.js';

/** Adjacent fields that show their columns unchanged: the database makes one JSON text of them. */
export type TextGroup = Readonly<Record<string, TextForm>>;

/** A row for its text: the columns that readers use, and the JSON text of each group. */
export type TextRow<Row> = Row & { readonly [group: `text_${number}`]: string };

/** The replacement of a field that this request must not see; undefined where it may. */
export type Instead<Row> = (field: string, row: Row) => unknown;

/** A view for listings: most of a row arrives as text, without an object for each value. */
export interface TextView<Row, Context extends Reading = Reading> {
  readonly columns: readonly string[];
  readonly groups: readonly TextGroup[];
  /** @returns JSON text of the same content as a view's `show` */
  show(row: TextRow<Row>, context: Context): string;
}

type Writer<Row, Context> = (row: TextRow<Row>, context: Context) => string;

/**
 * Makes a serializer from the rows of the field table.
 * @param instead replaces fields of `guarded`
 * @throws as `viewOf`
 */
export function textViewOf<Row, Context extends Reading = Reading>(
  fields: readonly Field<Row, Context>[],
  version: Microversion,
  selection: Selection,
  instead: Instead<Row> | null = null,
  guarded: ReadonlySet<string> = new Set(),
): TextView<Row, Context> {
  const columns = new Set<string>();
  const groups: Record<string, TextForm>[] = [];
  const writers: Writer<Row, Context>[] = [];
  let group: Record<string, TextForm> | null = null;
  for (const field of selectFields(fields, version, selection)) {
    const guard = instead && guarded.has(field.name) ? instead : null;
    if (field.form && !guard) {
      if (group === null) {
        const name = `text_${groups.length}` as const;
        writers.push((row) => row[name]!);
        group = {};
        groups.push(group);
      }
      group[field.columns[0]!] = field.form;
      continue;
    }
    group = null;
    for (const column of field.columns) columns.add(column);
    writers.push(writerOf(field, guard));
  }
  return {
    columns: [...columns],
    groups,
    show: (row, context) => {
      let text = '';
      for (const write of writers) text += `${text === '' ? '{' : ','}${write(row, context)}`;
      return `${text === '' ? '{' : text}}`;
    },
  };
}

function writerOf<Row, Context extends Reading>(
  { name, read, text }: Field<Row, Context>,
  instead: Instead<Row> | null,
): Writer<Row, Context> {
  const key = `${JSON.stringify(name)}:`;
  if (text && !instead) return (row, context) => key + text(row, context);
  return (row, context) => {
    const other = instead?.(name, row);
    return key + JSON.stringify(other === undefined ? (read(row, context) ?? null) : other);
  };
}
