import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { imageSection } from '../../src/config/section/image.js';
import { ImageService } from '../../src/image/image-service.js';
import { imageServiceSettings } from '../../src/image/settings.js';

export interface ImageBed {
  service: ImageService;
  /** Its directory; the cache is `images` in it, file:// images may be in `files`. */
  directory: string;
  target(name?: string): string;
  /** File names in the cache, without records. */
  masters(): Promise<string[]>;
  close(): Promise<void>;
}

/** An ImageService on a directory of its own, with loopback allowed and short intervals. */
export async function imageBed(section: object = {}, directory?: string): Promise<ImageBed> {
  const root = directory ?? (await mkdtemp(join(tmpdir(), 'ferric-image-')));
  const settings = imageServiceSettings(
    imageSection.parse({
      allowed_networks: ['127.0.0.0/8'],
      allowed_file_paths: [join(root, 'files')],
      connect_timeout: 1,
      idle_timeout: 1,
      download_attempts: 3,
      ...section,
    }),
    { dataDir: root },
  );
  settings.transfer.pause = 10;
  const service = new ImageService(settings);
  await service.start();
  let next = 0;
  return {
    service,
    directory: root,
    target: (name) => join(root, 'out', name ?? `target-${next++}`),
    masters: async () => (await readdir(join(root, 'image-cache'))).filter((file) => !file.endsWith('.json')),
    close: async () => {
      await service.close();
      if (directory === undefined) await rm(root, { recursive: true, force: true });
    },
  };
}

export function sha256(bytes: Uint8Array): { algo: string; value: string } {
  return { algo: 'sha256', value: createHash('sha256').update(bytes).digest('hex') };
}

/** Bytes without a pattern, the same for each call; they look like a raw image. */
export function noise(size: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(size);
  let state = seed;
  for (let i = 0; i + 4 <= size; i += 4) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes.writeUInt32LE(state, i);
  }
  return bytes;
}
