import type { Actor } from './actor.js';
import type { JsonObject } from './json.js';

/** What can change, and how: `resource.verb`. */
export const CHANGE_KINDS = [
  'node.created',
  'node.changed',
  'node.deleted',
  /** A move through the provision states, or a word to the work that is under way. */
  'node.provision',
  /** Power was asked for, or found to be another. */
  'node.power',
  /** Something was done to the machine: boot device, lights, console, media, a vendor's method. */
  'node.action',
  /** Something worth telling, that changed nothing. */
  'node.note',
  'port.created',
  'port.changed',
  'port.deleted',
  'portgroup.changed',
  'portgroup.deleted',
  'vif.attached',
  'vif.detached',
  'volume_connector.changed',
  'volume_connector.deleted',
  'volume_target.changed',
  'volume_target.deleted',
  'allocation.created',
  'allocation.changed',
  'allocation.deleted',
] as const;
export type ChangeKind = (typeof CHANGE_KINDS)[number];

/** `event_type` of a change that is no line of a node's history as Ironic has it. */
export const CHANGE = 'change';

/** A change, as it is told beside what it changes. */
export interface Change {
  readonly kind: ChangeKind;
  /** The node that it is of; null for an allocation without one. */
  readonly node_uuid: string | null;
  /** Of what changed, where that is not the node itself: a UUID, or a VIF's id. */
  readonly resource: string | null;
  readonly actor: Actor;
  /** A sentence for people. */
  readonly text: string;
  /** Names of what was changed, never values: they may be secret. */
  readonly fields?: readonly string[];
}

/** The row of a change: `event_type` is `change`, `detail` has the names of the fields. */
export function changeRow({ fields, text, ...change }: Change) {
  const detail: JsonObject | null = fields ? { fields: fields.toSorted() } : null;
  return { ...change, event_type: CHANGE, event: text, detail };
}

/** The sentence of an edit. @param what the resource, as a subject */
export function editText(what: string, fields: readonly string[]): string {
  return fields.length > 0
    ? `${what} was changed: ${fields.toSorted().join(', ')}.`
    : `${what} was written anew.`;
}
