import type { Queryable } from './data-source.js';
import { Parameters } from './statement.js';

/**
 * Writes to several tables in one statement: one way to the database and back, and all of it or nothing, without a
 * transaction around it. Each part is a common table expression, `with name as (text)`; repositories add theirs, and name
 * another part in `from` to be done only where that has a row, and after it.
 */
export class Compound {
  readonly parameters = new Parameters();
  readonly #parts: string[] = [];

  add(name: string, text: string): void {
    this.#parts.push(`${name} as (${text})`);
  }

  /** @param select what is read of the parts, behind them */
  async run<Row>(on: Queryable, select: string): Promise<Row[]> {
    return on.query<Row[]>(`with ${this.#parts.join(', ')} ${select}`, this.parameters.values);
  }
}
