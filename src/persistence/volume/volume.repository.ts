import type { DataSource } from 'typeorm';
import type { Queryable } from '../../database/data-source.js';
import type { Page } from '../../database/page.js';
import { type Keyring, openSecrets, type SealedPlace, sealSecrets } from '../../database/sealing.js';
import type { Parameters } from '../../database/statement.js';
import { type Change, Table } from '../../database/table.js';
import type { VolumeConnector, VolumeTarget } from './volume.entity.js';

type Given<Row, Fixed extends string = never> = Partial<
  Omit<Row, 'id' | 'uuid' | 'created_at' | 'updated_at' | Fixed>
>;
export type VolumeConnectorChanges = Given<VolumeConnector>;
/** Secrets in clear: the repository seals them. */
export type VolumeTargetChanges = Given<VolumeTarget, 'properties_sealed'>;

export interface VolumeFilter {
  node_uuid?: string;
  /** Volumes of nodes that this project owns or leases. */
  project?: string;
}

const noNode = ({ node_uuid }: { node_uuid?: string }) => `Node ${node_uuid} could not be found.`;

/** Every query on volume connectors. */
export class VolumeConnectorRepository {
  readonly #table: Table<VolumeConnector>;

  constructor(source: DataSource) {
    this.#table = new Table<VolumeConnector>(source, 'volume_connector', {
      missing: (ident) => `Volume connector ${ident} could not be found.`,
      taken: {
        volume_connector_uuid_key: ({ uuid }) => `A volume connector with UUID ${uuid} already exists.`,
        volume_connector_type_connector_id_key: ({ type, connector_id }) =>
          `A volume connector with type ${type} and connector ID ${connector_id} already exists.`,
      },
      references: { volume_connector_node_uuid_fkey: noNode },
    });
  }

  create(connector: VolumeConnectorChanges & { uuid: string }, on?: Queryable): Promise<VolumeConnector> {
    return this.#table.insert(connector, on);
  }

  get(uuid: string): Promise<VolumeConnector> {
    return this.#table.get(uuid);
  }

  list(filter: VolumeFilter, page: Page, columns?: readonly string[]): Promise<VolumeConnector[]> {
    return this.#table.list((parameters) => conditions(filter, parameters), page, columns);
  }

  /** As `Table.edit`. */
  edit(uuid: string, change: Change<VolumeConnector, VolumeConnectorChanges>): Promise<VolumeConnector> {
    return this.#table.edit(uuid, change);
  }

  delete(uuid: string, on?: Queryable): Promise<void> {
    return this.#table.delete(uuid, on);
  }
}

/** Every query on volume targets. Rows come back with secrets masked. */
export class VolumeTargetRepository {
  readonly #table: Table<VolumeTarget>;

  constructor(
    source: DataSource,
    private readonly keyring: Keyring,
  ) {
    this.#table = new Table<VolumeTarget>(source, 'volume_target', {
      missing: (ident) => `Volume target ${ident} could not be found.`,
      taken: {
        volume_target_uuid_key: ({ uuid }) => `A volume target with UUID ${uuid} already exists.`,
        volume_target_node_uuid_boot_index_key: ({ boot_index }) =>
          `A volume target with boot index '${boot_index}' for the same node already exists.`,
      },
      references: { volume_target_node_uuid_fkey: noNode },
    });
  }

  create(target: VolumeTargetChanges & { uuid: string }, on?: Queryable): Promise<VolumeTarget> {
    return this.#table.insert(this.#seal(target.uuid, target), on);
  }

  get(uuid: string): Promise<VolumeTarget> {
    return this.#table.get(uuid);
  }

  /** The target with its secrets in clear, for PATCH. Never part of an answer. */
  clear(target: VolumeTarget): VolumeTarget {
    const { uuid, properties, properties_sealed } = target;
    return { ...target, properties: openSecrets(this.keyring, properties, properties_sealed, placeOf(uuid)) };
  }

  list(filter: VolumeFilter, page: Page, columns?: readonly string[]): Promise<VolumeTarget[]> {
    return this.#table.list((parameters) => conditions(filter, parameters), page, columns);
  }

  /** As `Table.editOpened`. @param change gets secrets in clear */
  edit(uuid: string, change: Change<VolumeTarget, VolumeTargetChanges>): Promise<VolumeTarget> {
    return this.#table.editOpened(uuid, change, {
      open: (row) => this.clear(row),
      seal: (changes) => this.#seal(uuid, changes),
    });
  }

  delete(uuid: string, on?: Queryable): Promise<void> {
    return this.#table.delete(uuid, on);
  }

  #seal(uuid: string, changes: VolumeTargetChanges): Partial<VolumeTarget> {
    if (changes.properties === undefined) return changes;
    const { open, sealed } = sealSecrets(this.keyring, changes.properties, placeOf(uuid));
    return { ...changes, properties: open, properties_sealed: sealed };
  }
}

function placeOf(uuid: string): SealedPlace {
  return { table: 'volume_target', column: 'properties_sealed', row: uuid };
}

function conditions(filter: VolumeFilter, parameters: Parameters): string[] {
  const where: string[] = [];
  if (filter.node_uuid !== undefined) where.push(`node_uuid = ${parameters.add(filter.node_uuid)}`);
  if (filter.project !== undefined) {
    const project = parameters.add(filter.project);
    where.push(`node_uuid in (select uuid from node where owner = ${project} or lessee = ${project})`);
  }
  return where;
}
