import type { DataSource } from 'typeorm';
import { inTransaction } from '../../database/data-source.js';
import type { Actor } from '../../domain/actor.js';
import type { Change } from '../../domain/change.js';
import {
  ConflictError,
  ForbiddenError,
  InvalidError,
  isDatabaseAway,
  messageOf,
  NotFoundError,
} from '../../domain/errors.js';
import { refuseForeignTraits } from '../../domain/node/trait.js';
import { factsOfRow, listedStates } from '../../domain/provision/machine.js';
import {
  INTERFACE_KINDS,
  type InterfaceKind,
  type ValidationReport,
} from '../../driver/contract/interfaces.js';
import type { DriverRegistry } from '../../driver/registry.js';
import type { AllocationRepository } from '../../persistence/allocation/allocation.repository.js';
import type { ConductorRecordRepository } from '../../persistence/conductor-record/conductor-record.repository.js';
import type { EventRepository } from '../../persistence/event/event.repository.js';
import type { Node } from '../../persistence/node/node.entity.js';
import type { NewNode, NodeChanges, NodeRepository } from '../../persistence/node/node.repository.js';
import type { Logger } from '../../platform/logger.js';
import { type Changes, deallocation, nodeEdit } from '../execution/changes.js';
import type { NodeContexts, ReadingContext } from '../execution/node-context.js';
import type { Reservation, Reserving } from '../execution/reservation.js';
import type { ClearNode } from './request.js';

/** Edits of nodes: each under the node's reservation. */
export class NodeService {
  constructor(
    private readonly deps: {
      source: DataSource;
      nodes: NodeRepository;
      events: EventRepository;
      changes: Changes;
      allocations: AllocationRepository;
      reservations: Reserving;
      registry: DriverRegistry;
      contexts: NodeContexts;
      conductors: ConductorRecordRepository;
      /** Notified of a node whose maintenance is over, once its reservation is released. */
      runner: { wakeNode(uuid: string): Promise<void> };
      settings: { heartbeat_timeout: number; allow_deleting_available_nodes: boolean };
      host: string;
      log: Logger;
    },
  ) {}

  /** Fills in interfaces from the hardware type. @throws InvalidError for an unknown driver or interface */
  async create(node: NewNode, by: Actor): Promise<Node> {
    const { nodes, host } = this.deps;
    await this.#refuseUnserved(node.driver, node.conductor_group ?? '');
    const row = { ...node, ...this.#interfaces(node, {}, node.driver), conductor_affinity: host };
    const event = {
      node_uuid: node.uuid,
      event_type: 'provision',
      kind: 'node.created' as const,
      event: 'Node was created.',
      state: node.provision_state,
      conductor: host,
      actor: by,
    };
    return nodes.create(row, (compound) => this.deps.events.addTold(compound, [event]));
  }

  /**
   * @param edit pure: gets the node in clear under the reservation, returns the changes; throws to refuse
   * @param resetInterfaces with a new driver: interfaces that the edit does not name return to the type's defaults
   */
  async update(
    ident: string,
    edit: (node: ClearNode) => NodeChanges,
    by: Actor,
    resetInterfaces = false,
  ): Promise<Node> {
    let endsMaintenance = false;
    const written = await this.deps.reservations.reserved(ident, async (reservation) => {
      const { node, fence } = reservation;
      const changes = edit({ ...node, ...this.deps.nodes.withSecrets(node) });
      endsMaintenance = node.maintenance && changes.maintenance === false;
      const driver = changes.driver ?? node.driver;
      const kept = resetInterfaces && changes.driver ? {} : node;
      if ('driver' in changes || 'conductor_group' in changes) {
        await this.#refuseUnserved(driver, changes.conductor_group ?? node.conductor_group);
      }
      const interfaces = touchesInterfaces(changes) ? this.#interfaces(changes, kept, driver) : {};
      const all = { ...changes, ...interfaces };
      if (changes.instance_uuid !== null || !node.allocation_uuid) {
        return this.#writeLast(reservation, all, nodeEdit(node.uuid, all, by));
      }
      // An allocation is deleted together with its instance.
      return inTransaction(this.deps.source, async (manager) => {
        await this.deps.allocations.deleteOfNode(node.uuid, manager);
        await this.deps.changes.write(nodeEdit(node.uuid, all, by), manager);
        await this.deps.changes.write(deallocation(node, by), manager);
        return this.deps.nodes.update(node.uuid, { ...all, allocation_uuid: null }, fence, manager);
      });
    });
    if (endsMaintenance) await this.deps.runner.wakeNode(written.uuid);
    return written;
  }

  async delete(ident: string, by: Actor): Promise<void> {
    await this.deps.reservations.reserved(ident, async (reservation) => {
      const { node, fence } = reservation;
      const state = node.provision_state;
      if (node.protected) {
        throw new ForbiddenError(
          `Node ${node.uuid} is protected and cannot be undeployed, rebuilt or deleted`,
        );
      }
      if (node.instance_uuid && !node.maintenance) {
        throw new ConflictError(`Node ${node.uuid} is associated with instance ${node.instance_uuid}.`);
      }
      if (!this.#isDeletable(state) && !node.maintenance) {
        throw new ConflictError(
          `Can not delete node "${node.uuid}" while it is in provision state "${state}". Valid provision states to ` +
            `perform deletion are: "(${this.#deletable()})", or set the node into maintenance mode`,
        );
      }
      await this.#withdraw(reservation);
      await inTransaction(this.deps.source, async (manager) => {
        await this.deps.nodes.delete(node.uuid, fence, manager);
        await this.deps.events.deleteOfNode(node.uuid, manager);
        await this.deps.changes.write(deletionOf(node, by), manager);
      });
    });
  }

  async setMaintenance(ident: string, maintenance: boolean, reason: string | null, by: Actor): Promise<void> {
    const changes = {
      maintenance,
      maintenance_reason: maintenance ? reason : null,
      ...(maintenance ? {} : { fault: null }),
    };
    const { uuid } = await this.deps.reservations.reserved(ident, (reservation) =>
      this.#writeLast(reservation, changes, nodeEdit(reservation.node.uuid, changes, by)),
    );
    if (!maintenance) await this.deps.runner.wakeNode(uuid);
  }

  /** The result of each interface's validation of the node. */
  async validate(ident: string): Promise<ValidationReport> {
    const node = await this.deps.nodes.get(ident);
    return this.deps.contexts.forReading(node, {}, (context) => this.#validate(node, context));
  }

  async #validate(node: Node, context: ReadingContext): Promise<ValidationReport> {
    const report: ValidationReport = {};
    for (const kind of INTERFACE_KINDS) {
      // A vendor interface is validated for the method that is called (Ironic: non_vendor_interfaces).
      if (kind === 'vendor') continue;
      try {
        await context.all[kind].validate(context);
        if (kind === 'deploy') {
          refuseForeignTraits(node.uuid, node.traits, context.node.instance_info['traits']);
        }
        const notice = context.all[kind].notice?.(context);
        report[kind] = { result: true, ...(notice === undefined ? {} : { reason: notice }) };
      } catch (error) {
        if (isDatabaseAway(error)) throw error;
        report[kind] = { result: false, reason: messageOf(error) };
      }
    }
    return report;
  }

  /**
   * Writes as the last act under the reservation, which the same statement releases.
   * @returns the node with its reservation still shown, as Ironic answers an edit
   */
  async #writeLast(held: Reservation, changes: NodeChanges, told: Change): Promise<Node> {
    const written = await this.deps.nodes.updateAndRelease(held.node.uuid, changes, held.fence, (compound) =>
      this.deps.changes.addTo(compound, told),
    );
    held.passed();
    const { reservation, reservation_expires_at } = held.node;
    return Object.assign(written, { reservation, reservation_expires_at });
  }

  /** A live conductor must serve the driver in the node's group; this conductor serves nodes without a group. */
  async #refuseUnserved(driver: string, group: string): Promise<void> {
    const { registry, conductors, settings } = this.deps;
    if (registry.isEnabled(driver)) {
      if (group === '') return;
      const all = await conductors.list(settings.heartbeat_timeout);
      if (all.some((each) => each.alive && each.conductor_group === group && each.drivers.includes(driver)))
        return;
    }
    throw new InvalidError(
      `No valid host was found. Reason: No conductor service registered which supports driver ${driver} for ` +
        `conductor group "${group}".${registry.isEnabled(driver) ? '' : enabledTypes(registry)}`,
    );
  }

  /**
   * The interface fields that a node with this driver will have.
   * @param kept the node as it is: its interfaces stay where the change names none
   */
  #interfaces(changes: NodeChanges, kept: Partial<Node>, driver: string): NodeChanges {
    const { registry } = this.deps;
    const wanted = Object.fromEntries(
      INTERFACE_KINDS.map((kind): [string, string | null] => {
        const field = `${kind}_interface` as const;
        return [field, changes[field] === undefined ? (kept[field] ?? null) : changes[field]];
      }),
    ) as Record<`${InterfaceKind}_interface`, string | null>;
    for (const kind of INTERFACE_KINDS) {
      const name = wanted[`${kind}_interface`];
      if (name !== null) registry.checkName(driver, kind, name);
    }
    const names = registry.namesFor({ driver, ...wanted });
    return Object.fromEntries(INTERFACE_KINDS.map((kind) => [`${kind}_interface`, names[kind]]));
  }

  #isDeletable(state: string): boolean {
    const { deletable, deletableIfAllowed } = factsOfRow({ provision_state: state });
    return (
      deletable !== undefined && (!deletableIfAllowed || this.deps.settings.allow_deleting_available_nodes)
    );
  }

  #deletable(): string {
    const states = listedStates('deletable').filter((state) => this.#isDeletable(state));
    return states.map((state) => `'${state}'`).join(', ');
  }

  /** Withdraws everything published for a deleted node; a driver that is no longer enabled has published nothing. */
  async #withdraw(reservation: Reservation): Promise<void> {
    const { node, signal } = reservation;
    try {
      await this.deps.contexts.forWork(reservation, node, signal, (context) =>
        context.interfaces.boot.cleanUpInstance(context),
      );
    } catch (error) {
      if (isDatabaseAway(error)) throw error;
      if (!(error instanceof NotFoundError)) {
        this.deps.log.warn(
          { node: node.uuid, error: messageOf(error) },
          'a deleted node was not withdrawn wholly',
        );
      }
    }
  }
}

function enabledTypes(registry: DriverRegistry): string {
  return ` Enabled hardware types (driver.enabled_hardware_types): ${registry.driverNames().join(', ')}.`;
}

/** Whether the driver's interfaces must be checked again. */
function touchesInterfaces(changes: NodeChanges): boolean {
  return 'driver' in changes || INTERFACE_KINDS.some((kind) => `${kind}_interface` in changes);
}

function deletionOf({ uuid, name }: Node, actor: Actor): Change {
  const text = `Node ${name ?? uuid} was deleted.`;
  return { kind: 'node.deleted', node_uuid: uuid, resource: null, actor, text };
}
