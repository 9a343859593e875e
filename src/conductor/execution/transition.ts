import type { DataSource, EntityManager } from 'typeorm';
import { inTransaction } from '../../database/data-source.js';
import type { Actor } from '../../domain/actor.js';
import { ConflictError } from '../../domain/errors.js';
import { isProvisionState, next, targetAfter } from '../../domain/provision/machine.js';
import type { ProvisionEvent, Transition } from '../../domain/provision/table.js';
import type { EventRepository, NewEvent } from '../../persistence/event/event.repository.js';
import type { Fence } from '../../persistence/node/fence.js';
import type { Node } from '../../persistence/node/node.entity.js';
import type { NodeChanges, NodeRepository } from '../../persistence/node/node.repository.js';
import type { Logger } from '../../platform/logger.js';
import { count, observe } from '../../platform/meter/meter.js';

/** A move through the provision state machine, as it is written. */
export interface Move {
  readonly changes: NodeChanges;
  readonly event: NewEvent;
  /** Whether it ends work that failed. */
  readonly failed: boolean;
}

interface MoveOptions {
  changes?: NodeChanges;
  actor: Actor;
}

/** Moves nodes through the provision state machine: node row and event row are committed together. */
export class Transitions {
  constructor(
    private readonly deps: {
      source: DataSource;
      nodes: NodeRepository;
      events: EventRepository;
      host: string;
      log: Pick<Logger, 'info' | 'error'>;
    },
  ) {}

  /**
   * @param changes written with the move, e.g. last_error
   * @throws ConflictError for an event that is illegal in the node's state
   */
  plan(node: Node, event: ProvisionEvent, options: MoveOptions): Move {
    const from = node.provision_state;
    const row = isProvisionState(from) ? next(from, event) : null;
    if (!row) throw new ConflictError(`Node ${node.uuid} in state "${from}" knows no event "${event}".`);
    const { changes = {}, actor } = options;
    const entered = node.provision_updated_at ?? node.created_at;
    const target_provision_state = targetAfter(row, node.target_provision_state);
    const error = changes.last_error;
    return {
      failed: event === 'fail',
      changes: {
        ...changes,
        ...(row.inspection ? INSPECTION_TIMES[row.inspection]() : {}),
        provision_state: row.to,
        target_provision_state,
        provision_updated_at: new Date(),
      },
      event: {
        node_uuid: node.uuid,
        event_type: 'provision',
        kind: 'node.provision',
        severity: error ? 'ERROR' : 'INFO',
        event: error ?? `Node moved from "${from}" to "${row.to}" on "${event}".`,
        from_state: from,
        state: row.to,
        target_provision_state,
        conductor: this.deps.host,
        actor,
        duration_seconds: (Date.now() - entered.getTime()) / 1000,
      },
    };
  }

  /**
   * @param also writes more in the same transaction
   * @throws ConflictError as `plan`
   * @throws ReservationLostError
   */
  async fire(
    node: Node,
    fence: Fence,
    event: ProvisionEvent,
    options: MoveOptions,
    also: (manager: EntityManager) => Promise<void> = () => Promise.resolve(),
  ): Promise<Node> {
    const { source, nodes, events } = this.deps;
    const move = this.plan(node, event, options);
    const moved = await inTransaction(source, async (manager) => {
      await also(manager);
      const row = await nodes.update(node.uuid, move.changes, fence, manager);
      await events.add(move.event, manager);
      return row;
    });
    this.tell(node, [move]);
    return moved;
  }

  /** Logs one line for each move, once it is committed. */
  tell(node: Pick<Node, 'uuid' | 'name'>, moves: readonly Move[]): void {
    for (const { event, failed, changes } of moves) {
      const { from_state: from, state: to, duration_seconds = null, actor } = event;
      const { request_id } = actor;
      const seconds = duration_seconds === null ? null : Math.round(duration_seconds * 1000) / 1000;
      const { last_error: error = null } = changes;
      count('state_transitions_total', { from: from ?? '', to: to ?? '' });
      if (duration_seconds !== null)
        observe('state_duration_seconds', { state: from ?? '' }, duration_seconds);
      const words = { node: node.uuid, name: node.name, from, to, seconds, request_id };
      this.deps.log[failed ? 'error' : 'info'](
        { ...words, ...(error ? { error } : {}) },
        `node ${from} → ${to}`,
      );
    }
  }
}

/** Written with the state, as upstream's database layer does. */
const INSPECTION_TIMES = {
  begins: () => ({ inspection_started_at: new Date(), inspection_finished_at: null }),
  ends: () => ({ inspection_started_at: null, inspection_finished_at: new Date() }),
  fails: () => ({ inspection_started_at: null }),
} as const satisfies Record<NonNullable<Transition['inspection']>, () => NodeChanges>;
