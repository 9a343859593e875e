import type { DataSource, EntityManager } from 'typeorm';
import { ConflictError, InvalidError, NotFoundError } from '../domain/errors.js';
import { inTransaction, type Queryable } from './data-source.js';
import { sentAgain } from './database.js';
import { isUuid, type Page } from './page.js';
import {
  afterMarker,
  brokenReference,
  brokenUnique,
  insertStatement,
  Parameters,
  quote,
  selectList,
} from './statement.js';

/** Messages for refusals of the database, as Ironic's. */
export interface TableWords<Row> {
  /** No such row. @param ident as in the request */
  readonly missing: (ident: string) => string;
  /** By unique constraint: the value is taken. */
  readonly taken: Readonly<Record<string, (row: Partial<Row>) => string>>;
  /** By foreign key: the referenced row does not exist, or the row is still referenced. Answered 400. */
  readonly references?: Readonly<Record<string, (row: Partial<Row>) => string>>;
}

interface Identified {
  id: number;
  uuid: string;
}

/** Adds the conditions of a filter, all of which must hold. */
export type Conditions = (parameters: Parameters) => string[];

/** The changes to write, derived from the current row. */
export type Change<Row, Changes = Partial<Row>> = (
  row: Row,
  on: EntityManager,
) => Changes | null | Promise<Changes | null>;

/** Queries that all tables of resources share. A repository holds one and adds its own. */
export class Table<Row extends Identified> {
  constructor(
    readonly source: DataSource,
    readonly name: string,
    private readonly words: TableWords<Row>,
  ) {}

  /** @throws ConflictError for a taken value, InvalidError for a reference to a missing row */
  async insert(row: Partial<Row>, on: Queryable = this.source.manager): Promise<Row> {
    const [created] = await this.#refusing(row, () =>
      on.query<Row[]>(...insertStatement(this.name, row as Readonly<Record<string, unknown>>)),
    );
    return created!;
  }

  async findBy(
    column: keyof Row & string,
    value: unknown,
    on: Queryable = this.source.manager,
  ): Promise<Row | null> {
    const [row] = await on.query<Row[]>(`select * from ${quote(this.name)} where ${quote(column)} = $1`, [
      value,
    ]);
    return row ?? null;
  }

  /** @param name column to search when `ident` is no uuid; without it the result is null then */
  async find(ident: string, name: (keyof Row & string) | null, on?: Queryable): Promise<Row | null> {
    if (isUuid(ident)) return this.findBy('uuid', ident, on);
    return name === null ? null : this.findBy(name, ident, on);
  }

  /** @throws NotFoundError */
  async get(ident: string, name: (keyof Row & string) | null = null, on?: Queryable): Promise<Row> {
    const row = await this.find(ident, name, on);
    if (!row) throw new NotFoundError(this.words.missing(ident));
    return row;
  }

  /**
   * One page, in one query; two with a marker.
   * @param markerColumn column that the page's marker refers to
   * @throws NotFoundError for a marker that does not exist
   */
  async list(
    conditions: Conditions,
    page: Page,
    columns: readonly string[] = ['*'],
    markerColumn: keyof Row & string = 'uuid',
  ): Promise<Row[]> {
    const parameters = new Parameters();
    const where = conditions(parameters);
    const key = quote(page.sort_key ?? 'id');
    const direction = page.sort_dir === 'desc' ? 'desc' : 'asc';
    if (page.marker) {
      const at = await this.findBy(markerColumn, page.marker);
      if (!at) throw new NotFoundError(this.words.missing(page.marker));
      const isNull = at[(page.sort_key ?? 'id') as keyof Row] === null;
      where.push(afterMarker(this.name, key, direction, isNull, parameters.add(at.id)));
    }
    const condition = where.length > 0 ? `where ${where.join(' and ')}` : '';
    const order = key === '"id"' ? `id ${direction}` : `${key} ${direction}, id ${direction}`;
    return this.source.query<Row[]>(
      `select ${selectList(columns)} from ${quote(this.name)} ${condition} order by ${order} limit ${parameters.add(page.limit)}`,
      parameters.values,
    );
  }

  /**
   * @param settled the row after the change, for messages that need more than the changes
   * @throws NotFoundError, ConflictError for a taken value, InvalidError for a reference to a missing row
   */
  async update(
    uuid: string,
    changes: Partial<Row>,
    on: Queryable = this.source.manager,
    settled: Partial<Row> = changes,
  ): Promise<Row> {
    const parameters = new Parameters();
    const given = changes as Readonly<Record<string, unknown>>;
    const set = Object.keys(given).length > 0 ? `${parameters.assignments(given)}, ` : '';
    const text = `update ${quote(this.name)} set ${set}updated_at = now() where uuid = ${parameters.add(uuid)} returning *`;
    const [rows] = await this.#refusing(settled, () => on.query<[Row[], number]>(text, parameters.values));
    if (!rows[0]) throw new NotFoundError(this.words.missing(uuid));
    return rows[0];
  }

  /**
   * The only way to change a row depending on its contents: it is read, checked and written under its lock, so that
   * each of several concurrent edits sees the result of the one before.
   * @param change may read other rows on the given connection only: each caller that waits for the lock occupies a
   * connection. It is called again with the new row when the server undid the transaction; null: nothing is written
   * @throws NotFoundError, what `change` throws, and as `update`
   */
  async edit(uuid: string, change: Change<Row>): Promise<Row> {
    return sentAgain(() =>
      inTransaction(this.source, async (manager) => {
        const [row] = await manager.query<Row[]>(
          `select * from ${quote(this.name)} where uuid = $1 for update`,
          [uuid],
        );
        if (!row) throw new NotFoundError(this.words.missing(uuid));
        const changes = await change(row, manager);
        return changes === null ? row : this.update(uuid, changes, manager, { ...row, ...changes });
      }),
    );
  }

  /**
   * As `edit`, for rows that are kept sealed.
   * @param open the row with its secrets in clear, which `change` receives
   * @param seal the changes as columns
   */
  editOpened<Opened, Changes>(
    uuid: string,
    change: Change<Opened, Changes>,
    { open, seal }: { open: (row: Row) => Opened; seal: (changes: Changes) => Partial<Row> },
  ): Promise<Row> {
    return this.edit(uuid, async (row, on) => {
      const changes = await change(open(row), on);
      return changes === null ? null : seal(changes);
    });
  }

  /** @throws NotFoundError, InvalidError while another row refers to it */
  async delete(uuid: string, on: Queryable = this.source.manager): Promise<void> {
    const [, count] = await this.#refusing({ uuid } as Partial<Row>, () =>
      on.query<[unknown[], number]>(`delete from ${quote(this.name)} where uuid = $1`, [uuid]),
    );
    if (count === 0) throw new NotFoundError(this.words.missing(uuid));
  }

  async #refusing<T>(row: Partial<Row>, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const taken = this.words.taken[brokenUnique(error) ?? ''];
      if (taken) throw new ConflictError(taken(row));
      const reference = this.words.references?.[brokenReference(error) ?? ''];
      if (reference) throw new InvalidError(reference(row));
      throw error;
    }
  }
}
