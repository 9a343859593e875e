import type { DataSource } from 'typeorm';
import type { Queryable } from '../../database/data-source.js';
import type { Page } from '../../database/page.js';
import { type Change, Table } from '../../database/table.js';
import { keptText } from '../../domain/kept-text.js';
import type { Allocation } from './allocation.entity.js';

export type NewAllocation = Partial<Omit<Allocation, 'id' | 'created_at' | 'updated_at'>> &
  Pick<Allocation, 'uuid'>;

export interface AllocationFilter {
  node_uuid?: string;
  resource_class?: string;
  state?: string;
  owner?: string;
}

/** Every query on allocations. */
export class AllocationRepository {
  readonly #table: Table<Allocation>;

  constructor(private readonly source: DataSource) {
    this.#table = new Table<Allocation>(source, 'allocation', {
      missing: (ident) => `Allocation ${ident} could not be found.`,
      taken: {
        allocation_name_key: ({ name }) => `An allocation with name ${name} already exists.`,
        allocation_uuid_key: ({ uuid }) => `An allocation with UUID ${uuid} already exists.`,
      },
    });
  }

  /** @throws ConflictError when the name or uuid is taken */
  create(
    allocation: NewAllocation & Pick<Allocation, 'state' | 'conductor'>,
    on?: Queryable,
  ): Promise<Allocation> {
    return this.#table.insert(allocation, on);
  }

  /** @param ident uuid or name */
  find(ident: string): Promise<Allocation | null> {
    return this.#table.find(ident, 'name');
  }

  /** @throws NotFoundError */
  get(ident: string): Promise<Allocation> {
    return this.#table.get(ident, 'name');
  }

  ofNode(node_uuid: string): Promise<Allocation | null> {
    return this.#table.findBy('node_uuid', node_uuid);
  }

  list(filter: AllocationFilter, page: Page, columns?: readonly string[]): Promise<Allocation[]> {
    return this.#table.list(
      (parameters) => Object.entries(filter).map(([column, value]) => `${column} = ${parameters.add(value)}`),
      page,
      columns,
    );
  }

  /** As `Table.edit`. */
  edit(
    uuid: string,
    change: Change<Allocation, Partial<Pick<Allocation, 'name' | 'extra'>>>,
  ): Promise<Allocation> {
    return this.#table.edit(uuid, change);
  }

  /** @throws NotFoundError, ConflictError */
  update(
    uuid: string,
    changes: Partial<Pick<Allocation, 'node_uuid' | 'state' | 'last_error'>>,
    on: Queryable,
  ): Promise<Allocation> {
    const { last_error } = changes;
    const kept = last_error ? { ...changes, last_error: keptText(last_error) } : changes;
    return this.#table.update(uuid, kept, on);
  }

  /** Its node, if it has one, loses the allocation. @throws NotFoundError */
  delete(uuid: string, on?: Queryable): Promise<void> {
    return this.#table.delete(uuid, on);
  }

  /** @returns whether it existed without a node, and is deleted */
  async deleteWithoutNode(uuid: string, on: Queryable): Promise<boolean> {
    const [, count] = await on.query<[unknown[], number]>(
      `delete from allocation where uuid = $1 and node_uuid is null`,
      [uuid],
    );
    return count > 0;
  }

  async deleteOfNode(node_uuid: string, on: Queryable): Promise<void> {
    await on.query(`delete from allocation where node_uuid = $1`, [node_uuid]);
  }

  /** Locks the row until the transaction ends. @returns null when it is deleted or decided already */
  async lockPending(uuid: string, on: Queryable): Promise<Allocation | null> {
    const [row] = await on.query<Allocation[]>(
      `select * from allocation where uuid = $1 and state = 'allocating' for update`,
      [uuid],
    );
    return row ?? null;
  }

  /** Sets the state `error`; does nothing when it is deleted or decided. */
  async fail(uuid: string, last_error: string, on: Queryable = this.source.manager): Promise<void> {
    await on.query(
      `update allocation set state = 'error', node_uuid = null, last_error = $2, updated_at = now()
        where uuid = $1 and state = 'allocating'`,
      [uuid, keptText(last_error)],
    );
  }

  /** Undecided allocations of this host and of hosts that are not alive, oldest first. */
  pending(host: string, alive: readonly string[]): Promise<Pick<Allocation, 'uuid' | 'conductor'>[]> {
    return this.source.query(
      `select uuid, conductor from allocation
        where state = 'allocating' and (conductor = $1 or conductor <> all($2)) order by id`,
      [host, alive],
    );
  }

  /** @returns false when another host was faster */
  async takeOver(uuid: string, from: string, to: string): Promise<boolean> {
    const [, count] = await this.source.query<[unknown[], number]>(
      `update allocation set conductor = $3 where uuid = $1 and conductor = $2`,
      [uuid, from, to],
    );
    return count > 0;
  }
}
