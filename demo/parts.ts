import { chmodSync, mkdirSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { buildRamdisk } from '../agent/ramdisk/build.js';
import { cancellable } from '../image-build/process/run-context.js';
import { DEBIAN_HELLO, debianImage } from '../lab/image/debian-image.js';
import { TINY_HELLO, tinyImage } from '../lab/image/tiny-image.js';

/** The system to install: a real Debian, or a kernel with one program that prints a greeting. */
export interface ImageChoice {
  system: 'debian' | 'tiny';
  format: 'raw' | 'qcow2';
}

export interface BuiltImage extends ImageChoice {
  path: string;
  sha256: string;
  /** What the installed system prints on its serial console once it runs, to the end of the line. */
  hello: RegExp;
  /** Build time, ms; 0: cached. */
  built: number;
}

export interface BuiltRamdisk {
  kernel: string;
  ramdisk: string;
  /** Bytes of the compressed ramdisk. */
  size: number;
  /** Folder of both files, for image.allowed_file_paths. */
  folder: string;
  cached: boolean;
}

/** Cache of built files, kept between runs, as a path without symbolic links. */
export function cacheUnder(root: string): string {
  const cache = resolve(root, 'cache');
  mkdirSync(cache, { recursive: true });
  return realpathSync(cache);
}

/** Builds the image, or takes it from the cache. */
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

/** Builds kernel and deploy ramdisk, or takes them from the cache. */
export async function buildDeployRamdisk(
  cache: string,
  log: (line: string) => void = () => undefined,
): Promise<BuiltRamdisk> {
  const folder = join(cache, 'ramdisk');
  const { kernel, ramdisk, ramdiskSize, cached } = await buildRamdisk({ outDir: folder, log });
  chmodSync(folder, 0o755);
  return { kernel, ramdisk, size: ramdiskSize, folder, cached };
}
