import type { DataSource } from 'typeorm';
import { inTransaction, type Queryable } from '../../database/data-source.js';
import type { Actor } from '../../domain/actor.js';
import { InvalidError } from '../../domain/errors.js';
import { factsOfRow } from '../../domain/provision/machine.js';
import type { Node } from '../../persistence/node/node.entity.js';
import type { VolumeConnector, VolumeTarget } from '../../persistence/volume/volume.entity.js';
import type {
  VolumeConnectorChanges,
  VolumeConnectorRepository,
  VolumeTargetChanges,
  VolumeTargetRepository,
} from '../../persistence/volume/volume.repository.js';
import { type Changes, resourceDeletion, resourceEdit } from '../execution/changes.js';
import type { Reserving } from '../execution/reservation.js';
import { createRecorded } from './record-service.js';

/** Edits of volumes, each under the reservation of their node, which must be powered off. */
export class VolumeService {
  constructor(
    private readonly deps: {
      source: DataSource;
      changes: Changes;
      connectors: VolumeConnectorRepository;
      targets: VolumeTargetRepository;
      reservations: Reserving;
    },
  ) {}

  /** Needs no reservation of the node: a new volume is unused. */
  createConnector(connector: VolumeConnectorChanges & { uuid: string }, by: Actor): Promise<VolumeConnector> {
    const create = (on: Queryable) => this.deps.connectors.create(connector, on);
    return createRecorded('volume_connector', create, by, this.deps);
  }

  /** As `createConnector`. */
  createTarget(target: VolumeTargetChanges & { uuid: string }, by: Actor): Promise<VolumeTarget> {
    const create = (on: Queryable) => this.deps.targets.create(target, on);
    return createRecorded('volume_target', create, by, this.deps);
  }

  async updateConnector(
    uuid: string,
    edit: (connector: VolumeConnector) => VolumeConnectorChanges,
    by: Actor,
  ): Promise<VolumeConnector> {
    const { connectors, reservations } = this.deps;
    const { node_uuid } = await connectors.get(uuid);
    return reservations.reserved(node_uuid, async ({ node }) => {
      refuseWhilePowered(node, 'volume connector update');
      const changes = edit(await connectors.get(uuid));
      const write = () =>
        connectors.edit(uuid, async (row, on) => {
          const edited = edit(row);
          await this.deps.changes.write(resourceEdit('volume_connector', row, edited, by), on);
          return edited;
        });
      return this.#onNode(node, changes.node_uuid, 'volume connector update', write);
    });
  }

  async deleteConnector(uuid: string, by: Actor): Promise<void> {
    const { connectors, reservations } = this.deps;
    const { node_uuid } = await connectors.get(uuid);
    await reservations.reserved(node_uuid, async ({ node }) => {
      if (!isDeletable(node)) refuseWhilePowered(node, 'volume connector deletion');
      await this.#delete('volume_connector', { uuid, node_uuid }, by, (on) => connectors.delete(uuid, on));
    });
  }

  /** @param edit gets the target with its secrets in clear */
  async updateTarget(
    uuid: string,
    edit: (target: VolumeTarget) => VolumeTargetChanges,
    by: Actor,
  ): Promise<VolumeTarget> {
    const { targets, reservations } = this.deps;
    const { node_uuid } = await targets.get(uuid);
    return reservations.reserved(node_uuid, async ({ node }) => {
      refuseWhilePowered(node, 'volume target update');
      const changes = edit(targets.clear(await targets.get(uuid)));
      const write = () =>
        targets.edit(uuid, async (row, on) => {
          const edited = edit(row);
          await this.deps.changes.write(resourceEdit('volume_target', row, edited, by), on);
          return edited;
        });
      return this.#onNode(node, changes.node_uuid, 'volume target update', write);
    });
  }

  async deleteTarget(uuid: string, by: Actor): Promise<void> {
    const { targets, reservations } = this.deps;
    const { node_uuid } = await targets.get(uuid);
    await reservations.reserved(node_uuid, async ({ node }) => {
      if (!isDeletable(node)) refuseWhilePowered(node, 'volume target deletion');
      await this.#delete('volume_target', { uuid, node_uuid }, by, (on) => targets.delete(uuid, on));
    });
  }

  #delete(
    part: 'volume_connector' | 'volume_target',
    row: { uuid: string; node_uuid: string },
    by: Actor,
    write: (on: Queryable) => Promise<void>,
  ): Promise<void> {
    return inTransaction(this.deps.source, async (manager) => {
      await write(manager);
      await this.deps.changes.write(resourceDeletion(part, row, by), manager);
    });
  }

  /** A node that receives the volume must be powered off, too. @param to undefined: the volume stays on its node */
  #onNode<T>(node: Node, to: string | undefined, action: string, write: () => Promise<T>): Promise<T> {
    if (to === undefined || to === node.uuid) return write();
    return this.deps.reservations.reserved(to, (other) => {
      refuseWhilePowered(other.node, action);
      return write();
    });
  }
}

/** Whether the node's state would allow its deletion (Ironic: DELETE_ALLOWED_STATES, without `available`). */
function isDeletable(node: Node): boolean {
  const { deletable, deletableIfAllowed } = factsOfRow(node);
  return deletable !== undefined && !deletableIfAllowed;
}

function refuseWhilePowered(node: Node, action: string): void {
  if (node.power_state === 'power off') return;
  throw new InvalidError(
    `The requested action "${action}" can not be performed on node "${node.uuid}" while it is in state ` +
      `"${node.power_state ?? 'None'}".`,
  );
}
