import { gunzipSync } from 'node:zlib';
import { buildFat } from '../../../src/protocol/file-system/fat.js';
import { fileSystemOf } from '../../../src/protocol/image-format/content.js';
import { fileSystemFault } from '../../../src/protocol/image-format/sector-size.js';
import { readIso9660 } from '../../../src/protocol/iso/read.js';
import type { AgentLog } from '../agent-log.js';
import { deployment, messageOf } from '../error.js';
import type { BlockDevice } from '../machine/block-device.js';
import { withFile, writeFully } from './disk-file.js';
import {
  addLastPartition,
  type Partition,
  probe,
  readPartitionTable,
  rereadPartitions,
} from './partition-table.js';

export const CONFIG_DRIVE_LABEL = 'config-2';
/** Size of the partition, whatever the content, and the limit of the content. */
const MAX_SIZE = 64 * 2 ** 20;

/**
 * Writes a config drive to the disk's partition labelled config-2, which is made at the end if missing.
 * @param configDrive base64 of a gzipped file system image, or its URL (base64, gzipped or plain)
 * @throws AgentError DeploymentError
 */
export async function writeConfigDrive(
  configDrive: string,
  device: BlockDevice,
  fetch: (url: string) => Promise<Buffer>,
  log: AgentLog,
): Promise<void> {
  const content = await readConfigDrive(configDrive, device, fetch);
  const partition =
    (await findLabelled(device)) ??
    (await addLastPartition(device.name, device.size, device.logical_sectors, MAX_SIZE));
  if (partition.size < content.length) {
    throw deployment(`The config drive has ${content.length} bytes, its partition ${partition.size}.`);
  }
  // By its offset on the disk: no partition device need exist yet.
  await withFile(device.name, 'r+', async (file) => {
    await writeFully(file, content, partition.start);
    await file.sync();
  });
  await rereadPartitions(device.name);
  log.say(
    `config drive of ${content.length} bytes written to partition ${partition.number} of ${device.name}`,
  );
}

/**
 * The volume from a conductor, as base64 of gzip or by URL, in a form that can be mounted from the disk.
 * @throws AgentError DeploymentError
 */
export async function readConfigDrive(
  configDrive: string,
  device: BlockDevice,
  fetch: (url: string) => Promise<Buffer>,
): Promise<Buffer> {
  const content = /^https?:\/\//i.test(configDrive)
    ? decodeFetched(await fetch(configDrive))
    : decodeConfigDrive(configDrive);
  if (content.length > MAX_SIZE) throw tooLarge(content.length);
  return mountable(content, device);
}

/** ISO 9660 has blocks of 2048 bytes: on a disk with larger sectors its files go into a FAT volume, as in upstream. */
function mountable(content: Buffer, device: BlockDevice): Buffer {
  const { name, logical_sectors: sector } = device;
  const fault = fileSystemFault(content, sector);
  if (fault === undefined) return content;
  if (fileSystemOf(content)?.kind !== 'iso9660') {
    throw deployment(`The config drive could not be mounted from ${name}: ${fault}.`);
  }
  try {
    const files = readIso9660(content);
    const volume = Buffer.from(buildFat(files, { label: CONFIG_DRIVE_LABEL, sector, time: Date.now() }));
    if (volume.length > MAX_SIZE) throw tooLarge(volume.length);
    return volume;
  } catch (error) {
    throw deployment(
      `The config drive could not be mounted from ${name} (${fault}), and could not be made into a FAT volume: ` +
        `${messageOf(error)}.`,
      { cause: error },
    );
  }
}

/** @throws AgentError DeploymentError when the text is not base64 of gzip */
export function decodeConfigDrive(text: string): Buffer {
  const plain = text.replace(/\s+/g, '');
  if (plain === '' || !/^[A-Za-z0-9+/]*={0,2}$/.test(plain)) {
    throw deployment('Config drive is not base64 encoded or the content is malformed.');
  }
  return gunzip(Buffer.from(plain, 'base64'));
}

function decodeFetched(bytes: Buffer): Buffer {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return gunzip(bytes);
  const head = bytes.subarray(0, 64).toString('latin1');
  return /^[A-Za-z0-9+/\s]+=*\s*$/.test(head) ? decodeConfigDrive(bytes.toString('latin1')) : bytes;
}

function gunzip(bytes: Buffer): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_SIZE });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(undefined);
    throw deployment(`Encountered error while decompressing the config drive: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function tooLarge(size: number | undefined): Error {
  const has = size === undefined ? '' : ` It has ${size} bytes.`;
  return deployment(`Config drive size exceeds maximum limit of 64MiB.${has}`);
}

/**
 * Finds the partition by its name or by the label of its file system, for images that bring their own. The case is
 * ignored, since FAT tools write CONFIG-2.
 */
async function findLabelled(device: BlockDevice): Promise<Partition | undefined> {
  const table = await readPartitionTable(device.name);
  for (const partition of table?.partitions ?? []) {
    const names = [partition.name, await probe(device.name, partition, 'LABEL')];
    if (names.some((name) => name?.toLowerCase() === CONFIG_DRIVE_LABEL)) return partition;
  }
  return undefined;
}
