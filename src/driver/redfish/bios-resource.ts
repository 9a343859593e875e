import { UnsupportedError } from '../../domain/errors.js';
import type { JsonObject } from '../../domain/json.js';
import { actionOf } from '../../protocol/redfish/action.js';
import { type Registry, readAttributes, readRegistry } from '../../protocol/redfish/bios.js';
import {
  booleanOf,
  idOf,
  linkOf,
  partsOf,
  pathOf,
  type Resource,
  readCollection,
  textOf,
  type Uri,
} from '../../protocol/redfish/resource.js';
import { type Settings, settingsOf } from '../../protocol/redfish/settings.js';
import { taskOf } from '../../protocol/redfish/task.js';
import { RedfishError } from './faults.js';
import type { RedfishMachine } from './machine.js';

/** A machine's BIOS, as its BMC shows it. */
export interface Bios {
  readonly path: Uri;
  readonly resource: Resource;
  /** The ComputerSystem that links it. */
  readonly system: Resource;
  /** Present values by attribute. */
  readonly attributes: JsonObject;
  /** undefined: changes are written to the resource itself. */
  readonly settings: Settings | undefined;
  /** Bios.ResetBiosToDefaultsPending; undefined where the service has no such property. */
  readonly resetPending: boolean | undefined;
}

/** The system links no Bios: for good, or while the machine starts. */
class NoBiosError extends UnsupportedError {
  constructor() {
    super('The BMC does not offer BIOS settings.');
  }
}

/** @throws NoBiosError if the service shows no BIOS attributes of this machine */
export async function readBios(machine: RedfishMachine): Promise<Bios> {
  const { resource: system } = await machine.system();
  const path = linkOf(system, 'Bios');
  if (path === undefined) throw new NoBiosError();
  const resource = await machine.get(path);
  return {
    path,
    resource,
    system,
    attributes: readAttributes(resource),
    settings: settingsOf(resource),
    resetPending: booleanOf(resource, 'ResetBiosToDefaultsPending'),
  };
}

/** Values that the next reset applies; a service may show all of them, the changed ones alone, or none. */
export async function readPending(machine: RedfishMachine, bios: Bios): Promise<JsonObject> {
  return bios.settings ? readAttributes(await machine.find(bios.settings.object)) : {};
}

/**
 * The registry that describes the attributes. Services name it by Bios.AttributeRegistry, which is the Id of a member of
 * the root's Registries, or begins like it (DSP0268, MessageRegistryFile).
 * @returns undefined if the service names none, or does not have it
 */
export async function readBiosRegistry(machine: RedfishMachine, bios: Bios): Promise<Registry | undefined> {
  const name = textOf(bios.resource, 'AttributeRegistry');
  const collection = name === undefined ? undefined : await machine.find((await machine.root()).registries);
  if (name === undefined || !collection) return undefined;
  const members = readCollection(collection).members.flatMap((member) => idOf(member) ?? []);
  const idWithin = (path: Uri) => path.replace(/\/$/, '').split('/').at(-1) ?? '';
  const family = name.split('.')[0] ?? name;
  const member =
    members.find((path) => idWithin(path) === name) ??
    members.find((path) => idWithin(path).split('.')[0] === family);
  const file = await machine.find(member);
  if (!file) return undefined;
  const places = partsOf(file, 'Location');
  const place = places.find((one) => textOf(one, 'Language')?.startsWith('en')) ?? places[0];
  const content = await machine.find(pathOf(place?.['Uri']));
  const registry = content && readRegistry(content);
  return registry && registry.size > 0 ? registry : undefined;
}

/** ResetBios with {}: some services refuse a request without a body; one requires ResetType (DGX H100). */
export async function resetBios(machine: RedfishMachine, bios: Bios): Promise<string | undefined> {
  const action = actionOf(bios.resource, 'Bios.ResetBios');
  if (!action) throw new UnsupportedError('The BMC does not reset the BIOS settings.');
  const parameters = (await machine.actionInfo(action)) ?? [];
  const type = parameters.find(({ name, required }) => name === 'ResetType' && required);
  const body: JsonObject = type ? { ResetType: type.allowable?.[0] ?? 'Reset' } : {};
  return taskOf(await machine.post(action.target, body));
}

/** Whether it may end by itself: some services show no system, or no Bios of it, while the machine starts. */
export function isOfStart(error: unknown): boolean {
  if (error instanceof NoBiosError) return true;
  if (!(error instanceof RedfishError)) return false;
  const { fault, status = 0 } = error;
  return fault.code === 'bmc-unreachable' || status >= 500 || [404, 410, 429].includes(status);
}
