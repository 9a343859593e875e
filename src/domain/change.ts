import type { Actor } from './actor.js';
import type { JsonObject } from './json.js';

/** All kinds of change: `resource.verb`. */
export const CHANGE_KINDS = [
  'node.created',
  'node.changed',
  'node.deleted',
  /** A provision transition, or a request to the work under way. */
  'node.provision',
  /** Power was requested, or found changed. */
  'node.power',
  /** An action on the machine: boot device, indicators, console, media, a vendor method. */
  'node.action',
  /** A note, without a change. */
  'node.note',
  'port.created',
  'port.changed',
  'port.deleted',
  'portgroup.created',
  'portgroup.changed',
  'portgroup.deleted',
  'vif.attached',
  'vif.detached',
  'volume_connector.created',
  'volume_connector.changed',
  'volume_connector.deleted',
  'volume_target.created',
  'volume_target.changed',
  'volume_target.deleted',
  'allocation.created',
  'allocation.changed',
  'allocation.deleted',
  'chassis.created',
  'chassis.changed',
  'chassis.deleted',
  'deploy_template.created',
  'deploy_template.changed',
  'deploy_template.deleted',
  'runbook.created',
  'runbook.changed',
  'runbook.deleted',
  'inspection_rule.created',
  'inspection_rule.changed',
  'inspection_rule.deleted',
  'image.created',
  'image.changed',
  'image.deleted',
] as const;
export type ChangeKind = (typeof CHANGE_KINDS)[number];

/** `event_type` of a change that is not part of the node history as Ironic defines it. */
export const CHANGE = 'change';

/** A change, as it is recorded beside what it changes. */
export interface Change {
  readonly kind: ChangeKind;
  /** The node concerned; null for what belongs to none. */
  readonly node_uuid: string | null;
  /** The id of what changed, where that is not the node itself: a UUID, or the id of a VIF. */
  readonly resource: string | null;
  readonly actor: Actor;
  /** A sentence for people. */
  readonly text: string;
  /** Names of the changed fields, never values: these may be secret. */
  readonly fields?: readonly string[];
}

/** The row of a change: `event_type` is `change`, `detail` has the names of the fields. */
export function changeRow({ fields, text, ...change }: Change) {
  const detail: JsonObject | null = fields ? { fields: fields.toSorted() } : null;
  return { ...change, event_type: CHANGE, event: text, detail };
}

/** The sentence of an edit. @param what the resource, as the subject */
export function editText(what: string, fields: readonly string[]): string {
  return fields.length > 0
    ? `${what} was changed: ${fields.toSorted().join(', ')}.`
    : `${what} was written anew.`;
}
