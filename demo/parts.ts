import { chmodSync, mkdirSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { buildRamdisk } from '../agent/ramdisk/build.js';
import { cancellable } from '../image-build/process/run-context.js';
import { DEBIAN_HELLO, debianImage } from '../lab/image/debian-image.js';
import { TINY_HELLO, tinyImage } from '../lab/image/tiny-image.js';

/** Which system is installed: a real Debian, or a kernel with one program that says hello. */
export interface ImageChoice {
  system: 'debian' | 'tiny';
  format: 'raw' | 'qcow2';
}

export interface BuiltImage extends ImageChoice {
  path: string;
  sha256: string;
  /** What the installed system prints on its serial console when it is up, to the end of the line. */
  hello: RegExp;
  /** Milliseconds; 0: it was there already. */
  built: number;
}

export interface BuiltRamdisk {
  kernel: string;
  ramdisk: string;
  /** Bytes of the compressed ramdisk. */
  size: number;
  /** The folder of both, for image.allowed_file_paths. */
  folder: string;
  cached: boolean;
}

/** Where built things are kept between runs, as a path without links. */
export function cacheUnder(root: string): string {
  const cache = resolve(root, 'cache');
  mkdirSync(cache, { recursive: true });
  return realpathSync(cache);
}

/** Builds the image, or finds it built. */
export async function buildImage(
  cache: string,
  choice: ImageChoice,
  signal: AbortSignal = new AbortController().signal,
): Promise<BuiltImage> {
  const { system, format } = choice;
  const artifact = await cancellable(signal, () =>
    system === 'tiny' ? tinyImage(cache, format) : debianImage(cache, { format }),
  );
  const hello = new RegExp(`${system === 'tiny' ? TINY_HELLO : DEBIAN_HELLO}.*`);
  return { ...choice, ...artifact, hello };
}

/** Builds kernel and deploy ramdisk, or finds them built. */
export async function buildDeployRamdisk(
  cache: string,
  log: (line: string) => void = () => undefined,
): Promise<BuiltRamdisk> {
  const folder = join(cache, 'ramdisk');
  const { kernel, ramdisk, ramdiskSize, cached } = await buildRamdisk({ outDir: folder, log });
  chmodSync(folder, 0o755);
  return { kernel, ramdisk, size: ramdiskSize, folder, cached };
}
