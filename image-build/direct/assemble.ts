import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import type { BuildSession } from '../session/build-session.js';
import { makeBootLoader } from './boot-loader.js';
import { EARLY_GRUB, ESP_LABEL, ROOT_LABEL } from './configure.js';
import { rootSize } from './size.js';
import { makeFileSystem, makeWholeDisk, toQcow2 } from './whole-disk.js';

/** MiB; less than the minimum of a FAT32 is impossible. */
const ESP_SIZE = 64;

/**
 * The last stages of a build: turns a configured system into a whole disk that boots by BIOS and UEFI, or into the
 * content of a partition.
 * @param root the system's tree, with GRUB for both firmwares
 * @param wanted MiB of the root file system; undefined: what the tree needs, and some room
 * @returns path of the compressed qcow2, in the scratch directory
 */
export async function assembleImage(
  session: BuildSession,
  root: string,
  kind: 'whole-disk' | 'partition',
  wanted: number | undefined,
): Promise<string> {
  const [raw, image] = [session.path('image.raw'), session.path('image.qcow2')];
  await session.stage(kind === 'partition' ? 'file system' : 'disk', async (stage) => {
    const size = await rootSize(root, wanted);
    const content = { folder: root, label: ROOT_LABEL, size };
    if (kind === 'partition') await makeFileSystem(raw, content);
    else
      await makeWholeDisk({
        output: raw,
        scratch: session.scratch,
        bootLoader: await makeBootLoader(root, session.scratch, EARLY_GRUB, 'chroot'),
        esp: { size: ESP_SIZE, label: ESP_LABEL, files: {} },
        root: content,
        diskId: randomUUID().toUpperCase(),
      });
    stage.bytes(size * 2 ** 20);
  });
  await session.stage('compress', async (stage) => {
    stage.watch(image);
    await toQcow2(raw, image);
    rmSync(raw);
  });
  return image;
}
