import { MAX_CHECKSUM_FILE } from '../../../src/domain/image/checksum-text.js';
import { contentsOf } from '../../../src/protocol/image-format/contents.js';
import { isFlat } from '../../../src/protocol/image-format/formats.js';
import { isPartitioned } from '../../../src/protocol/image-format/partition-table.js';
import { sectorFault } from '../../../src/protocol/image-format/sector-size.js';
import type { CommandContext } from '../command-board.js';
import { writeConfigDrive } from '../disk/config-drive.js';
import { eraseMetadata } from '../disk/erase-metadata.js';
import {
  diskIdentifier,
  moveBackupGpt,
  requirePartitions,
  rereadPartitions,
} from '../disk/partition-table.js';
import { invalidImage } from '../error.js';
import type { BlockDevice } from '../machine/block-device.js';
import { expectedChecksum } from './checksum.js';
import { downloadSmall, withoutSecrets } from './download.js';
import type { ImageInfo } from './image-info.js';
import {
  downloadAndConvert,
  downloadRequest,
  SMALL,
  stream,
  type Target,
  type WriteImageTools,
  type WrittenImage,
} from './transfer.js';
import { writePartitionImage } from './write-partition-image.js';

/**
 * Writes an image to the disk, then the config drive. A whole-disk image brings its partitions, a partition image gets
 * those that the conductor requests. Raw images stream to the disk; others are downloaded to memory, verified,
 * inspected, then converted.
 * @throws AgentError
 */
export async function writeImage(
  image: ImageInfo,
  configDrive: string | undefined,
  device: BlockDevice,
  tools: WriteImageTools,
  context: CommandContext,
): Promise<WrittenImage> {
  const request = downloadRequest(image, tools);
  const fetch = async (url: string) => downloadSmall(url, { ...request, ...SMALL }, tools.log);
  const sums = { ...request, ...SMALL, maxBytes: MAX_CHECKSUM_FILE, encoded: true };
  const digest = await expectedChecksum(image, tools.md5Allowed, (url) =>
    downloadSmall(url, sums, tools.log),
  );
  tools.log.say(
    `writing image ${image.id} (${image.disk_format ?? 'format not named'}, ${digest.algorithm}) from ` +
      `${withoutSecrets(image.urls[0]!)} to ${device.name}`,
  );
  const write = (target: Target) =>
    isStreamable(image)
      ? stream(image, digest, request, target, tools, context)
      : downloadAndConvert(image, digest, request, target, tools, context);
  if (image.image_type === 'partition') {
    return writePartitionImage(image, configDrive, device, tools, { fetch, write });
  }
  let table = true;
  await write({
    device: device.name,
    start: 0,
    size: device.size,
    limitName: `the disk ${device.name} holds`,
    // The old table must not survive a write that fails halfway.
    prepare: async (head) => {
      table = contentsOf(head) !== 'optical-disc' || isPartitioned(head);
      refuseUnusable(head, image.id, device, configDrive !== undefined);
      await eraseMetadata(device);
    },
    discard: () => eraseMetadata(device),
  });
  await rereadPartitions(device.name);
  await moveBackupGpt(device.name);
  // A disc that boots by El Torito alone has no partition table.
  if (table) await requirePartitions(device.name);
  await rereadPartitions(device.name);
  if (configDrive !== undefined) await writeConfigDrive(configDrive, device, fetch, tools.log);
  return { device: device.name, rootUuid: await diskIdentifier(device.name) };
}

/** @throws AgentError InvalidImage for an image that could not boot from this disk */
function refuseUnusable(head: Buffer, id: string, device: BlockDevice, withDrive: boolean): void {
  const fault = faultOf(head, device, withDrive);
  if (fault === undefined) return;
  throw invalidImage(`Image ${id} cannot be used on ${device.name}: ${fault}. Nothing was written.`);
}

function faultOf(head: Buffer, device: BlockDevice, withDrive: boolean): string | undefined {
  const contents = contentsOf(head);
  if (contents === 'protective-mbr')
    return 'it begins with a protective MBR, but no GPT that can be read is behind it';
  if (contents === 'plain-disc')
    return 'it is an ISO without a boot record (neither El Torito nor an MBR), from which nothing starts';
  if (contents === 'optical-disc' && withDrive && !isPartitioned(head))
    return 'it is an ISO without a partition table, so that no partition for the config drive can be added';
  return sectorFault(head, device.logical_sectors);
}

function isStreamable(image: ImageInfo): boolean {
  return isFlat(image.disk_format);
}
