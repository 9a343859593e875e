import type { DataSource } from 'typeorm';
import type { Queryable } from '../../database/data-source.js';
import type { Page } from '../../database/page.js';
import type { Parameters } from '../../database/statement.js';
import { type Change, Table } from '../../database/table.js';
import type { Portgroup } from './portgroup.entity.js';

export type PortgroupChanges = Partial<Omit<Portgroup, 'id' | 'uuid' | 'created_at' | 'updated_at'>>;
export type NewPortgroup = PortgroupChanges & Pick<Portgroup, 'uuid' | 'node_uuid'>;

export interface PortgroupFilter {
  node_uuid?: string;
  address?: string;
  shards?: readonly string[];
  /** Conductor groups of the nodes, in lower case. */
  conductor_groups?: readonly string[];
  /** Port groups of nodes that this project owns or leases. */
  project?: string;
}

/** Every query on port groups. */
export class PortgroupRepository {
  readonly #table: Table<Portgroup>;

  constructor(source: DataSource) {
    this.#table = new Table(source, 'portgroup', {
      missing: (ident) => `Portgroup ${ident} could not be found.`,
      taken: {
        portgroup_address_key: ({ address }) => `A portgroup with MAC address ${address} already exists.`,
        portgroup_name_key: ({ name }) => `A portgroup with name ${name} already exists.`,
        portgroup_uuid_key: ({ uuid }) => `A portgroup with UUID ${uuid} already exists.`,
      },
      references: {
        portgroup_node_uuid_fkey: ({ node_uuid }) => `Node ${node_uuid} could not be found.`,
        port_portgroup_uuid_fkey: ({ uuid }) =>
          `Cannot complete the requested action because portgroup ${uuid} contains ports.`,
      },
    });
  }

  create(group: NewPortgroup, on?: Queryable): Promise<Portgroup> {
    return this.#table.insert(group, on);
  }

  /** @param ident uuid or name */
  find(ident: string): Promise<Portgroup | null> {
    return this.#table.find(ident, 'name');
  }

  /** @param ident uuid or name. @throws NotFoundError */
  get(ident: string, on?: Queryable): Promise<Portgroup> {
    return this.#table.get(ident, 'name', on);
  }

  list(filter: PortgroupFilter, page: Page, columns?: readonly string[]): Promise<Portgroup[]> {
    return this.#table.list((parameters) => conditions(filter, parameters), page, columns);
  }

  /** As `Table.edit`. */
  edit(uuid: string, change: Change<Portgroup, PortgroupChanges>): Promise<Portgroup> {
    return this.#table.edit(uuid, change);
  }

  /** @throws InvalidError while it has ports */
  delete(uuid: string, on?: Queryable): Promise<void> {
    return this.#table.delete(uuid, on);
  }
}

function conditions(filter: PortgroupFilter, parameters: Parameters): string[] {
  const where: string[] = [];
  if (filter.node_uuid !== undefined) where.push(`node_uuid = ${parameters.add(filter.node_uuid)}`);
  if (filter.address !== undefined) where.push(`address = ${parameters.add(filter.address)}`);
  if (filter.shards) {
    where.push(`node_uuid in (select uuid from node where shard = any(${parameters.add(filter.shards)}))`);
  }
  if (filter.conductor_groups) {
    const groups = parameters.add(filter.conductor_groups);
    where.push(`node_uuid in (select uuid from node where conductor_group = any(${groups}))`);
  }
  if (filter.project !== undefined) {
    const project = parameters.add(filter.project);
    where.push(`node_uuid in (select uuid from node where owner = ${project} or lessee = ${project})`);
  }
  return where;
}
