import type { DataSource } from 'typeorm';
import type { Queryable } from '../../database/data-source.js';
import type { Page } from '../../database/page.js';
import { readPages } from '../../database/read-pages.js';
import type { Parameters } from '../../database/statement.js';
import { type Change, Table } from '../../database/table.js';
import { NotFoundError } from '../../domain/errors.js';
import type { Port } from './port.entity.js';

export type PortChanges = Partial<Omit<Port, 'id' | 'uuid' | 'created_at' | 'updated_at'>>;
export type NewPort = PortChanges & Pick<Port, 'uuid' | 'node_uuid' | 'address'>;

export interface PortFilter {
  address?: string;
  node_uuid?: string;
  portgroup_uuid?: string;
  shards?: readonly string[];
  description_contains?: string;
  /** Conductor groups of the nodes, in lower case. */
  conductor_groups?: readonly string[];
  /** Ports of nodes that this project owns or leases. */
  project?: string;
}

/** Every query on ports. */
export class PortRepository {
  readonly #table: Table<Port>;

  constructor(private readonly source: DataSource) {
    this.#table = new Table(source, 'port', {
      missing: (ident) => `Port ${ident} could not be found.`,
      taken: {
        port_address_key: ({ address }) => `A port with MAC address ${address} already exists.`,
        port_name_key: ({ name }) => `A port with name ${name} already exists.`,
        port_uuid_key: ({ uuid }) => `A port with UUID ${uuid} already exists.`,
      },
      references: {
        port_portgroup_uuid_fkey: ({ portgroup_uuid }) => `Portgroup ${portgroup_uuid} could not be found.`,
      },
    });
  }

  /** @throws ConflictError when the MAC address, name or uuid is taken */
  create(port: NewPort, on?: Queryable): Promise<Port> {
    return this.#table.insert(port, on);
  }

  /** @param ident uuid, MAC address or name */
  find(ident: string, on?: Queryable): Promise<Port | null> {
    return isMac(ident)
      ? this.#table.findBy('address', ident.toLowerCase(), on)
      : this.#table.find(ident, 'name', on);
  }

  async get(ident: string, on?: Queryable): Promise<Port> {
    const port = await this.find(ident, on);
    if (!port) throw new NotFoundError(`Port ${ident} could not be found.`);
    return port;
  }

  async ofNode(node_uuid: string, on: Queryable = this.source.manager): Promise<Port[]> {
    return on.query<Port[]>(`select * from port where node_uuid = $1 order by id`, [node_uuid]);
  }

  ofGroup(portgroup_uuid: string, on: Queryable = this.source.manager): Promise<Port[]> {
    return on.query<Port[]>(`select * from port where portgroup_uuid = $1 order by id`, [portgroup_uuid]);
  }

  /** Moves all ports of the group to this physical network. */
  async plugGroup(portgroup_uuid: string, physical_network: string | null, on: Queryable): Promise<void> {
    await on.query(
      `update port set physical_network = $2, updated_at = now()
        where portgroup_uuid = $1 and physical_network is distinct from $2`,
      [portgroup_uuid, physical_network],
    );
  }

  /** @param addresses MAC addresses; unknown ones are skipped */
  async byAddresses(addresses: readonly string[]): Promise<Port[]> {
    const lower = addresses.map((address) => address.toLowerCase());
    return this.source.query<Port[]>(`select * from port where address = any($1)`, [lower]);
  }

  list(filter: PortFilter, page: Page, columns?: readonly string[]): Promise<Port[]> {
    return this.#table.list((parameters) => portConditions(filter, parameters), page, columns);
  }

  /** All ports of a filter, as `readPages`. */
  pages(filter: PortFilter, columns?: readonly string[], size?: number): AsyncGenerator<Port[]> {
    const conditions = (parameters: Parameters) => portConditions(filter, parameters);
    return readPages(this.source, 'port', conditions, columns, size);
  }

  /** As `Table.edit`. */
  edit(uuid: string, change: Change<Port, PortChanges>): Promise<Port> {
    return this.#table.edit(uuid, change);
  }

  update(uuid: string, changes: PortChanges, on: Queryable): Promise<Port> {
    return this.#table.update(uuid, changes, on);
  }

  async delete(uuid: string, on: Queryable = this.source.manager): Promise<void> {
    await on.query(`delete from port where uuid = $1`, [uuid]);
  }
}

function isMac(text: string): boolean {
  return /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(text);
}

/** @returns SQL conditions, empty for an empty filter */
function portConditions(filter: PortFilter, parameters: Parameters): string[] {
  const where: string[] = [];
  if (filter.address) where.push(`address = ${parameters.add(filter.address.toLowerCase())}`);
  if (filter.node_uuid) where.push(`node_uuid = ${parameters.add(filter.node_uuid)}`);
  if (filter.portgroup_uuid) where.push(`portgroup_uuid = ${parameters.add(filter.portgroup_uuid)}`);
  if (filter.shards) {
    where.push(`node_uuid in (select uuid from node where shard = any(${parameters.add(filter.shards)}))`);
  }
  if (filter.description_contains !== undefined) {
    const part = parameters.add(filter.description_contains);
    where.push(`position(lower(${part}) in lower(description)) > 0`);
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
