import { protectedDevice } from '../error.js';
import type { BlockDevice } from '../machine/block-device.js';
import { runProgram } from '../run-program.js';

/** Partition types and file systems that other machines may be using at this moment (hardware.py, safety check). */
const GUARDED_TYPES: Readonly<Record<string, string>> = {
  '37affc90-ef7d-4e96-91c3-2d7ae055b174': 'IBM GPFS Partition',
  'aa31e02a-400f-11db-9590-000c2911d1b8': 'VMware VMFS Partition (GPT)',
  '0xfb': 'VMware VMFS Partition (MBR)',
};
const GUARDED_FILE_SYSTEMS: Readonly<Record<string, string>> = { gfs2: 'Red Hat Global File System 2' };

/** @throws AgentError ProtectedDeviceError when the disk holds a shared cluster file system */
export async function refuseSharedStorage(device: BlockDevice): Promise<void> {
  const { stdout } = await runProgram('blkid', ['--probe', '--output', 'export', device.name], {
    accept: [0, 2, 8],
  });
  const fileSystem = /^TYPE=(.*)$/m.exec(stdout)?.[1];
  const found = fileSystem === undefined ? undefined : GUARDED_FILE_SYSTEMS[fileSystem.toLowerCase()];
  if (found !== undefined) throw refusal(device.name, found);
  for (const partition of device.partitions) {
    const probed = await runProgram('blkid', ['--probe', '--output', 'export', partition], {
      accept: [0, 2, 8],
    });
    const type = /^PART_ENTRY_TYPE=(.*)$/m.exec(probed.stdout)?.[1]?.toLowerCase();
    const inside = /^TYPE=(.*)$/m.exec(probed.stdout)?.[1]?.toLowerCase();
    const what = (type && GUARDED_TYPES[type]) ?? (inside && GUARDED_FILE_SYSTEMS[inside]);
    if (what) throw refusal(partition, what);
  }
}

function refusal(device: string, what: string): Error {
  return protectedDevice(
    `Protected ${what} located on device ${device}. This volume or contents may be a shared block device. ` +
      'Please consult your storage administrator, and restart cleaning after either detaching the volumes, ' +
      'or booting the agent with ipa-guard-special-filesystems=false.',
  );
}
