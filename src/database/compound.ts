import { afterCommit, type Queryable } from './data-source.js';
import { Parameters } from './statement.js';

/**
 * Writes to several tables in one statement: one round trip, and everything or nothing, without a transaction around
 * it. Each part is a common table expression, `with name as (text)`. Repositories add theirs; a part that names another
 * one in `from` runs after it, and only where that has a row.
 */
export class Compound {
  readonly parameters = new Parameters();
  readonly #parts: string[] = [];
  readonly #after: (() => void)[] = [];

  add(name: string, text: string): void {
    this.#parts.push(`${name} as (${text})`);
  }

  /** @param work as for `afterCommit` of data-source.ts */
  afterCommit(work: () => void): void {
    this.#after.push(work);
  }

  /** @param select the query that reads from the parts */
  async run<Row>(on: Queryable, select: string): Promise<Row[]> {
    const rows = await on.query<Row[]>(`with ${this.#parts.join(', ')} ${select}`, this.parameters.values);
    for (const work of this.#after) afterCommit(on, work);
    return rows;
  }
}
