import type { Queryable } from './data-source.js';
import { Parameters, quote, selectList } from './statement.js';

/** Most rows in memory while a whole table is read. */
export const PAGE = 1_000;

/**
 * All rows that meet the conditions, page by page in the order of ids: no row is skipped, however many there are. Each
 * page is a query of its own, and sees the rows of its moment.
 * @param columns columns to read, besides `id`; `*`: all
 * @param size rows of a page
 */
export async function* readPages<Row extends { id: number | string }>(
  on: Queryable,
  table: string,
  conditions: (parameters: Parameters) => string[],
  columns: readonly string[] = ['*'],
  size = PAGE,
): AsyncGenerator<Row[]> {
  const list = selectList(columns.includes('*') ? columns : ['id', ...columns]);
  for (let last: Row | undefined; ; ) {
    const parameters = new Parameters();
    const where = [...conditions(parameters), `id > ${parameters.add(last?.id ?? 0)}`].join(' and ');
    const rows: Row[] = await on.query<Row[]>(
      `select ${list} from ${quote(table)} where ${where} order by id limit ${parameters.add(size)}`,
      parameters.values,
    );
    yield rows;
    if (rows.length < size) return;
    last = rows.at(-1);
  }
}
