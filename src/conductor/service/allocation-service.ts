import { setTimeout as sleep } from 'node:timers/promises';
import type { DataSource, EntityManager } from 'typeorm';
import { inTransaction, type Queryable } from '../../database/data-source.js';
import { type Actor, CONDUCTOR } from '../../domain/actor.js';
import { allocationFailure, backfillFault, refuseDeallocation } from '../../domain/allocation/rules.js';
import type { Change } from '../../domain/change.js';
import { ConflictError, FerricError, isDatabaseAway, messageOf, NotFoundError } from '../../domain/errors.js';
import type { Allocation } from '../../persistence/allocation/allocation.entity.js';
import type {
  AllocationRepository,
  NewAllocation,
} from '../../persistence/allocation/allocation.repository.js';
import type { ConductorRecordRepository } from '../../persistence/conductor-record/conductor-record.repository.js';
import type { Fence } from '../../persistence/node/fence.js';
import type { WantedNode } from '../../persistence/node/free-node.js';
import type { Node } from '../../persistence/node/node.entity.js';
import type { NodeRepository } from '../../persistence/node/node.repository.js';
import type { Logger } from '../../platform/logger.js';
import type { Changes } from '../execution/changes.js';
import type { Reserving } from '../execution/reservation.js';

/** Attempts of a deletion while the allocation is just getting its node. */
const DELETE_TRIES = 5;

/**
 * Allocates nodes. A pick is one transaction on locked rows: no node is picked twice, and an allocation of a conductor
 * that dies is either decided or still `allocating`, and another conductor takes it over.
 */
export class AllocationService {
  readonly #running = new Map<string, Promise<void>>();
  readonly #stopping = new AbortController();

  constructor(
    private readonly deps: {
      source: DataSource;
      nodes: NodeRepository;
      allocations: AllocationRepository;
      changes: Changes;
      conductors: ConductorRecordRepository;
      reservations: Reserving;
      host: string;
      settings: {
        node_locked_retry_attempts: number;
        node_locked_retry_interval: number;
        heartbeat_timeout: number;
      };
      log: Logger;
    },
  ) {}

  /**
   * Durable once it returns; the node is picked in the background.
   * @param node_uuid a node in use, for which the allocation is written at once
   * @throws ConflictError
   */
  async create(wanted: NewAllocation, node_uuid: string | null, by: Actor): Promise<Allocation> {
    if (node_uuid !== null) return this.#backfill(wanted, node_uuid, by);
    const created = await inTransaction(this.deps.source, (manager) => this.#created(wanted, by, manager));
    this.#begin(created.uuid, by);
    return created;
  }

  /**
   * Writes an allocation for a node that is in use.
   * @throws ConflictError when they do not fit; the allocation then exists in the state `error`
   */
  async #backfill(wanted: NewAllocation, node_uuid: string, by: Actor): Promise<Allocation> {
    const { allocations, source } = this.deps;
    try {
      return await this.deps.reservations.reserved(node_uuid, ({ node, fence }) =>
        inTransaction(source, async (manager) => {
          const created = await this.#created(wanted, by, manager);
          this.#refuseBackfill(node, created);
          const changes = { node_uuid: node.uuid, state: 'active' } as const;
          const taken = await allocations.update(created.uuid, changes, manager);
          await this.#assign(node, taken, fence, by, manager);
          return taken;
        }),
      );
    } catch (error) {
      if (isDatabaseAway(error)) throw error;
      await inTransaction(source, async (manager) => {
        const { uuid } = await this.#created(wanted, by, manager);
        const last_error = messageOf(error);
        await allocations.update(uuid, { state: 'error', last_error }, manager);
        await this.deps.changes.write(failureOf(uuid, last_error, by), manager);
      });
      throw error;
    }
  }

  /** @throws NotFoundError, ConflictError for a node in use, LockedError */
  async delete(uuid: string, by: Actor): Promise<void> {
    const { allocations, nodes, reservations, changes, source } = this.deps;
    for (let tries = 0; tries < DELETE_TRIES; tries++) {
      const gone = await inTransaction(source, async (manager) => {
        if (!(await allocations.deleteWithoutNode(uuid, manager))) return false;
        await changes.write(deletionOf(uuid, null, by), manager);
        return true;
      });
      if (gone) return;
      const { node_uuid } = await allocations.get(uuid);
      if (!node_uuid) continue;
      await reservations.reserved(node_uuid, ({ node, fence }) => {
        if (node.allocation_uuid !== uuid) throw new NotFoundError(`Allocation ${uuid} could not be found.`);
        refuseDeallocation(node, uuid);
        return inTransaction(source, async (manager) => {
          await nodes.update(node.uuid, { instance_uuid: null, allocation_uuid: null }, fence, manager);
          await allocations.delete(uuid, manager);
          await changes.write(deletionOf(uuid, node.uuid, by), manager);
        });
      });
      return;
    }
    throw new ConflictError(`Allocation ${uuid} is changing; please retry.`);
  }

  /** Resumes allocations that an earlier process of this host, or a dead host, left undecided. */
  async sweep(): Promise<void> {
    const { allocations, conductors, host, settings } = this.deps;
    const alive = (await conductors.list(settings.heartbeat_timeout)).filter((row) => row.alive);
    const hosts = alive.map((row) => row.hostname);
    for (const { uuid, conductor } of await allocations.pending(host, hosts)) {
      if (this.#running.has(uuid)) continue;
      if (conductor !== host && !(await allocations.takeOver(uuid, conductor, host))) continue;
      this.#begin(uuid, CONDUCTOR);
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new FerricError('cancelled', 'The conductor is stopping.'));
    await Promise.allSettled(this.#running.values());
  }

  #begin(uuid: string, by: Actor): void {
    if (this.#stopping.signal.aborted) return;
    const work = this.#allocate(uuid, by).finally(() => this.#running.delete(uuid));
    this.#running.set(uuid, work);
  }

  async #allocate(uuid: string, by: Actor): Promise<void> {
    const { log } = this.deps;
    try {
      const error = await this.#look(uuid, by);
      if (error !== null) await this.#fail(uuid, allocationFailure(uuid, error), by);
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      if (!isDatabaseAway(error)) {
        log.error({ allocation: uuid, error: messageOf(error) }, 'an allocation failed unexpectedly');
        const reason = `Unexpected exception during allocation: ${messageOf(error)}`;
        await this.#fail(uuid, reason, by).catch(() => log.warn({ allocation: uuid }, LATER));
      } else log.warn({ allocation: uuid, error: messageOf(error) }, LATER);
    }
  }

  /** @returns why there is no node; null when the allocation is decided or deleted */
  async #look(uuid: string, by: Actor): Promise<string | null> {
    const { node_locked_retry_attempts: attempts, node_locked_retry_interval: interval } = this.deps.settings;
    for (let attempt = 1; ; attempt++) {
      const missed = await this.#pick(uuid, by);
      if (!missed) return null;
      const { allocation, busy } = missed;
      if (busy === 0)
        return attempt === 1 ? this.#whyNone(allocation) : 'all nodes were filtered out during reservation';
      if (attempt >= attempts) return `could not reserve any of ${busy} suitable nodes`;
      await sleep(interval * 1000, undefined, { signal: this.#stopping.signal });
    }
  }

  /** @returns null when it is decided; else the number of suitable nodes that are reserved just now */
  #pick(uuid: string, by: Actor): Promise<{ allocation: Allocation; busy: number } | null> {
    const { nodes, allocations, source } = this.deps;
    return inTransaction(source, async (manager) => {
      const allocation = await allocations.lockPending(uuid, manager);
      if (!allocation) return null;
      const node = await nodes.lockFree(wantedBy(allocation), manager);
      if (!node) return { allocation, busy: await nodes.countFree(wantedBy(allocation), manager) };
      const changes = { node_uuid: node.uuid, state: 'active', last_error: null } as const;
      await this.#assign(node, await allocations.update(uuid, changes, manager), null, by, manager);
      return null;
    });
  }

  /** @param fence null where the row itself is locked and the node is not reserved */
  async #assign(
    node: Node,
    allocation: Allocation,
    fence: Fence | null,
    actor: Actor,
    on: EntityManager,
  ): Promise<void> {
    const { uuid, traits } = allocation;
    await this.deps.nodes.edit(
      node.uuid,
      fence,
      (clear) => ({
        allocation_uuid: uuid,
        instance_uuid: uuid,
        instance_info: { ...clear.instance_info, traits },
      }),
      on,
    );
    const text = `The node was allocated to ${uuid}.`;
    const fields = ['node_uuid', 'state'];
    const told = { node_uuid: node.uuid, resource: uuid, actor, text, fields };
    await this.deps.changes.write({ kind: 'allocation.changed', ...told }, on);
  }

  async #created(wanted: NewAllocation, actor: Actor, on: Queryable): Promise<Allocation> {
    const { allocations, changes, host } = this.deps;
    const row = await allocations.create({ ...wanted, state: 'allocating', conductor: host }, on);
    const text = `Allocation ${row.uuid} was asked for.`;
    await changes.write({ kind: 'allocation.created', node_uuid: null, resource: row.uuid, actor, text }, on);
    return row;
  }

  #fail(uuid: string, reason: string, by: Actor): Promise<void> {
    return inTransaction(this.deps.source, async (manager) => {
      await this.deps.allocations.fail(uuid, reason, manager);
      await this.deps.changes.write(failureOf(uuid, reason, by), manager);
    });
  }

  async #whyNone(allocation: Allocation): Promise<string> {
    const { resource_class, traits, candidate_nodes } = allocation;
    const without = { ...wantedBy(allocation), traits: [] };
    if (traits.length > 0 && (await this.deps.nodes.countFree(without)) > 0) {
      return `no suitable nodes have the requested traits ${traits.join(', ')}`;
    }
    return candidate_nodes.length > 0
      ? `none of the requested nodes are available and match the resource class ${resource_class}`
      : `no available nodes match the resource class ${resource_class}`;
  }

  #refuseBackfill(node: Node, allocation: Allocation): void {
    const fault = backfillFault(node, node.traits, allocation);
    if (fault) throw new ConflictError(allocationFailure(allocation.uuid, fault));
    if (node.instance_uuid && node.instance_uuid !== allocation.uuid) {
      throw new ConflictError(`Node ${node.uuid} is associated with instance ${node.instance_uuid}.`);
    }
  }
}

const LATER = 'an allocation is taken up again later';

function wantedBy(allocation: Allocation): WantedNode {
  const { name, owner, resource_class, traits, candidate_nodes } = allocation;
  return { name, project: owner, resource_class, traits, candidates: candidate_nodes };
}

function failureOf(uuid: string, last_error: string, actor: Actor): Change {
  const fields = ['state', 'last_error'];
  return { kind: 'allocation.changed', node_uuid: null, resource: uuid, actor, text: last_error, fields };
}

function deletionOf(uuid: string, node_uuid: string | null, actor: Actor): Change {
  const text = `Allocation ${uuid} was given up.`;
  return { kind: 'allocation.deleted', node_uuid, resource: uuid, actor, text };
}
