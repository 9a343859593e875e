/** SQL fragments with numbered parameters; names come from code, values never reach the text. */

export class Parameters {
  readonly values: unknown[] = [];

  /** Adds a value and gives its placeholder. */
  add(value: unknown): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }

  /** `"a" = $1, "b" = $2`; objects and arrays go as JSON. */
  assignments(changes: Readonly<Record<string, unknown>>): string {
    return Object.entries(changes)
      .map(([column, value]) => `${quote(column)} = ${this.add(encode(value))}`)
      .join(', ');
  }
}

export function insertStatement(table: string, row: Readonly<Record<string, unknown>>): [string, unknown[]] {
  const parameters = new Parameters();
  const columns = Object.keys(row).map(quote).join(', ');
  const values = Object.values(row)
    .map((value) => parameters.add(encode(value)))
    .join(', ');
  return [`insert into ${quote(table)} (${columns}) values (${values}) returning *`, parameters.values];
}

export function quote(name: string): string {
  if (!/^[a-z_][a-z0-9_]*$/.test(name)) throw new TypeError(`not a column name: ${name}`);
  return `"${name}"`;
}

function encode(value: unknown): unknown {
  if (value === null || typeof value !== 'object' || value instanceof Date || value instanceof Uint8Array)
    return value;
  return JSON.stringify(value);
}

/** The name of the unique constraint that a query broke, or null for any other failure. */
export function brokenUnique(error: unknown): string | null {
  const { code, constraint } = error as { code?: string; constraint?: string };
  return code === '23505' ? (constraint ?? '') : null;
}
