/** SQL fragments with numbered parameters; names come from code, values never become part of the text. */

export class Parameters {
  readonly values: unknown[];

  /** @param values parameters that the text already has */
  constructor(values: readonly unknown[] = []) {
    this.values = [...values];
  }

  /** Adds a value and returns its placeholder. */
  add(value: unknown): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }

  /** `"a" = $1, "b" = $2`; objects and arrays are sent as JSON. */
  assignments(changes: Readonly<Record<string, unknown>>): string {
    return Object.entries(changes)
      .map(([column, value]) => `${quote(column)} = ${this.add(encode(value))}`)
      .join(', ');
  }
}

export function insertStatement(table: string, row: Readonly<Record<string, unknown>>): [string, unknown[]] {
  const parameters = new Parameters();
  return [insertText(table, row, parameters), parameters.values];
}

/** The statement returns the row as it was written. */
export function insertText(
  table: string,
  row: Readonly<Record<string, unknown>>,
  parameters: Parameters,
): string {
  const columns = Object.keys(row).map(quote).join(', ');
  const values = Object.values(row)
    .map((value) => parameters.add(encode(value)))
    .join(', ');
  return `insert into ${quote(table)} (${columns}) values (${values}) returning *`;
}

export function quote(name: string): string {
  if (!/^[a-z_][a-z0-9_]*$/.test(name)) throw new TypeError(`not a column name: ${name}`);
  return `"${name}"`;
}

/**
 * Condition for rows after a marker in (key, id) order; nulls sort last ascending, first descending, as in PostgreSQL.
 * The marker's value is read in the query: a timestamp would lose its microseconds in JavaScript.
 * @param key quoted column
 * @param isNull whether the marker's row has null there
 * @param id placeholder of the marker's id
 */
export function afterMarker(
  table: string,
  key: string,
  direction: 'asc' | 'desc',
  isNull: boolean,
  id: string,
): string {
  const than = direction === 'asc' ? '>' : '<';
  if (key === '"id"') return `id ${than} ${id}`;
  if (isNull) {
    const same = `(${key} is null and id ${than} ${id})`;
    return direction === 'asc' ? same : `(${same} or ${key} is not null)`;
  }
  const at = `(select ${key} from ${quote(table)} where id = ${id})`;
  const nulls = direction === 'asc' ? ` or ${key} is null` : '';
  return `(${key} ${than} ${at} or (${key} = ${at} and id ${than} ${id})${nulls})`;
}

function encode(value: unknown): unknown {
  if (value === null || typeof value !== 'object' || value instanceof Date || value instanceof Uint8Array)
    return value;
  return JSON.stringify(value);
}

/** The unique constraint that a query violated, or null for any other failure. */
export function brokenUnique(error: unknown): string | null {
  const { code, constraint } = error as { code?: string; constraint?: string };
  return code === '23505' ? (constraint ?? '') : null;
}

/** The foreign key that a query violated, or null for any other failure. */
export function brokenReference(error: unknown): string | null {
  const { code, constraint } = error as { code?: string; constraint?: string };
  return code === '23503' || code === '23001' ? (constraint ?? '') : null;
}

/** `"a", "b"`, or `*` alone. */
export function selectList(columns: readonly string[]): string {
  return columns.map((column) => (column === '*' ? '*' : quote(column))).join(', ');
}

/** Columns of one JSON text, with their form: converted to JSON, JSON already, or a time of the API. */
export type TextGroup = Readonly<Record<string, 'value' | 'json' | 'time'>>;

/**
 * Select list that makes the database generate each group of columns as members of a JSON object, without its braces:
 * `text_0`, `text_1` and so on. row_to_json looks up every type for every row, and takes twice as long.
 */
export function textList(table: string, groups: readonly TextGroup[]): string[] {
  return groupTexts(table, groups).map((text, index) => `${text} as text_${index}`);
}

/** The same without the names. */
export function groupTexts(table: string, groups: readonly TextGroup[]): string[] {
  return groups.map((group) => {
    const members = Object.entries(group).map(([column, form]) => {
      const key = `"${column}":`;
      return `coalesce('${key}' || ${textForm(`${quote(table)}.${quote(column)}`, form)}, '${key}null')`;
    });
    return `concat_ws(',', ${members.join(', ')})`;
  });
}

function textForm(value: string, form: TextGroup[string]): string {
  if (form === 'json') return `${value}::text`;
  // The API's format of times; only milliseconds of the microseconds are shown.
  if (form === 'time')
    return `'"' || to_char(${value} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS') || '000+00:00"'`;
  return `to_json(${value})::text`;
}
