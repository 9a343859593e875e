import { createHash, getHashes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { AgentError } from './agent-error.js';
import type { NodeFaults } from './fault.js';
import { open } from './http-client.js';
import type { SparseDisk } from './sparse-disk.js';

export interface ImageInfo {
  id?: string;
  urls?: string[];
  disk_format?: string;
  checksum?: string;
  os_hash_algo?: string;
  os_hash_value?: string;
  image_type?: string;
  /** Size of the root partition, MiB. */
  root_mb?: number;
  deploy_boot_mode?: string;
}

export interface WriteContext {
  disk: SparseDisk;
  faults: NodeFaults;
  localAddress: string | undefined;
  signal: AbortSignal;
  /** Result of get_partition_uuids; filled by a partition image. */
  partitions: Record<string, string>;
  /** Makes the agent disappear at once. */
  vanish(): void;
}

const BY_LENGTH: Record<number, string> = { 32: 'md5', 64: 'sha256', 128: 'sha512' };

/**
 * Downloads a raw image onto the disk, with its checksum computed on the way (ironic_python_agent
 * extensions/standby.py, StandbyExtension._stream_raw_image_onto_device).
 * @throws AgentError as the agent's API would report it
 */
export async function writeImage(image: ImageInfo, context: WriteContext): Promise<string> {
  const { disk, faults, localAddress, signal } = context;
  if (image.disk_format !== 'raw')
    throw new AgentError(
      'ImageWriteError',
      500,
      'Error writing image to device',
      `format ${image.disk_format} is not supported by a simulated machine`,
    );
  const partition = image.image_type === 'partition';
  const start = partition ? ROOT_START : 0;
  if (partition && !(Number(image.root_mb) > 0 && start + Number(image.root_mb) * MIB <= disk.size))
    throw new AgentError(
      'ImageWriteError',
      500,
      'Error writing image to device',
      `the disk has no room for a root partition of ${image.root_mb} MiB`,
    );
  const url = image.urls?.[0];
  if (url === undefined)
    throw new AgentError(
      'InvalidCommandParamsError',
      400,
      'Invalid command parameters',
      "Image is missing 'urls' field.",
    );
  const { algorithm, expected } = checksumOf(image);
  const hash = createHash(algorithm);
  const slow = faults.find('slow')?.bytesPerSecond;
  const gone = faults.find('gone-mid-write')?.after;
  const writer = await disk.writer(start);
  try {
    const response = await open(url, { signal, ...(localAddress === undefined ? {} : { localAddress }) });
    if (response.statusCode !== 200) {
      response.destroy();
      throw new AgentError(
        'ImageDownloadError',
        500,
        'Error downloading image',
        `Download of image ${image.id} failed: URL: ${url}; received status code ${response.statusCode}`,
      );
    }
    for await (const chunk of response as AsyncIterable<Buffer>) {
      hash.update(chunk);
      await writer.write(chunk);
      if (gone !== undefined && writer.written >= gone) {
        context.vanish();
        signal.throwIfAborted();
      }
      if (slow !== undefined) await sleep((chunk.length / slow) * 1000, undefined, { signal });
    }
  } catch (error) {
    if (error instanceof AgentError || signal.aborted) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new AgentError(
      'ImageDownloadError',
      500,
      'Error downloading image',
      `Download of image ${image.id} failed: URL: ${url}: ${why}`,
    );
  } finally {
    await writer.close();
  }
  const found = faults.find('wrong-checksum') ? 'f'.repeat(expected.length) : hash.digest('hex');
  if (found !== expected.toLowerCase()) {
    await disk.erase();
    const details = `Image failed to verify against checksum. location: ${disk.path}; image ID: ${image.id}; image checksum: ${expected}; verification checksum: ${found}`;
    throw new AgentError('ImageChecksumError', 500, 'Error verifying image checksum', details);
  }
  const words = `image (${image.id}) written to device /dev/vda `;
  if (!partition) return words;
  const root = await fileSystemUuid(disk, start);
  context.partitions['root uuid'] = root;
  if (image.deploy_boot_mode === 'uefi') context.partitions['efi system partition uuid'] = 'CAFE-0001';
  return `${words}root_uuid=${root}`;
}

const MIB = 1024 * 1024;
/** Offset of the root partition, behind the partition table; a simulated disk has no other partitions. */
const ROOT_START = MIB;

/** UUID of an ext file system (its superblock's s_uuid); a random one for any other. */
async function fileSystemUuid(disk: SparseDisk, start: number): Promise<string> {
  const superblock = await disk.read(start + 1024, 128);
  if (superblock.readUInt16LE(56) !== 0xef53) return randomUUID();
  const hex = superblock.subarray(104, 120).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function checksumOf(image: ImageInfo): { algorithm: string; expected: string } {
  const missing = () =>
    new AgentError(
      'ImageChecksumError',
      500,
      'Error verifying image checksum',
      'Image has no usable checksum.',
    );
  if (image.os_hash_algo && image.os_hash_value) {
    if (!getHashes().includes(image.os_hash_algo)) throw missing();
    return { algorithm: image.os_hash_algo, expected: image.os_hash_value };
  }
  const expected = image.checksum;
  const algorithm = expected === undefined ? undefined : BY_LENGTH[expected.length];
  if (expected === undefined || algorithm === undefined) throw missing();
  return { algorithm, expected };
}
