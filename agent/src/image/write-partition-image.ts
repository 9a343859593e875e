import {
  type DiskLabel,
  defaultLabel,
  neededSize,
  type PartitionRole,
  planPartitions,
} from '../../../src/domain/image/disk-layout.js';
import type { BootMode } from '../../../src/domain/node/boot-device.js';
import { inspectImage } from '../../../src/protocol/image-format/inspect.js';
import { fileSystemFault } from '../../../src/protocol/image-format/sector-size.js';
import { readConfigDrive } from '../disk/config-drive.js';
import { withFile, writeFully, zeroRange } from '../disk/disk-file.js';
import { type LaidOut, layOut } from '../disk/lay-out.js';
import { makeFileSystem } from '../disk/make-file-system.js';
import { partitionUuid, rereadPartitions } from '../disk/partition-table.js';
import { deployment, invalidCommandParams, invalidImage, messageOf } from '../error.js';
import type { BlockDevice } from '../machine/block-device.js';
import type { ImageInfo } from './image-info.js';
import type { Target, WriteImageTools, WrittenImage } from './transfer.js';

const MIB = 2 ** 20;
/** Wiped of a root partition whose image failed verification: contains every superblock that a boot loader reads. */
const START = 1 * MIB;

/**
 * Partitions the disk as the conductor requests, and writes the image, a single file system, into the last partition
 * (ironic_python_agent/partition_utils.py, work_on_disk).
 * @throws AgentError
 */
export async function writePartitionImage(
  image: ImageInfo,
  configDrive: string | undefined,
  device: BlockDevice,
  tools: WriteImageTools,
  parts: { fetch: (url: string) => Promise<Buffer>; write: (target: Target) => Promise<void> },
): Promise<WrittenImage> {
  const volume =
    configDrive === undefined ? undefined : await readConfigDrive(configDrive, device, parts.fetch);
  const { label, bootMode, plan, keep, rootSize } = planOf(image, volume?.length ?? 0, tools.bootMode());
  if (neededSize(plan) * MIB > device.size) {
    throw deployment(
      `The disk ${device.name} has ${Math.floor(device.size / MIB)} MiB; the partitions that are asked for need ` +
        `${neededSize(plan)} MiB.`,
    );
  }
  let made: LaidOut | undefined;
  const root = plan.at(-1)!;
  await parts.write({
    device: device.name,
    start: root.start * MIB,
    size: rootSize,
    limitName: 'the root partition, as root_gb makes it, has',
    prepare: async (head) => {
      refusePartitions(head, image.id);
      refuseSectors(head, image.id, device);
      made = await layOut(device, label, plan, keep);
      tools.log.say(
        `${device.name} (${label}, ${bootMode}): ${plan.map(({ role, size }) => `${role} ${size} MiB`).join(', ')}`,
      );
    },
    discard: () => zeroRange(device.name, root.start * MIB, Math.min(START, rootSize)),
  });
  if (!made) throw deployment(`Image ${image.id} was not written.`);
  await fill(made, device, image, volume, keep, tools);
  await rereadPartitions(device.name);
  const rootUuid = await partitionUuid(device.name, made.get('root')!);
  const esp = made.get('esp');
  return {
    device: device.name,
    rootUuid,
    ...(esp ? { espUuid: await partitionUuid(device.name, esp) } : {}),
  };
}

async function fill(
  made: LaidOut,
  device: BlockDevice,
  image: ImageInfo,
  volume: Buffer | undefined,
  keep: boolean,
  tools: WriteImageTools,
): Promise<void> {
  const format = (role: PartitionRole, kind: string, name: string) => {
    const partition = made.get(role);
    return partition && makeFileSystem(kind, name, device.name, partition, tools.scratchDir);
  };
  await format('esp', 'vfat', 'efi-part');
  await format('swap', 'swap', 'swap1');
  if (!keep) await format('ephemeral', image.ephemeral_format ?? 'ext4', 'ephemeral0');
  const drive = made.get('config-drive');
  if (!drive || !volume) return;
  await withFile(device.name, 'r+', async (file) => {
    await writeFully(file, volume, drive.start);
    await file.sync();
  });
  tools.log.say(`config drive of ${volume.length} bytes written to partition ${drive.number}`);
}

function planOf(image: ImageInfo, volumeBytes: number, machineMode: BootMode) {
  const bootMode = image.deploy_boot_mode ?? machineMode;
  if (bootMode !== 'bios' && bootMode !== 'uefi') {
    throw invalidCommandParams("Image 'deploy_boot_mode' must be bios or uefi.");
  }
  const label = image.disk_label ?? defaultLabel(bootMode);
  if (label !== 'gpt' && label !== 'msdos') {
    throw invalidCommandParams("Image 'disk_label' must be gpt or msdos.");
  }
  const root = image.root_mb ?? 0;
  if (root <= 0) throw invalidCommandParams("Image 'root_mb' must be given for a partition image.");
  const ephemeral = image.ephemeral_mb ?? 0;
  const keep = image.preserve_ephemeral ?? false;
  try {
    const plan = planPartitions({
      label: label as DiskLabel,
      bootMode,
      root,
      swap: image.swap_mb ?? 0,
      ephemeral,
      configDrive: Math.ceil(volumeBytes / MIB),
    });
    return { label: label as DiskLabel, bootMode, plan, keep: keep && ephemeral > 0, rootSize: root * MIB };
  } catch (error) {
    throw invalidCommandParams(messageOf(error), { cause: error });
  }
}

/** @throws AgentError InvalidImage for a file system that cannot be mounted from this disk */
function refuseSectors(head: Buffer, id: string, device: BlockDevice): void {
  const fault = fileSystemFault(head, device.logical_sectors);
  if (fault === undefined) return;
  throw invalidImage(`Image ${id} cannot be used on ${device.name}: ${fault}. Nothing was written.`);
}

/** @throws AgentError InvalidImage for a whole-disk image */
function refusePartitions(head: Buffer, id: string): void {
  const found = inspectImage(head);
  if (found.partitionTable === undefined) return;
  throw invalidImage(
    `Image ${id} is to be a partition image, but it holds a partition table: it is the image of a whole disk. ` +
      'Nothing was written.',
  );
}
