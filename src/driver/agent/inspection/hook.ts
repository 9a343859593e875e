import type { HookName, InspectorSettings } from '../../../config/section/inspector.js';
import { InvalidError } from '../../../domain/errors.js';
import { isObject, type Json, type JsonObject } from '../../../domain/json.js';
import type { Logger } from '../../../platform/logger.js';
import { oneLine } from '../../../protocol/printable.js';
import { capabilitiesOf, capabilitiesText } from '../../capabilities.js';
import type { InspectedPort } from '../../contract/inspect.js';

/** A report being processed. Hooks change properties, plugin data and ports; the inventory stays as received. */
export interface Inspection {
  readonly node_uuid: string;
  readonly inventory: JsonObject;
  /** Inventory of the last inspection. */
  readonly before: JsonObject | null;
  readonly properties: JsonObject;
  readonly plugin_data: JsonObject;
  ports: InspectedPort[];
  readonly settings: InspectorSettings;
  readonly log: Logger;
}

/** A rule that processes reports (Ironic: drivers/modules/inspector/hooks). */
export interface Hook {
  readonly name: HookName;
  /** Runs before every `run`; all hooks' preprocessing runs, even after a failure. @throws InvalidError */
  preprocess?(at: Inspection): void;
  /** @throws InvalidError */
  run?(at: Inspection): void;
}

/** The error for an invalid inventory, in Ironic's words. */
export function badInventory(at: Inspection, reason: string): InvalidError {
  return new InvalidError(`Inventory for node ${at.node_uuid} is invalid: ${reason}`);
}

export function objectAt(value: Json | undefined, name: string): JsonObject {
  if (!isObject(value)) return {};
  const below = value[name];
  return isObject(below) ? below : {};
}

/** The objects of a list; other items are ignored. */
export function objectsAt(value: JsonObject, name: string): JsonObject[] {
  const list = value[name];
  if (!Array.isArray(list)) return [];
  return list.filter((item): item is JsonObject => isObject(item));
}

/** Adds to properties.capabilities and keeps the others. @throws InvalidError for capabilities that do not parse */
export function setCapabilities(at: Inspection, more: Readonly<Record<string, string>>): void {
  const given = at.properties['capabilities'];
  if (typeof given === 'string' && given !== '' && given.split(',').some((pair) => !pair.includes(':'))) {
    throw new InvalidError(`properties.capabilities cannot be read: ${oneLine(given)}`);
  }
  at.properties['capabilities'] = capabilitiesText({ ...capabilitiesOf(given), ...more });
}
