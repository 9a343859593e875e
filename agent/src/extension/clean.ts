import type { Extension } from '../command-board.js';
import { eraseMetadata } from '../disk/erase-metadata.js';
import { refuseSharedStorage } from '../disk/special-partition.js';
import { AgentError, blockDeviceErase, messageOf } from '../error.js';
import type { Journal } from '../journal.js';
import type { BlockDevice } from '../machine/block-device.js';
import type { NodeCache } from '../node-cache.js';
import { type OfferedStep, stepExtension } from './step.js';

export interface CleanTools {
  node: NodeCache;
  journal: Journal;
  guardSpecialFilesystems: boolean;
}

export function cleanExtension(tools: CleanTools): Extension {
  return stepExtension('clean', cleanSteps(tools), tools.node);
}

function cleanSteps(tools: CleanTools): OfferedStep[] {
  return [
    {
      step: 'erase_devices_metadata',
      priority: 99,
      interface: 'deploy',
      reboot_requested: false,
      abortable: true,
      run: async () => {
        await eraseAllMetadata(tools);
        return null;
      },
    },
  ];
}

/** Every disk is tried; the error names all that failed. @throws AgentError */
export async function eraseAllMetadata(tools: CleanTools): Promise<void> {
  const failures: string[] = [];
  for (const device of erasable(tools)) {
    await guard(tools, device);
    try {
      await eraseMetadata(device);
      tools.journal.say(`metadata of ${device.name} (${device.size} bytes) erased`);
    } catch (error) {
      failures.push(`"${device.name}": ${messageOf(error)}`);
    }
  }
  if (failures.length > 0) {
    throw blockDeviceErase(`Failed to erase the metadata on the device(s): ${failures.join('; ')}`);
  }
}

function erasable(tools: CleanTools): BlockDevice[] {
  return tools.node.disks().filter((device) => {
    if (device.readOnly) tools.journal.say(`${device.name} is read-only and is left as it is`);
    return !device.readOnly;
  });
}

async function guard(tools: CleanTools, device: BlockDevice): Promise<void> {
  if (!tools.guardSpecialFilesystems || tools.node.internal('wipe_special_filesystems') === false) return;
  try {
    await refuseSharedStorage(device);
  } catch (error) {
    if (error instanceof AgentError) throw error;
    throw blockDeviceErase(`${device.name} could not be examined: ${messageOf(error)}`, { cause: error });
  }
}
