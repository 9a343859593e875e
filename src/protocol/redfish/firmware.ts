import { partOf, partsOf, type Resource, textOf } from './resource.js';

/** A component whose firmware a service shows, as Ironic caches it (redfish/firmware.py). */
export type ShownFirmware = {
  component: string;
  current_version: string;
  vendor: string | null;
  model: string | null;
  serial_number: string | null;
};

/** Prefix of network adapters' names, before their serial number or Id. */
export const NIC = 'nic:';

/**
 * `bios`, `bmc`, and `nic:<serial number, else Id>` for each adapter; those without a version are omitted.
 * @param adapters of the chassis; HPE Gen11 shows none until the machine has run
 */
export function shownFirmware(
  system: Resource,
  manager: Resource | undefined,
  adapters: readonly Resource[],
): ShownFirmware[] {
  const found = new Map<string, ShownFirmware>();
  const add = (component: string, version: string | undefined, about: Partial<ShownFirmware> = {}) => {
    if (version === undefined || found.has(component)) return;
    const nothing = { vendor: null, model: null, serial_number: null };
    found.set(component, { component, current_version: version, ...nothing, ...about });
  };
  add('bios', textOf(system, 'BiosVersion'));
  add('bmc', textOf(manager, 'FirmwareVersion'), { model: textOf(manager, 'Model') ?? null });
  for (const adapter of adapters) {
    const serial = textOf(adapter, 'SerialNumber');
    const id = serial ?? textOf(adapter, 'Id');
    if (id === undefined) continue;
    const about = {
      vendor: textOf(adapter, 'Manufacturer') ?? null,
      model: textOf(adapter, 'Model') ?? null,
      serial_number: serial ?? null,
    };
    for (const controller of partsOf(adapter, 'Controllers')) {
      add(`${NIC}${id}`.slice(0, MOST_NAME), textOf(controller, 'FirmwarePackageVersion'), about);
    }
  }
  return [...found.values()];
}

/** Length of a component's name in a node's records. */
const MOST_NAME = 255;

/** A member of FirmwareInventory (DSP0268, SoftwareInventory). */
export interface InventoryItem {
  readonly id: string;
  readonly version: string | undefined;
  /** False: the service says that it cannot be updated. */
  readonly updateable: boolean;
  readonly vendor: string | undefined;
}

/** @returns undefined for a member without an Id, or one that is not there */
export function readInventoryItem(member: Resource): InventoryItem | undefined {
  const id = textOf(member, 'Id');
  if (id === undefined || textOf(partOf(member, 'Status'), 'State') === 'Absent') return undefined;
  return {
    id,
    version: textOf(member, 'Version'),
    updateable: member['Updateable'] !== false,
    vendor: textOf(member, 'Manufacturer'),
  };
}
