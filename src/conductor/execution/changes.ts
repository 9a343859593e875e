import type { Compound } from '../../database/compound.js';
import type { Queryable } from '../../database/data-source.js';
import type { Actor } from '../../domain/actor.js';
import { type Change, changeRow, editText } from '../../domain/change.js';
import type { EventRepository, NewEvent } from '../../persistence/event/event.repository.js';

/**
 * Records every change: one row that says what changed and who asked, in the statement or the transaction of the change
 * itself. The event stream and whatever else follows changes read these rows.
 */
export class Changes {
  constructor(private readonly deps: { events: EventRepository; host: string }) {}

  /** Adds the row to a statement; it is written where the part `held` returns the node's row. */
  addTo(compound: Compound, change: Change): void {
    this.deps.events.addTold(compound, [this.row(change)]);
  }

  /** @param on the transaction of the change */
  async write(change: Change, on: Queryable): Promise<void> {
    await this.deps.events.add(this.row(change), on);
  }

  row(change: Change): NewEvent {
    return { ...changeRow(change), conductor: this.deps.host };
  }
}

/** @param changes columns of the node */
export function nodeEdit(node_uuid: string, changes: object, actor: Actor): Change {
  const fields = Object.keys(changes);
  return { kind: 'node.changed', node_uuid, resource: null, actor, text: editText('Node', fields), fields };
}

type Part = 'port' | 'portgroup' | 'volume_connector' | 'volume_target';
const SUBJECT = {
  port: 'Port',
  portgroup: 'Port group',
  volume_connector: 'Volume connector',
  volume_target: 'Volume target',
} as const satisfies Record<Part, string>;

/** An edit of a resource of a node. @param changes by column */
export function partEdit(
  part: Part,
  { uuid, node_uuid }: { uuid: string; node_uuid: string },
  changes: object,
  actor: Actor,
): Change {
  const fields = Object.keys(changes);
  const text = editText(`${SUBJECT[part]} ${uuid}`, fields);
  return { kind: `${part}.changed`, node_uuid, resource: uuid, actor, text, fields };
}

export function partDeletion(
  part: Part,
  { uuid, node_uuid }: { uuid: string; node_uuid: string },
  actor: Actor,
): Change {
  const text = `${SUBJECT[part]} ${uuid} was deleted.`;
  return { kind: `${part}.deleted`, node_uuid, resource: uuid, actor, text };
}

export function portCreation(
  { uuid, node_uuid, address }: { uuid: string; node_uuid: string; address: string },
  actor: Actor,
): Change {
  const text = `Port ${uuid} was created, MAC address ${address}.`;
  return { kind: 'port.created', node_uuid, resource: uuid, actor, text };
}

/** An allocation is deleted together with its instance. */
export function deallocation(
  { uuid, allocation_uuid }: { uuid: string; allocation_uuid: string | null },
  actor: Actor,
): Change {
  const text = 'The allocation went with the instance.';
  return { kind: 'allocation.deleted', node_uuid: uuid, resource: allocation_uuid, actor, text };
}
