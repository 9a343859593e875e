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

const SUBJECT = {
  port: 'Port',
  portgroup: 'Port group',
  volume_connector: 'Volume connector',
  volume_target: 'Volume target',
  chassis: 'Chassis',
  deploy_template: 'Deploy template',
  runbook: 'Runbook',
  inspection_rule: 'Inspection rule',
  image: 'Image',
} as const;
/** A resource beside the node: a part of one, or of none. */
export type Resource = keyof typeof SUBJECT;
/** Its row. */
export interface ResourceRow {
  readonly uuid: string;
  /** Absent for what belongs to no node. */
  readonly node_uuid?: string;
}

export function resourceCreation(resource: Resource, row: ResourceRow, actor: Actor): Change {
  return changeOf(resource, 'created', row, actor, `${SUBJECT[resource]} ${row.uuid} was created.`);
}

/** @param changes by column */
export function resourceEdit(resource: Resource, row: ResourceRow, changes: object, actor: Actor): Change {
  const fields = Object.keys(changes);
  const text = editText(`${SUBJECT[resource]} ${row.uuid}`, fields);
  return { ...changeOf(resource, 'changed', row, actor, text), fields };
}

export function resourceDeletion(resource: Resource, row: ResourceRow, actor: Actor): Change {
  return changeOf(resource, 'deleted', row, actor, `${SUBJECT[resource]} ${row.uuid} was deleted.`);
}

function changeOf(
  resource: Resource,
  verb: 'created' | 'changed' | 'deleted',
  { uuid, node_uuid }: ResourceRow,
  actor: Actor,
  text: string,
): Change {
  return { kind: `${resource}.${verb}`, node_uuid: node_uuid ?? null, resource: uuid, actor, text };
}

export function portCreation(
  { uuid, node_uuid, address }: { uuid: string; node_uuid: string; address: string },
  actor: Actor,
): Change {
  const text = `Port ${uuid} was created, MAC address ${address}.`;
  return changeOf('port', 'created', { uuid, node_uuid }, actor, text);
}

/** An allocation is deleted together with its instance. */
export function deallocation(
  { uuid, allocation_uuid }: { uuid: string; allocation_uuid: string | null },
  actor: Actor,
): Change {
  const text = 'The allocation went with the instance.';
  return { kind: 'allocation.deleted', node_uuid: uuid, resource: allocation_uuid, actor, text };
}
