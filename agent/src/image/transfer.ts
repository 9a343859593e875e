import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Checksum } from '../../../src/domain/image/checksum.js';
import type { BootMode } from '../../../src/domain/node/boot-device.js';
import { checkDeclared, usedFormat } from '../../../src/protocol/image-format/check.js';
import { createInspector } from '../../../src/protocol/image-format/inspect.js';
import type { AgentLog } from '../agent-log.js';
import type { CommandContext } from '../command-board.js';
import { imageChecksum, invalidImage, messageOf } from '../error.js';
import { convertToDisk, firstBytes } from './convert.js';
import { DiskSink } from './disk-sink.js';
import { type DownloadRequest, download, type Sink } from './download.js';
import { FetchGuard } from './fetch-guard.js';
import { HeadGate } from './head-gate.js';
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
  /** PEM: certificate authorities of the ramdisk's configuration. */
  authorities?: string | undefined;
  log: AgentLog;
  /** Bytes. */
  availableMemory: () => number;
  /** Directory in memory for images that cannot be streamed. */
  scratchDir: string;
  /** Boot mode of the running machine. */
  bootMode: () => BootMode;
  md5Allowed: boolean;
  permittedFormats: readonly string[];
}

export interface WrittenImage {
  device: string;
  rootUuid: string;
  /** UUID of the EFI system partition, when one was made. */
  espUuid?: string;
}

/** The destination of an image: a disk, or one partition of it. */
export interface Target {
  device: string;
  /** Bytes from the start of the disk. */
  start: number;
  /** Bytes. */
  size: number;
  /** Describes the limit in errors: "the disk /dev/sda holds". */
  limitName: string;
  /**
   * Called once with the first bytes of the disk inside the image, before anything is written; an error stops the
   * deployment.
   */
  prepare(head: Buffer): Promise<void>;
  /** Called when the written image could not be verified: nothing may boot from it. */
  discard(): Promise<void>;
}

/** Bytes left free besides a downloaded image, for qemu-img and the agent. */
const MEMORY_RESERVE = 96 * 2 ** 20;

/** Limits of config drives and checksum files. */
export const SMALL = { maxBytes: 128 * 2 ** 20, limitName: 'such a file may have' };

export async function stream(
  image: ImageInfo,
  digest: Checksum,
  request: DownloadRequest,
  target: Target,
  tools: WriteImageTools,
  context: CommandContext,
): Promise<void> {
  const limits = { maxBytes: target.size, limitName: target.limitName };
  const progress = new ImageProgress('download', context, tools.log, image.id);
  const file = await open(target.device, 'r+');
  const disk = new DiskSink(file, target.device, target.start);
  const sink = new HeadGate(disk, (head) => target.prepare(head));
  try {
    await verified(image, digest, { ...request, ...limits }, sink, target.device, tools, progress);
  } catch (error) {
    if (sink.opened) {
      await target
        .discard()
        .catch((second: unknown) =>
          tools.log.say(`the unverified image on ${target.device} could not be erased: ${messageOf(second)}`),
        );
    }
    throw error;
  } finally {
    await file.close();
  }
}

export async function downloadAndConvert(
  image: ImageInfo,
  digest: Checksum,
  request: DownloadRequest,
  target: Target,
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
      const progress = new ImageProgress('download', context, tools.log, image.id);
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
      checkDeclared(found, declared, tools.permittedFormats, target.size);
    } catch (error) {
      throw invalidImage(`Security: ${messageOf(error)}`, { cause: error });
    }
    const size = found.virtualSize ?? target.size;
    const progress = new ImageProgress('convert', context, tools.log, image.id);
    const format = usedFormat(found, declared)!;
    await target.prepare(await firstBytes(path, format, tools.scratchDir));
    await convertToDisk(path, format, target, size, (done, total) => progress.at(done, total));
  } finally {
    await rm(path, { force: true });
  }
}

/** Retries once after a wrong checksum: the error may have happened in transfer. @throws AgentError */
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
    const got = await download(request, digest.algorithm, sink, tools.log, (bytes, total) =>
      progress.at(bytes, total),
    );
    if (got.digest === digest.value) {
      tools.log.say(`image ${image.id}: ${got.bytes} bytes, ${digest.algorithm} is right`);
      return;
    }
    const error = imageChecksum(location, image.id, digest.value, got.digest);
    if (turn >= 1) throw error;
    tools.log.say(`${error.message}; downloading once more`);
    await sink.restart();
  }
}

export function downloadRequest(
  image: ImageInfo,
  { settings, authorities }: Pick<WriteImageTools, 'settings' | 'authorities'>,
): DownloadRequest {
  return {
    imageId: image.id,
    urls: image.urls,
    authorization: authorizationOf(image),
    proxy: { ...image.proxies, no: image.no_proxy },
    guard: new FetchGuard(image.fetchRules),
    insecure: settings.insecure,
    authorities: [authorities, image.fetchRules?.authorities],
    tlsMinVersion: settings.tlsMinVersion,
    idleTimeout: settings.imageConnectionTimeout,
    retries: settings.imageRetries,
    retryInterval: settings.imageRetryInterval,
    maxDuration: settings.imageMaxDuration,
    ...SMALL,
  };
}
