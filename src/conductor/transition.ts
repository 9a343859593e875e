import type { Queryable } from '../database/data-source.js';
import { ConflictError } from '../domain/errors.js';
import { isProvisionState, next, targetAfter } from '../domain/provision/machine.js';
import type { ProvisionEvent } from '../domain/provision/table.js';
import type { EventRepository } from '../event/event.repository.js';
import type { Fence } from '../node/fence.js';
import type { Node } from '../node/node.entity.js';
import type { NodeChanges, NodeRepository } from '../node/node.repository.js';
import type { Requester } from './conductor.js';
import type { Move } from './ledger.js';

interface MoveOptions {
  changes?: NodeChanges;
  by?: Requester | null;
  requestId?: string | null;
}

/** Moves a node through the provision machine: node row and event row become true together. */
export class Transitions {
  constructor(
    private readonly nodes: NodeRepository,
    private readonly events: EventRepository,
    private readonly host: string,
  ) {}

  /**
   * @param changes written with the move, e.g. last_error
   * @throws ConflictError for an event that is illegal in the node's state
   */
  plan(node: Node, event: ProvisionEvent, options: MoveOptions): Move {
    const from = node.provision_state;
    const row = isProvisionState(from) ? next(from, event) : null;
    if (!row) throw new ConflictError(`Node ${node.uuid} in state "${from}" knows no event "${event}".`);
    const { changes = {}, by = null } = options;
    const entered = node.provision_updated_at ?? node.created_at;
    const target_provision_state = targetAfter(row, node.target_provision_state);
    const error = changes.last_error;
    return {
      changes: {
        ...changes,
        ...inspectionTimes(from, row.to),
        provision_state: row.to,
        target_provision_state,
        provision_updated_at: new Date(),
      },
      event: {
        node_uuid: node.uuid,
        event_type: 'provision',
        severity: error ? 'ERROR' : 'INFO',
        event: error ?? `Node moved from "${from}" to "${row.to}" on "${event}".`,
        from_state: from,
        state: row.to,
        target_provision_state,
        conductor: this.host,
        user_name: by?.user ?? null,
        project: by?.project ?? null,
        request_id: by?.request_id ?? options.requestId ?? null,
        duration_seconds: (Date.now() - entered.getTime()) / 1000,
      },
    };
  }

  /**
   * In the caller's transaction.
   * @throws ConflictError as `plan`
   * @throws LeaseLostError
   */
  async fire(
    node: Node,
    fence: Fence,
    event: ProvisionEvent,
    options: MoveOptions,
    on: Queryable,
  ): Promise<Node> {
    const move = this.plan(node, event, options);
    const moved = await this.nodes.update(node.uuid, move.changes, fence, on);
    await this.events.add(move.event, on);
    return moved;
  }
}

/** Kept with the state, as upstream's database layer keeps them (db/sqlalchemy/api.py: _do_update_node). */
function inspectionTimes(from: string, to: string): NodeChanges {
  if (to === 'inspecting') return { inspection_started_at: new Date(), inspection_finished_at: null };
  if (!from.startsWith('inspect')) return {};
  if (to === 'manageable' && from !== 'inspect failed') {
    return { inspection_started_at: null, inspection_finished_at: new Date() };
  }
  return to === 'inspect failed' ? { inspection_started_at: null } : {};
}
