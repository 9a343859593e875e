import type { DataSource } from 'typeorm';
import type { Queryable } from '../../database/data-source.js';
import type { Page } from '../../database/page.js';
import { type Change, Table } from '../../database/table.js';
import type { Chassis } from './chassis.entity.js';

export type ChassisChanges = Partial<Pick<Chassis, 'description' | 'extra'>>;

/** Every query on chassis. */
export class ChassisRepository {
  readonly #table: Table<Chassis>;

  constructor(source: DataSource) {
    this.#table = new Table(source, 'chassis', {
      missing: (ident) => `Chassis ${ident} could not be found.`,
      taken: { chassis_uuid_key: ({ uuid }) => `A chassis with UUID ${uuid} already exists.` },
      references: {
        node_chassis_uuid_fkey: ({ uuid }) =>
          `Cannot complete the requested action because chassis ${uuid} contains nodes.`,
      },
    });
  }

  create(chassis: ChassisChanges & { uuid: string }, on?: Queryable): Promise<Chassis> {
    return this.#table.insert(chassis, on);
  }

  find(uuid: string): Promise<Chassis | null> {
    return this.#table.find(uuid, null);
  }

  get(uuid: string): Promise<Chassis> {
    return this.#table.get(uuid);
  }

  list(page: Page, columns: readonly string[]): Promise<Chassis[]> {
    return this.#table.list(() => [], page, columns);
  }

  /** As `Table.edit`. */
  edit(uuid: string, change: Change<Chassis, ChassisChanges>): Promise<Chassis> {
    return this.#table.edit(uuid, change);
  }

  /** @throws InvalidError while it contains nodes */
  delete(uuid: string, on?: Queryable): Promise<void> {
    return this.#table.delete(uuid, on);
  }
}
