import type { DataSource } from 'typeorm';
import { inTransaction, type Queryable } from '../../database/data-source.js';
import type { Actor } from '../../domain/actor.js';
import { ConflictError, InvalidError } from '../../domain/errors.js';
import { refusePortgroupMove } from '../../domain/node/edit.js';
import type { Node } from '../../persistence/node/node.entity.js';
import type { NodeRepository } from '../../persistence/node/node.repository.js';
import type { Port } from '../../persistence/port/port.entity.js';
import type { NewPort, PortChanges, PortRepository } from '../../persistence/port/port.repository.js';
import type { Portgroup } from '../../persistence/portgroup/portgroup.entity.js';
import type {
  NewPortgroup,
  PortgroupChanges,
  PortgroupRepository,
} from '../../persistence/portgroup/portgroup.repository.js';
import { type Changes, portCreation, resourceDeletion, resourceEdit } from '../execution/changes.js';
import type { Reserving } from '../execution/reservation.js';
import { createRecorded } from './record-service.js';

/** Edits of ports and port groups, each under the reservation of their node. */
export class PortService {
  constructor(
    private readonly deps: {
      source: DataSource;
      nodes: NodeRepository;
      changes: Changes;
      ports: PortRepository;
      portgroups: PortgroupRepository;
      reservations: Reserving;
    },
  ) {}

  async create(port: NewPort, by: Actor): Promise<Port> {
    const { source, ports, changes } = this.deps;
    return this.deps.reservations.reserved(port.node_uuid, async ({ node }) => {
      await this.#checkPhysicalNetwork(port.uuid, port.portgroup_uuid, port.physical_network);
      const row = { ...port, node_uuid: node.uuid };
      return inTransaction(source, async (manager) => {
        const created = await ports.create(row, manager);
        await changes.write(portCreation(created, by), manager);
        return created;
      });
    });
  }

  /** @param edit as in `NodeService.update`; it also gets the node, whose state decides what may change */
  async update(ident: string, edit: (port: Port, node: Node) => PortChanges, by: Actor): Promise<Port> {
    const found = await this.deps.ports.get(ident);
    return this.deps.reservations.reserved(found.node_uuid, ({ node }) =>
      this.deps.ports.edit(found.uuid, async (port, on) => {
        const changes = edit(port, node);
        if (changes.node_uuid && !(await this.deps.nodes.find(changes.node_uuid, on))) {
          throw new InvalidError(`Node ${changes.node_uuid} could not be found.`);
        }
        if ('portgroup_uuid' in changes || 'physical_network' in changes) {
          const { portgroup_uuid, physical_network } = { ...port, ...changes };
          await this.#checkPhysicalNetwork(port.uuid, portgroup_uuid, physical_network, on);
        }
        await this.deps.changes.write(resourceEdit('port', port, changes, by), on);
        return changes;
      }),
    );
  }

  async delete(ident: string, by: Actor): Promise<void> {
    const found = await this.deps.ports.get(ident);
    const { source, ports, changes } = this.deps;
    await this.deps.reservations.reserved(found.node_uuid, () =>
      inTransaction(source, async (manager) => {
        await ports.delete(found.uuid, manager);
        await changes.write(resourceDeletion('port', found, by), manager);
      }),
    );
  }

  /** Needs no reservation of the node: a group without ports is unused. */
  createGroup(group: NewPortgroup, by: Actor): Promise<Portgroup> {
    const create = (on: Queryable) => this.deps.portgroups.create(group, on);
    return createRecorded('portgroup', create, by, this.deps);
  }

  /** A new physical network is also written to the group's ports. */
  async updateGroup(
    ident: string,
    edit: (group: Portgroup, node: Node) => PortgroupChanges,
    by: Actor,
  ): Promise<Portgroup> {
    const { reservations, ports, portgroups } = this.deps;
    const found = await portgroups.get(ident);
    return reservations.reserved(found.node_uuid, ({ node }) =>
      portgroups.edit(found.uuid, async (group, on) => {
        const changes = edit(group, node);
        const members = await ports.ofGroup(group.uuid, on);
        if ('node_uuid' in changes) refusePortgroupMove(group.uuid, node, members.length);
        const { physical_network } = changes;
        if (physical_network !== undefined) await ports.plugGroup(group.uuid, physical_network, on);
        await this.deps.changes.write(resourceEdit('portgroup', group, changes, by), on);
        return changes;
      }),
    );
  }

  async deleteGroup(ident: string, by: Actor): Promise<void> {
    const found = await this.deps.portgroups.get(ident);
    const { source, portgroups, changes } = this.deps;
    await this.deps.reservations.reserved(found.node_uuid, () =>
      inTransaction(source, async (manager) => {
        await portgroups.delete(found.uuid, manager);
        await changes.write(resourceDeletion('portgroup', found, by), manager);
      }),
    );
  }

  /** All ports of a group are in one physical network (Ironic: validate_port_physnet). */
  async #checkPhysicalNetwork(
    port_uuid: string,
    portgroup_uuid: string | null | undefined,
    physical_network: string | null | undefined,
    on?: Queryable,
  ): Promise<void> {
    if (!portgroup_uuid) return;
    const group = await this.deps.portgroups.get(portgroup_uuid, on);
    const others = (await this.deps.ports.ofGroup(portgroup_uuid, on)).filter(
      ({ uuid }) => uuid !== port_uuid,
    );
    if (others.length === 0 && group.physical_network === null) return;
    const common = others[0] ? others[0].physical_network : group.physical_network;
    if (common !== (physical_network ?? null)) {
      throw new ConflictError(
        `Port with physical network ${physical_network ?? 'None'} cannot become a member of port group ` +
          `${group.uuid} which has ports in physical network ${common ?? 'None'}.`,
      );
    }
  }
}
