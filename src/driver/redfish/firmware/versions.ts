import type { FirmwareComponent } from '../../../domain/hardware/component.js';
import type { ShownFirmware } from '../../../protocol/redfish/firmware.js';
import type { StepContext } from '../../contract/step.js';
import type { RedfishMachine } from '../machine.js';
import type { FirmwareUpdate } from './arguments.js';
import type { Progress } from './progress.js';
import { readComponent, readFirmware } from './service.js';

/** The components that Ironic caches, and those of the updates. */
export async function readComponents(
  machine: RedfishMachine,
  updates: readonly FirmwareUpdate[],
): Promise<ShownFirmware[]> {
  const shown = await readFirmware(machine);
  for (const component of new Set(updates.map((one) => one.component))) {
    const more = await readComponent(machine, component);
    if (more) shown.push(more);
  }
  return shown;
}

/** Versions by component. */
export async function readVersions(
  machine: RedfishMachine,
  updates: readonly FirmwareUpdate[],
): Promise<Record<string, string>> {
  const shown = await readComponents(machine, updates);
  return Object.fromEntries(shown.map(({ component, current_version }) => [component, current_version]));
}

/** A version that was not known before, or is not now, shows no change. */
export function isChanged(
  { before }: Pick<Progress, 'before'>,
  { component }: FirmwareUpdate,
  version: string | undefined,
): boolean {
  const was = before[component];
  return was !== undefined && version !== undefined && version !== was;
}

/** Saves what the BMC shows; a component with another version than before was flashed (Ironic). */
export async function saveVersions(
  context: StepContext,
  { before }: Pick<Progress, 'before'>,
  seen: readonly ShownFirmware[],
): Promise<void> {
  const firmware_components = seen.map((one): FirmwareComponent => {
    const was = before[one.component];
    const isFlashed = was !== undefined && was !== one.current_version;
    return isFlashed ? { ...one, last_version_flashed: one.current_version } : one;
  });
  await context.save({ firmware_components });
}

/** The event of an update that ended. */
export function resultText(progress: Progress, update: FirmwareUpdate, version: string | undefined): string {
  const { component } = update;
  const was = progress.before[component];
  if (isChanged(progress, update, version)) {
    return `The firmware of ${component} was updated: ${was} before, ${version} now.`;
  }
  const now =
    version === undefined ? 'The BMC shows no version of it' : `Its version is ${version}, as before`;
  return progress.seen
    ? `The BMC’s task to update the firmware of ${component} ended. ${now}.`
    : `The BMC took the firmware of ${component}, and showed no task of it. ${now}.`;
}
