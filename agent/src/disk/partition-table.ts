import { deployment, messageOf } from '../error.js';
import { ProgramError, runProgram } from '../run-program.js';
import { isBlockDevice, readRange } from './disk-file.js';
import { wipeSignatures } from './wipe-signatures.js';

export interface Partition {
  number: number;
  /** Bytes from the start of the disk. */
  start: number;
  size: number;
  /** GUID (GPT, upper case) or hexadecimal byte (MBR, lower case). */
  type: string;
  uuid?: string;
  name?: string;
  bootable: boolean;
}

export interface PartitionTable {
  label: 'gpt' | 'dos';
  /** Maximum number of partitions in the table. */
  entries: number;
  partitions: Partition[];
}

export const ESP_TYPES = ['C12A7328-F81F-11D2-BA4B-00A0C93EC93B', 'ef'];
const MIB = 2 ** 20;
/** The agent informs the kernel itself, once, when all is written. */
export const QUIETLY = ['--quiet', '--no-reread', '--no-tell-kernel'];
const MBR_MAX_SECTORS = 2 ** 32;

/** @returns undefined when the disk has no partition table that sfdisk knows */
export async function readPartitionTable(device: string): Promise<PartitionTable | undefined> {
  let text: string;
  try {
    text = (await runProgram('sfdisk', ['--json', device])).stdout;
  } catch (error) {
    if (error instanceof ProgramError && error.result.exitCode > 0) return undefined;
    throw error;
  }
  const { partitiontable: table } = JSON.parse(text) as { partitiontable: SfdiskTable };
  if (table.label !== 'gpt' && table.label !== 'dos') return undefined;
  // sfdisk shows the protective MBR of an unreadable GPT as an MBR with one partition.
  if (table.label === 'dos' && table.partitions?.some(({ type }) => type === 'ee')) return undefined;
  const sector = table.sectorsize ?? 512;
  return {
    label: table.label,
    entries: table.label === 'dos' ? 4 : await gptEntries(device, sector),
    partitions: (table.partitions ?? []).map((part) => ({
      number: Number(/(\d+)$/.exec(part.node)?.[1]),
      start: part.start * sector,
      size: part.size * sector,
      type: part.type,
      uuid: part.uuid,
      name: part.name,
      bootable: part.bootable === true,
    })),
  };
}

/** UEFI specification 2.10 §5.3.2: NumberOfPartitionEntries. Of sfdisk's formats only its own shows it. */
async function gptEntries(device: string, sector: number): Promise<number> {
  return (await readRange(device, sector + 80, 4)).readUInt32LE(0);
}

interface SfdiskTable {
  label: string;
  sectorsize?: number;
  partitions?: {
    node: string;
    start: number;
    size: number;
    type: string;
    uuid?: string;
    name?: string;
    bootable?: boolean;
  }[];
}

/**
 * Moves the backup GPT header to the end of the disk, where firmware and installed systems expect it: an image is
 * smaller than its disk, so its copy is in the middle. Other tables stay unchanged.
 * @throws AgentError DeploymentError
 */
export async function moveBackupGpt(device: string): Promise<void> {
  if ((await readPartitionTable(device))?.label !== 'gpt') return;
  try {
    // sgdisk could do this too, but sleeps a second.
    await runProgram('sfdisk', [...QUIETLY, '--relocate', 'gpt-bak-std', device]);
  } catch (error) {
    throw deployment(`The backup GPT of ${device} could not be moved to its end: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** Makes the kernel read a changed table. Ignores a plain file; fails on a disk in use. */
export async function rereadPartitions(device: string): Promise<void> {
  if (!(await isBlockDevice(device))) return;
  await runProgram('sync', []);
  try {
    await runProgram('blockdev', ['--rereadpt', device]);
  } catch {
    // A partition is open: partx updates the entries that it can without closing the disk.
    await runProgram('partx', ['--update', device], { accept: [0, 1] });
  }
}

/** @throws AgentError when the disk has no partition table: the written image was not a disk image */
export async function requirePartitions(device: string): Promise<PartitionTable> {
  const table = await readPartitionTable(device);
  if (!table) {
    throw deployment(
      'Unable to find a valid partition table on the disk after writing the image. The image may be corrupted ' +
        'or it uses a different sector size than the device.',
    );
  }
  if (table.partitions.length === 0) {
    throw deployment(`No partitions found on the device ${device} after writing the image.`);
  }
  return table;
}

/**
 * Adds a partition at the end of the disk.
 * @param diskSize bytes @param sector bytes of a logical sector
 * @throws AgentError when there is no room, or no entry left in an MBR
 */
export async function addLastPartition(
  device: string,
  diskSize: number,
  sector: number,
  size: number,
): Promise<Partition> {
  const before = await requirePartitions(device);
  try {
    const sectors = Math.floor(diskSize / sector);
    const mbr = before.label === 'dos';
    if (mbr && before.partitions.filter((part) => part.number <= 4).length > 3) {
      throw deployment(
        `Config drive cannot be created: the disk ${device} uses MBR partitioning and has 4 primary partitions.`,
      );
    }
    if (!mbr && before.partitions.length >= before.entries) {
      throw deployment(
        `Config drive cannot be created: all ${before.entries} entries of the GPT of ${device} are in use.`,
      );
    }
    // A GPT has its backup in the last sectors; an MBR cannot count beyond 2^32.
    const end = mbr ? Math.min(sectors, MBR_MAX_SECTORS - 1) : sectors - MIB / sector;
    const start = Math.floor((end * sector - size) / MIB) * (MIB / sector);
    if (before.partitions.some((part) => part.start + part.size > start * sector)) {
      throw deployment(`The disk ${device} has no room at its end for a config drive.`);
    }
    const type = mbr ? 'type=83' : 'type=L, name="config-2"';
    await runProgram(
      'sfdisk',
      [...QUIETLY, '--append', '--wipe', 'never', '--wipe-partitions', 'never', device],
      {
        input: `start=${start}, size=${size / sector}, ${type}\n`,
      },
    );
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error;
    throw deployment(`Failed to create a config drive partition on ${device}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  const after = await requirePartitions(device);
  const added = after.partitions.filter(
    (part) => !before.partitions.some((old) => old.number === part.number),
  );
  if (added.length !== 1) {
    throw deployment(
      `A partition for the config drive was made on ${device}, but its partition table shows ${added.length} new ones.`,
    );
  }
  await wipeSignatures(device, added[0]!.start, added[0]!.size);
  await rereadPartitions(device);
  return added[0]!;
}

/** `/dev/sda` + 1 → `/dev/sda1`, `/dev/nvme0n1` + 1 → `/dev/nvme0n1p1`. */
export function partitionPath(device: string, number: number): string {
  return /\d$/.test(device) ? `${device}p${number}` : `${device}${number}`;
}

/**
 * The UUID of a partition's file system, else the partition's own, as reported to conductors
 * (ironic_python_agent/disk_utils.py, block_uuid).
 */
export async function partitionUuid(device: string, partition: Partition): Promise<string> {
  return (await probe(device, partition, 'UUID')) || (partition.uuid?.toLowerCase() ?? '');
}

/** blkid's value for a partition's content, found by its offset on the disk; '' for none. */
export async function probe(
  device: string,
  partition: Pick<Partition, 'start' | 'size'>,
  tag: 'UUID' | 'LABEL' | 'TYPE',
): Promise<string> {
  const { stdout } = await runProgram(
    'blkid',
    [
      '--probe',
      ...['--offset', String(partition.start), '--size', String(partition.size)],
      ...['--output', 'value', '--match-tag', tag, device],
    ],
    { accept: [0, 2, 8] },
  );
  return stdout.trim();
}

/** The disk identifier of the MBR, used as the root UUID of a whole-disk image. */
export async function diskIdentifier(device: string): Promise<string> {
  const bytes = await readRange(device, 440, 4);
  return `0x${bytes.readUInt32LE(0).toString(16).padStart(8, '0')}`;
}
