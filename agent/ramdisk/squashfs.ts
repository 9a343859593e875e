import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { CpioEntry } from '../../src/protocol/cpio.js';
import { runTool } from './run-tool.js';

/**
 * Packs files into a squashfs image. Owner root and time 0: equal content gives equal bytes.
 * @param entries files and links below `prefix`, which becomes the root of the image
 * @param workDir a directory of this build; it is emptied
 */
export async function packSquashfs(
  entries: readonly CpioEntry[],
  prefix: string,
  workDir: string,
  image: string,
): Promise<void> {
  await rm(workDir, { recursive: true, force: true });
  await mkdir(workDir, { recursive: true });
  for (const entry of entries) {
    const path = join(workDir, entry.path.slice(prefix.length + 1));
    await mkdir(entry.kind === 'directory' ? path : dirname(path), { recursive: true });
    if (entry.kind === 'symlink') await symlink(entry.target, path);
    if (entry.kind === 'file') {
      await writeFile(path, entry.content);
      await chmod(path, entry.mode);
    }
  }
  await rm(image, { force: true });
  await runTool('mksquashfs', [
    ...[
      workDir,
      image,
      '-noappend',
      '-no-progress',
      '-quiet',
      '-no-xattrs',
      '-all-root',
      '-root-mode',
      '755',
    ],
    ...['-mkfs-time', '0', '-all-time', '0'],
    // Higher levels take minutes and save a few per cent; a page fault costs the machine a whole block.
    ...['-comp', 'zstd', '-Xcompression-level', '9', '-b', '131072'],
  ]);
  await rm(workDir, { recursive: true, force: true });
}
