import type { CommandContext } from '../command-board.js';
import { writeConfigDrive } from '../disk/config-drive.js';
import { eraseMetadata } from '../disk/erase-metadata.js';
import {
  diskIdentifier,
  moveBackupGpt,
  requirePartitions,
  rereadPartitions,
} from '../disk/partition-table.js';
import { messageOf } from '../error.js';
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
 * Writes an image to the disk, and the config drive behind it. A whole-disk image brings its partitions, a partition
 * image gets those that the conductor names. Raw images stream to the disk; others are downloaded to memory, verified,
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
  const request = downloadRequest(image, tools.settings);
  const fetch = async (url: string) => downloadSmall(url, { ...request, ...SMALL }, tools.journal);
  const digest = await expectedChecksum(image, tools.md5Allowed, async (url) =>
    (await fetch(url)).toString('utf8'),
  );
  tools.journal.say(
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
  await write({
    device: device.name,
    start: 0,
    size: device.size,
    limitName: `the disk ${device.name} holds`,
    // The old table must not outlive a write that fails half way.
    prepare: () => eraseMetadata(device),
    discard: () => eraseMetadata(device),
  });
  await rereadPartitions(device.name);
  await moveBackupGpt(device.name).catch((error: unknown) =>
    tools.journal.say(`the backup GPT of ${device.name} stays where it is: ${messageOf(error)}`),
  );
  await requirePartitions(device.name);
  await rereadPartitions(device.name);
  if (configDrive !== undefined) await writeConfigDrive(configDrive, device, fetch, tools.journal);
  return { device: device.name, rootUuid: await diskIdentifier(device.name) };
}

function isStreamable(image: ImageInfo): boolean {
  return image.disk_format === 'raw' || image.disk_format === 'gpt';
}
