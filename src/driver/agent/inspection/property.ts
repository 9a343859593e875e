import { InvalidError, messageOf } from '../../../domain/errors.js';
import type { Json, JsonObject } from '../../../domain/json.js';
import {
  deviceByHints,
  findDevicesByHints,
  type RootDeviceCandidate,
} from '../../../domain/root-device/match.js';
import { oneLine } from '../../../protocol/printable.js';
import { badInventory, type Hook, type Inspection, objectAt, objectsAt, setCapabilities } from './hook.js';

const GIB = 2 ** 30;

/** Hooks that write the node's properties; each one ports upstream's file of the same name. */
export const architecture: Hook = {
  name: 'architecture',
  run(at) {
    const arch = objectAt(at.inventory, 'cpu')['architecture'];
    if (typeof arch !== 'string' || !/^[A-Za-z0-9_.-]{1,32}$/.test(arch)) {
      throw badInventory(at, 'Inventory has malformed or missing CPU architecture information');
    }
    at.properties['cpu_arch'] = arch;
  },
};

export const cpus: Hook = {
  name: 'cpus',
  run(at) {
    const count = wholeNumber(objectAt(at.inventory, 'cpu')['count']);
    if (count) at.properties['cpus'] = count;
  },
};

export const memory: Hook = {
  name: 'memory',
  run(at) {
    const size = wholeNumber(objectAt(at.inventory, 'memory')['physical_mb']);
    if (size === null) throw badInventory(at, 'Inventory has missing memory information');
    at.properties['memory_mb'] = size;
  },
};

export const cpuCapabilities: Hook = {
  name: 'cpu-capabilities',
  run(at) {
    const flags = objectAt(at.inventory, 'cpu')['flags'];
    if (!Array.isArray(flags)) return;
    const set = Object.entries(at.settings.cpu_capabilities).filter(([flag]) => flags.includes(flag));
    if (set.length > 0) setCapabilities(at, Object.fromEntries(set.map(([, name]) => [name, 'true'])));
  },
};

export const bootMode: Hook = {
  name: 'boot-mode',
  run(at) {
    const mode = objectAt(at.inventory, 'boot')['current_boot_mode'];
    if (mode === 'bios' || mode === 'uefi') setCapabilities(at, { boot_mode: mode });
  },
};

export const rootDevice: Hook = {
  name: 'root-device',
  run(at) {
    const hints = at.properties['root_device'];
    if (hints !== undefined && hints !== null) at.plugin_data['root_disk'] = hinted(at, hints);
    const size = wholeNumber(objectAt(at.plugin_data, 'root_disk')['size']);
    const whole = Math.floor((size ?? 0) / GIB);
    // A machine without a disk: 0.
    const local_gb = whole > 0 && at.settings.disk_partitioning_spacing ? whole - 1 : whole;
    at.plugin_data['local_gb'] = local_gb;
    at.properties['local_gb'] = local_gb;
  },
};

function hinted(at: Inspection, hints: Json): JsonObject {
  const disks = objectsAt(at.inventory, 'disks').filter(
    (disk) => typeof disk['name'] === 'string' && typeof disk['size'] === 'number',
  ) as unknown as (RootDeviceCandidate & JsonObject)[];
  const skip = at.properties['skip_block_devices'];
  try {
    const skipped = new Set(Array.isArray(skip) ? skip.flatMap((one) => findDevicesByHints(disks, one)) : []);
    const found = deviceByHints(
      disks.filter((disk) => !skipped.has(disk)),
      hints,
    );
    if (found) return found;
  } catch (error) {
    throw new InvalidError(
      `No disks could be found using root device hints for node ${at.node_uuid} because they failed to validate. ` +
        `Error: ${messageOf(error)}`,
      { cause: error },
    );
  }
  throw new InvalidError(`No disks satisfied root device hints for node ${at.node_uuid}`);
}

/** For two inspections, before and after a RAID was created: the one new disk is the root device. */
export const raidDevice: Hook = {
  name: 'raid-device',
  run(at) {
    if ('root_device' in at.properties || !at.before) return;
    const former = serialsOf(at.before);
    const fresh = serialsOf(at.inventory).filter((serial) => !former.includes(serial));
    if (fresh.length === 1) at.properties['root_device'] = { serial: fresh[0]! };
    else at.log.warn({ disks: fresh.length }, 'raid-device: not exactly one disk is new');
  },
};

function serialsOf(inventory: JsonObject): string[] {
  return objectsAt(inventory, 'disks').flatMap(({ serial }) =>
    typeof serial === 'string' && serial !== '' ? [oneLine(serial)] : [],
  );
}

export const pciDevices: Hook = {
  name: 'pci-devices',
  run(at) {
    const found = objectsAt(at.plugin_data, 'pci_devices');
    const counts = at.settings.pci_device_alias
      .map(({ vendor_id, product_id, name }) => {
        const same = found.filter(
          (one) => one['vendor_id'] === vendor_id && one['product_id'] === product_id,
        );
        return [name, same.length] as const;
      })
      .filter(([, count]) => count > 0);
    if (counts.length > 0) {
      setCapabilities(at, Object.fromEntries(counts.map(([name, count]) => [name, String(count)])));
    }
  },
};

export const accelerators: Hook = {
  name: 'accelerators',
  run(at) {
    const found = objectsAt(at.plugin_data, 'pci_devices');
    if (found.length === 0) return;
    at.properties['accelerators'] = found.flatMap((one): JsonObject[] => {
      const known = at.settings.known_accelerators.find(
        ({ vendor_id, device_id }) => one['vendor_id'] === vendor_id && one['product_id'] === device_id,
      );
      return known ? [{ ...known, pci_address: oneLine(String(one['bus'] ?? ''), 32) }] : [];
    });
  },
};

function wholeNumber(value: Json | undefined): number | null {
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : null;
}
