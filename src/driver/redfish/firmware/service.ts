import { FerricError, InvalidError, UnsupportedError } from '../../../domain/errors.js';
import type { JsonObject } from '../../../domain/json.js';
import {
  type InventoryItem,
  NIC,
  readInventoryItem,
  type ShownFirmware,
  shownFirmware,
} from '../../../protocol/redfish/firmware.js';
import { idOf, linkOf, readCollection, textOf, type Uri } from '../../../protocol/redfish/resource.js';
import { readTask, type TaskReading } from '../../../protocol/redfish/task.js';
import {
  mayBeOfUpdate,
  readUpdateService,
  simpleUpdateBody,
  type UpdateService,
} from '../../../protocol/redfish/update.js';
import type { RedfishMachine } from '../machine.js';
import type { FirmwareSource, FirmwareUpdate } from './arguments.js';

/** How an image gets to a BMC. */
export type Way = {
  readonly target: Uri;
  /** Targets of the update; empty: the service decides by the image. */
  readonly targets: readonly Uri[];
  readonly mostBytes: number | undefined;
} & (
  | { readonly how: 'push' }
  /** `url` is null for a file of this conductor. */
  | { readonly how: 'pull'; readonly url: string | null; readonly protocols: readonly string[] | undefined }
);

const MOST_PAGES = 50;
const MOST_TASKS = 1_000;
/** New tasks that are read to find the update's. */
const MOST_NEW = 10;

/** The components that Ironic caches, and nothing of what cannot be read of adapters. */
export async function readFirmware(machine: RedfishMachine): Promise<ShownFirmware[]> {
  const { resource: system } = await machine.system();
  const [manager] = await machine.managers(system);
  const [chassis] = await machine.chassis(system);
  const adapters = await machine.members(linkOf(chassis, 'NetworkAdapters'));
  return shownFirmware(system, manager, adapters);
}

/** A component outside Ironic's list, as FirmwareInventory shows it. @returns undefined if it does not */
export async function readComponent(
  machine: RedfishMachine,
  component: string,
): Promise<ShownFirmware | undefined> {
  if (isUsual(component)) return undefined;
  const service = await machine.find((await machine.root()).updateService);
  const found = await findItem(machine, service && readUpdateService(service).inventory, component);
  if (found?.item.version === undefined) return undefined;
  const { version, vendor = null } = found.item;
  return { component, current_version: version, vendor, model: null, serial_number: null };
}

/**
 * Decides how an update is requested; nothing is sent.
 * @param unreached the BMC did not reach this conductor's server before
 * @throws UnsupportedError, InvalidError for an unknown component, FerricError bmc-failed for a service that is busy
 */
export async function wayOf(
  machine: RedfishMachine,
  update: FirmwareUpdate,
  configured: FirmwareSource,
  unreached = false,
): Promise<Way> {
  const path = (await machine.root()).updateService;
  if (path === undefined) throw new UnsupportedError('The BMC offers no updates of firmware.');
  const service = readUpdateService(await machine.get(path));
  if (!service.ready) {
    throw new FerricError(
      'bmc-failed',
      'The BMC’s update service is turned off, or another client holds it; nothing was sent.',
    );
  }
  const { mostBytes } = service;
  const common = { targets: await targetsOf(machine, service, update.component), mostBytes };
  const { simpleUpdate: action, multipart } = service;
  const source = update.source ?? configured;
  const push = multipart === undefined ? undefined : ({ ...common, how: 'push', target: multipart } as const);
  if (source === 'push') {
    if (push) return push;
    throw new UnsupportedError('The BMC has no MultipartHttpPushUri: an image cannot be sent to it.');
  }
  if (!action) {
    if (push) return push;
    throw new UnsupportedError('The BMC offers neither SimpleUpdate nor a MultipartHttpPushUri.');
  }
  const protocols = await machine.allowable(action, 'TransferProtocol');
  const pull = { ...common, how: 'pull', target: action.target, protocols } as const;
  // A checksum judges the bytes that are served, so they are ours.
  const direct = source === 'http' && update.checksum === null && /^https?:\/\//i.test(update.url);
  if (direct) return { ...pull, url: update.url };
  // The boot HTTP server has no TLS.
  if (push && (unreached || (protocols && !protocols.includes('HTTP')))) return push;
  return { ...pull, url: null };
}

/** @throws UnsupportedError for a URL that the BMC does not fetch from */
export function pullBody(way: Extract<Way, { how: 'pull' }>, url: string): JsonObject {
  const body = simpleUpdateBody(url, way.targets, way.protocols);
  if (body) return body;
  throw new UnsupportedError(
    `The BMC fetches images by ${way.protocols?.join(', ') || 'no protocol'}, not from ${new URL(url).protocol}//: ` +
      'set source to push, or serve the image otherwise.',
  );
}

/** A component of Ironic's list: `bios`, `bmc`, or a network adapter. */
export function isUsual(component: string): boolean {
  return component === 'bios' || component === 'bmc' || component.startsWith(NIC);
}

/** Ironic names the system where a BMC has several; a member of the inventory is named always. */
async function targetsOf(
  machine: RedfishMachine,
  { inventory }: UpdateService,
  component: string,
): Promise<Uri[]> {
  if (isUsual(component)) {
    const { systems } = await machine.root();
    const all = systems === undefined ? undefined : await machine.find(systems);
    if (!all || readCollection(all).members.length < 2) return [];
    return [(await machine.system()).path];
  }
  const found = await findItem(machine, inventory, component);
  if (!found) {
    throw new InvalidError(
      `The BMC’s firmware inventory has no component ${component}; bios, bmc and nic:… are the usual ones.`,
    );
  }
  if (!found.item.updateable) throw new UnsupportedError(`The BMC says that ${component} cannot be updated.`);
  return [found.path];
}

/** By the end of its path, as most services have it: an inventory has a hundred members. */
async function findItem(
  machine: RedfishMachine,
  inventory: Uri | undefined,
  id: string,
): Promise<{ path: Uri; item: InventoryItem } | undefined> {
  const end = `/${encodeURIComponent(id)}`;
  const path = (await machine.memberPaths(inventory, MOST_PAGES)).find(
    (one) => one.endsWith(end) || one.endsWith(`/${id}`),
  );
  const member = await machine.find(path);
  const item = member && readInventoryItem(member);
  return path === undefined || !item ? undefined : { path, item };
}

/** The service's tasks. @returns null if it does not show them, or has too many to tell new ones */
export async function taskUris(machine: RedfishMachine): Promise<Uri[] | null> {
  const service = await machine.find((await machine.root()).taskService);
  const tasks = linkOf(service, 'Tasks');
  if (tasks === undefined || !(await machine.find(tasks))) return null;
  const paths = await machine.memberPaths(tasks, MOST_PAGES);
  return paths.length > MOST_TASKS ? null : paths;
}

/** The task that a request to `target` started: one that was not there before. */
export async function newTask(
  machine: RedfishMachine,
  before: readonly Uri[],
  target: Uri,
): Promise<Uri | undefined> {
  const known = new Set(before);
  const fresh = ((await taskUris(machine)) ?? []).filter((path) => !known.has(path));
  for (const path of fresh.toReversed().slice(0, MOST_NEW)) {
    const task = await machine.find(path);
    if (task && mayBeOfUpdate(task, target)) return path;
  }
  return undefined;
}

/** The job of a task that the service has deleted, if its maker keeps jobs elsewhere. */
export async function jobOf(machine: RedfishMachine, task: Uri): Promise<TaskReading | undefined> {
  const { resource: system } = await machine.system();
  const { differences } = await machine.differences(system);
  const [manager] = await machine.managers(system);
  const path = idOf(manager);
  const id = task.split('/').at(-1);
  if (differences.jobsBelowManager === undefined || path === undefined || !id) return undefined;
  const job = await machine.find(`${path}/${differences.jobsBelowManager}/${id}`);
  return job && readTask(job);
}

/** When the BMC itself was restarted last; null if it does not tell. */
export async function managerReset(machine: RedfishMachine): Promise<string | null> {
  const { resource: system } = await machine.system();
  const [manager] = await machine.managers(system);
  return textOf(manager, 'LastResetTime') ?? null;
}
