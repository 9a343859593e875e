import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Checksum } from '../../../src/domain/image/checksum.js';
import { checkDeclared } from '../../../src/protocol/image-format/check.js';
import { createInspector } from '../../../src/protocol/image-format/inspect.js';
import type { CommandContext } from '../command-board.js';
import { writeConfigDrive } from '../disk/config-drive.js';
import { eraseMetadata } from '../disk/erase-metadata.js';
import {
  diskIdentifier,
  moveBackupGpt,
  requirePartitions,
  rereadPartitions,
} from '../disk/partition-table.js';
import { deployment, imageChecksum, invalidImage, messageOf } from '../error.js';
import type { Journal } from '../journal.js';
import type { BlockDevice } from '../machine/block-device.js';
import { expectedChecksum } from './checksum.js';
import { convertToDisk } from './convert.js';
import { DiskSink } from './disk-sink.js';
import { type DownloadRequest, download, downloadSmall, type Sink, withoutSecrets } from './download.js';
import { authorizationOf, type ImageInfo } from './image-info.js';
import { ImageProgress } from './progress.js';

export interface WriteImageSettings {
  insecure: boolean;
  tlsMinVersion: 'TLSv1.2' | 'TLSv1.3';
  /** Seconds. */
  imageConnectionTimeout: number;
  imageRetries: number;
  imageRetryInterval: number;
  imageMaxDuration: number;
}

export interface WriteImageTools {
  settings: WriteImageSettings;
  journal: Journal;
  /** Bytes. */
  availableMemory: () => number;
  /** Folder in memory for images that cannot be streamed. */
  scratchDir: string;
  md5Allowed: boolean;
  permittedFormats: readonly string[];
}

export interface WrittenImage {
  device: string;
  rootUuid: string;
}

/** Left free besides a downloaded image, for qemu-img and the agent. */
const MEMORY_RESERVE = 96 * 2 ** 20;

/**
 * Writes a whole-disk image, checks that a disk came of it, and puts the config drive behind it.
 * Raw images stream to the disk; others are downloaded to memory, verified, inspected, then converted.
 * @throws AgentError
 */
export async function writeImage(
  image: ImageInfo,
  configDrive: string | undefined,
  device: BlockDevice,
  tools: WriteImageTools,
  context: CommandContext,
): Promise<WrittenImage> {
  if (image.image_type === 'partition') {
    throw deployment(
      `Image ${image.id} is a partition image. This agent writes whole-disk images only; use one that holds a ` +
        'partition table and a boot loader.',
    );
  }
  const request = downloadRequest(image, tools.settings);
  const digest = await expectedChecksum(image, tools.md5Allowed, async (url) => {
    return (await downloadSmall(url, { ...request, ...SMALL }, tools.journal)).toString('utf8');
  });
  tools.journal.say(
    `writing image ${image.id} (${image.disk_format ?? 'format not named'}, ${digest.algorithm}) from ` +
      `${withoutSecrets(image.urls[0]!)} to ${device.name}`,
  );
  // The old table must not outlive a write that fails half way.
  await eraseMetadata(device);
  const streamable = image.disk_format === 'raw' || image.disk_format === 'gpt';
  if (streamable) await stream(image, digest, request, device, tools, context);
  else await downloadAndConvert(image, digest, request, device, tools, context);

  await rereadPartitions(device.name);
  await moveBackupGpt(device.name).catch((error: unknown) =>
    tools.journal.say(`the backup GPT of ${device.name} stays where it is: ${messageOf(error)}`),
  );
  await requirePartitions(device.name);
  await rereadPartitions(device.name);
  if (configDrive !== undefined) {
    const fetch = async (url: string) => downloadSmall(url, { ...request, ...SMALL }, tools.journal);
    await writeConfigDrive(configDrive, device, fetch, tools.journal);
  }
  return { device: device.name, rootUuid: await diskIdentifier(device.name) };
}

/** Config drives and checksum files. */
const SMALL = { maxBytes: 128 * 2 ** 20, limitName: 'such a file may have' };

async function stream(
  image: ImageInfo,
  digest: Checksum,
  request: DownloadRequest,
  device: BlockDevice,
  tools: WriteImageTools,
  context: CommandContext,
): Promise<void> {
  const limits = { maxBytes: device.size, limitName: `the disk ${device.name} holds` };
  const progress = new ImageProgress('download', context, tools.journal, image.id);
  const file = await open(device.name, 'r+');
  try {
    const sink = new DiskSink(file, device.name);
    await verified(image, digest, { ...request, ...limits }, sink, device.name, tools, progress);
  } catch (error) {
    // What lies on the disk was not verified: nothing may start from it.
    await eraseMetadata(device).catch((second: unknown) =>
      tools.journal.say(`the unverified image on ${device.name} could not be erased: ${messageOf(second)}`),
    );
    throw error;
  } finally {
    await file.close();
  }
}

async function downloadAndConvert(
  image: ImageInfo,
  digest: Checksum,
  request: DownloadRequest,
  device: BlockDevice,
  tools: WriteImageTools,
  context: CommandContext,
): Promise<void> {
  const room = Math.max(0, tools.availableMemory() - MEMORY_RESERVE);
  const path = join(tools.scratchDir, 'image');
  const limits = {
    maxBytes: room,
    limitName: "an image that is not raw goes through this machine's memory, which has room for",
  };
  try {
    const file = await open(path, 'w+', 0o600);
    let inspector = createInspector();
    try {
      const progress = new ImageProgress('download', context, tools.journal, image.id);
      const disk = new DiskSink(file, path);
      const sink: Sink = {
        write: async (chunk) => {
          inspector.push(chunk);
          await disk.write(chunk);
        },
        restart: async () => {
          inspector = createInspector();
          await disk.restart();
          await file.truncate(0);
        },
        finish: async () => disk.finish(),
      };
      await verified(image, digest, { ...request, ...limits }, sink, path, tools, progress);
    } finally {
      await file.close();
    }
    const found = inspector.result();
    const declared = image.disk_format === 'unknown' ? undefined : image.disk_format;
    try {
      checkDeclared(found, declared, tools.permittedFormats, device.size);
    } catch (error) {
      throw invalidImage(`Security: ${messageOf(error)}`, { cause: error });
    }
    const size = found.virtualSize ?? device.size;
    const progress = new ImageProgress('convert', context, tools.journal, image.id);
    const format = found.format === 'gpt' ? 'raw' : found.format!;
    await convertToDisk(path, format, device.name, size, (done, total) => progress.at(done, total));
  } finally {
    await rm(path, { force: true });
  }
}

/** A wrong checksum is tried once more: the fault may have been on the way. @throws AgentError */
async function verified(
  image: ImageInfo,
  digest: Checksum,
  request: DownloadRequest,
  sink: Sink,
  location: string,
  tools: WriteImageTools,
  progress: ImageProgress,
): Promise<void> {
  for (let turn = 0; ; turn++) {
    const got = await download(request, digest.algorithm, sink, tools.journal, (bytes, total) =>
      progress.at(bytes, total),
    );
    if (got.digest === digest.value) {
      tools.journal.say(`image ${image.id}: ${got.bytes} bytes, ${digest.algorithm} is right`);
      return;
    }
    const error = imageChecksum(location, image.id, digest.value, got.digest);
    if (turn >= 1) throw error;
    tools.journal.say(`${error.message}; downloading once more`);
    await sink.restart();
  }
}

function downloadRequest(image: ImageInfo, settings: WriteImageSettings): DownloadRequest {
  return {
    imageId: image.id,
    urls: image.urls,
    authorization: authorizationOf(image),
    proxies: image.proxies,
    noProxy: image.no_proxy,
    insecure: settings.insecure,
    tlsMinVersion: settings.tlsMinVersion,
    idleTimeout: settings.imageConnectionTimeout,
    retries: settings.imageRetries,
    retryInterval: settings.imageRetryInterval,
    maxDuration: settings.imageMaxDuration,
    ...SMALL,
  };
}
