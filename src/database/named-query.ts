import type { Connection, FieldDef, QueryResult, Submittable } from 'pg';
import { types } from 'pg';
import { prepareValue } from 'pg/lib/utils.js';

type Row = Record<string, unknown>;
type Parse = (text: string) => unknown;

/** The server's description of a statement's result, from its first execution. */
export interface Columns {
  readonly fields: FieldDef[];
  readonly parsers: readonly Parse[];
  /** A row with null for every name, so that all rows have one shape. */
  readonly blank: Readonly<Row>;
}

/** Parts of pg's connection that its types omit (lib/connection.js). */
interface Wire extends Pick<Connection, 'stream'> {
  readonly parsedStatements: Readonly<Record<string, string | undefined>>;
  readonly submittedNamedStatements: Record<string, string | undefined>;
  parse(statement: { name: string; text: string }): void;
  bind(what: { statement: string; values: unknown[] }): void;
  describe(what: { type: 'P'; name: string }): void;
  execute(what: { portal: string }): void;
  sync(): void;
}

/**
 * A named statement on one connection. It replaces pg's own Query, which requests the column descriptions every time:
 * with 70 columns that costs both sides more than the row. Messages as in PostgreSQL's "Extended Query"
 * (protocol-flow).
 */
export class NamedQuery implements Submittable {
  readonly #values: (string | Buffer | null)[];
  readonly #rows: Row[] = [];
  #columns: Columns | undefined;
  #command = '';
  #count: number | null = null;
  #fault: { error: unknown } | null = null;

  /**
   * @param known columns of statements by name, for this connection
   * @throws for a value that cannot be sent, before anything is sent
   */
  constructor(
    readonly name: string,
    readonly text: string,
    values: readonly unknown[],
    private readonly known: Map<string, Columns>,
    readonly callback: (error: unknown, result?: QueryResult<Row>) => void,
  ) {
    this.#values = values.map((value) => prepareValue(value));
  }

  submit(connection: unknown): Error | null {
    const wire = connection as Wire;
    const parsed = wire.parsedStatements[this.name] ?? wire.submittedNamedStatements[this.name];
    if (parsed !== undefined && parsed !== this.text) {
      return new Error(`the name ${this.name} is of another statement`);
    }
    this.#columns = parsed === undefined ? undefined : this.known.get(this.name);
    wire.stream.cork();
    try {
      if (parsed === undefined) {
        wire.parse({ name: this.name, text: this.text });
        wire.submittedNamedStatements[this.name] = this.text;
      }
      wire.bind({ statement: this.name, values: this.#values });
      if (!this.#columns) wire.describe({ type: 'P', name: '' });
      wire.execute({ portal: '' });
      wire.sync();
    } finally {
      wire.stream.uncork();
    }
    return null;
  }

  handleRowDescription({ fields }: { fields: FieldDef[] }): void {
    const parsers = fields.map(({ dataTypeID }) => types.getTypeParser(dataTypeID) as Parse);
    this.#know({ fields, parsers, blank: Object.fromEntries(fields.map(({ name }) => [name, null])) });
  }

  handleDataRow({ fields: texts }: { fields: (string | null)[] }): void {
    if (this.#fault) return;
    try {
      const { fields, parsers, blank } = this.#columns!;
      const row: Row = { ...blank };
      for (let index = 0; index < texts.length; index++) {
        const text = texts[index]!;
        // Of two columns with one name the last counts, null or not, as in pg's own Query.
        row[fields[index]!.name] = text === null ? null : parsers[index]!(text);
      }
      this.#rows.push(row);
    } catch (error) {
      this.#fault = { error };
    }
  }

  /** @param text `SELECT 1`, `INSERT 0 1` */
  handleCommandComplete({ text }: { text: string }): void {
    // The description had no columns.
    if (!this.#columns) this.#know({ fields: [], parsers: [], blank: {} });
    const words = text.split(' ');
    this.#command = words[0]!;
    const count = Number(words.at(-1));
    this.#count = Number.isInteger(count) ? count : null;
  }

  handleReadyForQuery(): void {
    const fields = this.#columns?.fields ?? [];
    const result = { command: this.#command, rowCount: this.#count, oid: 0, rows: this.#rows, fields };
    if (this.#fault) this.callback(this.#fault.error);
    else this.callback(null, result);
  }

  handleError(error: unknown): void {
    this.callback(error);
  }

  handleEmptyQuery(): void {
    this.#fault = { error: new Error('the statement is empty') };
  }

  /** Not expected: all rows are fetched at once. Copies, below, are not expected either. */
  handlePortalSuspended(): void {
    this.#fault = { error: new Error('the server sent a part of the rows') };
  }

  handleCopyInResponse(connection: { sendCopyFail(reason: string): void }): void {
    connection.sendCopyFail('nothing to copy');
  }

  handleCopyData(): void {
    this.#fault = { error: new Error('the server copies out') };
  }

  #know(columns: Columns): void {
    this.#columns = columns;
    this.known.set(this.name, columns);
  }
}
