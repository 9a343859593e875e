import type { AgentLog } from '../agent-log.js';
import { blockDeviceErase, incompatibleMethod, messageOf } from '../error.js';
import type { BlockDevice } from '../machine/block-device.js';
import { overwrite } from './overwrite.js';
import { rereadPartitions } from './partition-table.js';
import { ataSecureErase, nvmeFormat } from './secure-erase.js';

/** The operator's settings, from the node's driver_internal_info (ironic: [deploy] options). */
export interface EraseWishes {
  nvmeSecureErase: boolean;
  ataSecureErase: boolean;
  /** Overwrite when the disk's own erase failed. */
  continueIfSecureEraseFailed: boolean;
  iterations: number;
  zeroize: boolean;
  skipReadOnly: boolean;
}

/** @param read a key of driver_internal_info */
export function eraseWishes(read: (key: string) => unknown): EraseWishes {
  const flag = (key: string, fallback: boolean) => {
    const value = read(key);
    return typeof value === 'boolean' ? value : fallback;
  };
  const iterations = Number(read('agent_erase_devices_iterations') ?? 1);
  return {
    nvmeSecureErase: flag('agent_enable_nvme_secure_erase', true),
    ataSecureErase: flag('agent_enable_ata_secure_erase', true),
    continueIfSecureEraseFailed: flag(
      'agent_continue_if_secure_erase_failed',
      flag('agent_continue_if_ata_erase_failed', false), // its name before NVMe support
    ),
    iterations: Number.isInteger(iterations) && iterations >= 0 ? iterations : 1,
    zeroize: flag('agent_erase_devices_zeroize', true),
    skipReadOnly: flag('agent_erase_skip_read_only', false),
  };
}

/**
 * Makes the user's data unreadable by the best available means: the disk's own erase, else overwriting.
 * @throws AgentError
 */
export async function eraseDevice(
  device: BlockDevice,
  wishes: EraseWishes,
  log: AgentLog,
  onProgress: (done: number, total: number) => void,
): Promise<void> {
  if (device.readOnly) {
    if (wishes.skipReadOnly) return log.say(`${device.name} is read-only and is left as it is`);
    throw blockDeviceErase(
      `Failed to invoke erase of device ${device.name} as the device is flagged read-only, and the conductor has ` +
        'not signaled this is a permitted case.',
    );
  }
  try {
    if (await eraseByDisk(device, wishes)) {
      await rereadPartitions(device.name);
      return log.say(`${device.name}: erased by the disk itself`);
    }
  } catch (error) {
    if (!wishes.continueIfSecureEraseFailed) {
      throw incompatibleMethod(
        `Failed to invoke secure erase, fallback to shred is not enabled: ${messageOf(error)}`,
        {
          cause: error,
        },
      );
    }
    log.say(`${messageOf(error)}; overwriting instead`);
  }
  const passes = wishes.iterations + (wishes.zeroize ? 1 : 0);
  if (passes === 0)
    throw incompatibleMethod(`Unable to erase block device ${device.name}: no pass is asked for.`);
  log.say(`${device.name}: overwriting ${device.size} bytes, ${passes} passes`);
  await overwrite(device, wishes.iterations, wishes.zeroize, onProgress);
  await rereadPartitions(device.name);
  log.say(`${device.name}: overwritten`);
}

async function eraseByDisk(device: BlockDevice, wishes: EraseWishes): Promise<boolean> {
  if (device.tran === 'nvme') {
    if (!wishes.nvmeSecureErase) return false;
    await nvmeFormat(device.name);
    return true;
  }
  // Disks without ATA (virtio, plain SCSI) are not queried.
  const ata = device.tran === 'sata' || device.tran === 'sas';
  return ata && wishes.ataSecureErase && (await ataSecureErase(device.name));
}
