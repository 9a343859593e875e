import type { DataSource } from 'typeorm';
import type { Queryable } from '../database/data-source.js';
import { isUuid, type Page } from '../database/page.js';
import { afterMarker, brokenUnique, insertStatement, Parameters, quote } from '../database/statement.js';
import { ConflictError, NotFoundError } from '../domain/errors.js';
import type { Port } from './port.entity.js';

export type PortChanges = Partial<Omit<Port, 'id' | 'uuid' | 'created_at' | 'updated_at'>>;
export type NewPort = PortChanges & Pick<Port, 'uuid' | 'node_uuid' | 'address'>;

export interface PortFilter {
  address?: string;
  node_uuid?: string;
  shards?: readonly string[];
  description_contains?: string;
  /** Groups of the nodes' conductors, in lower case. */
  conductor_groups?: readonly string[];
}

/** Every query on ports. */
export class PortRepository {
  constructor(private readonly source: DataSource) {}

  /** @throws ConflictError when the MAC address, name or uuid is taken */
  async create(port: NewPort, on: Queryable = this.source.manager): Promise<Port> {
    try {
      const [row] = await on.query<Port[]>(...insertStatement('port', { ...port }));
      return row!;
    } catch (error) {
      throw duplicate(error, port) ?? error;
    }
  }

  /** @param ident uuid, MAC address or name */
  async find(ident: string, on: Queryable = this.source.manager): Promise<Port | null> {
    const column = isUuid(ident)
      ? 'uuid'
      : /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(ident)
        ? 'address'
        : 'name';
    const value = column === 'address' ? ident.toLowerCase() : ident;
    const [row] = await on.query<Port[]>(`select * from port where ${column} = $1`, [value]);
    return row ?? null;
  }

  async get(ident: string, on: Queryable = this.source.manager): Promise<Port> {
    const port = await this.find(ident, on);
    if (!port) throw new NotFoundError(`Port ${ident} could not be found.`);
    return port;
  }

  async ofNode(node_uuid: string, on: Queryable = this.source.manager): Promise<Port[]> {
    return on.query<Port[]>(`select * from port where node_uuid = $1 order by id`, [node_uuid]);
  }

  /** @param addresses MAC addresses; unknown ones are left out */
  async byAddresses(addresses: readonly string[]): Promise<Port[]> {
    const lower = addresses.map((address) => address.toLowerCase());
    return this.source.query<Port[]>(`select * from port where address = any($1)`, [lower]);
  }

  async list(filter: PortFilter, page: Page, columns: readonly string[] = ['*']): Promise<Port[]> {
    const parameters = new Parameters();
    const where: string[] = [];
    if (filter.address) where.push(`address = ${parameters.add(filter.address.toLowerCase())}`);
    if (filter.node_uuid) where.push(`node_uuid = ${parameters.add(filter.node_uuid)}`);
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
    const key = quote(page.sort_key ?? 'id');
    const direction = page.sort_dir === 'desc' ? 'desc' : 'asc';
    if (page.marker) {
      const at = await this.get(page.marker);
      const isNull = at[(page.sort_key ?? 'id') as keyof Port] === null;
      where.push(afterMarker('port', key, direction, isNull, parameters.add(at.id)));
    }
    const select = columns.map((column) => (column === '*' ? '*' : quote(column))).join(', ');
    const condition = where.length > 0 ? `where ${where.join(' and ')}` : '';
    return this.source.query<Port[]>(
      `select ${select} from port ${condition} order by ${key} ${direction}, id ${direction} limit ${parameters.add(page.limit)}`,
      parameters.values,
    );
  }

  async update(uuid: string, changes: PortChanges, on: Queryable = this.source.manager): Promise<Port> {
    const parameters = new Parameters();
    const set = Object.keys(changes).length > 0 ? `${parameters.assignments(changes)}, ` : '';
    try {
      const [rows] = await on.query<[Port[], number]>(
        `update port set ${set}updated_at = now() where uuid = ${parameters.add(uuid)} returning *`,
        parameters.values,
      );
      if (rows[0]) return rows[0];
    } catch (error) {
      throw duplicate(error, changes) ?? error;
    }
    throw new NotFoundError(`Port ${uuid} could not be found.`);
  }

  async delete(uuid: string, on: Queryable = this.source.manager): Promise<void> {
    await on.query(`delete from port where uuid = $1`, [uuid]);
  }
}

function duplicate(error: unknown, port: PortChanges & { uuid?: string }): ConflictError | null {
  switch (brokenUnique(error)) {
    case 'port_address_key':
      return new ConflictError(`A port with MAC address ${port.address} already exists.`);
    case 'port_name_key':
      return new ConflictError(`A port with name ${port.name} already exists.`);
    case 'port_uuid_key':
      return new ConflictError(`A port with UUID ${port.uuid} already exists.`);
    default:
      return null;
  }
}
