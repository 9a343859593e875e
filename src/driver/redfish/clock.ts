import { FerricError } from '../../domain/errors.js';
import { idOf, type Resource, textOf } from '../../protocol/redfish/resource.js';
import type { RedfishMachine } from './machine.js';

/** ms that the BMC's clock may differ. */
const TOLERANCE = 1_000;

/**
 * Sets Manager.DateTime in the format that the BMC shows: some refuse fractions of seconds, or an unchanged offset.
 * @param offset such as `+02:00`; undefined: unchanged
 */
export async function setClock(machine: RedfishMachine, time: Date, offset?: string): Promise<void> {
  const { manager, path } = await clockOf(machine);
  const shown = textOf(manager, 'DateTime') ?? '';
  const local = textOf(manager, 'DateTimeLocalOffset');
  const target = offset ?? local ?? '+00:00';
  const body: Record<string, string> = { DateTime: written(time, target, /\.\d/.test(shown)) };
  if (offset !== undefined && offset !== local) body['DateTimeLocalOffset'] = offset;
  await machine.patch(path, body);
}

/** ms that the BMC's clock is ahead of `now`; undefined: it shows no time. */
export async function clockError(machine: RedfishMachine, now: () => number): Promise<number | undefined> {
  const { manager } = await clockOf(machine);
  const shown = Date.parse(textOf(manager, 'DateTime') ?? '');
  return Number.isNaN(shown) ? undefined : shown - now();
}

/** @throws FerricError if the BMC does not keep the time that was set */
export async function verifyClock(machine: RedfishMachine): Promise<void> {
  const isRight = async () =>
    Math.abs((await clockError(machine, Date.now)) ?? Number.POSITIVE_INFINITY) <= TOLERANCE;
  if (await isRight()) return;
  await setClock(machine, new Date());
  if (await isRight()) return;
  throw new FerricError('bmc-failed', 'The BMC’s clock was set, and is still more than a second off.');
}

async function clockOf(machine: RedfishMachine): Promise<{ manager: Resource; path: string }> {
  const { resource } = await machine.system();
  const [manager] = await machine.managers(resource);
  const path = idOf(manager);
  if (!manager || path === undefined)
    throw new FerricError('bmc-failed', 'The BMC has no Manager with a clock.');
  return { manager, path };
}

/** ISO 8601, in local time of the offset. */
export function written(time: Date, offset: string, fractions: boolean): string {
  const [, sign, hours, minutes] = /^([+-])(\d{2}):(\d{2})$/.exec(offset) ?? ['', '+', '0', '0'];
  const shift = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
  const text = new Date(time.getTime() + shift).toISOString().slice(0, fractions ? 23 : 19);
  return `${text}${offset}`;
}
