import { closeSync, openSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../process/run.js';
import { type BootLoader, placeBootLoader } from './boot-loader.js';

const MIB = 1024 * 1024;
const BIOS_BOOT_LBA = 34;
const TYPE = {
  biosBoot: '21686148-6449-6E6F-744E-656564454649',
  esp: 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B',
  root: '4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709', // Linux root (x86-64)
} as const;

export interface WholeDiskOptions {
  output: string;
  scratch: string;
  bootLoader: BootLoader;
  /** EFI system partition: size in MiB (at least 34, the minimum of clusters of a FAT32), label, files. */
  esp: { size: number; label: string; files: Readonly<Record<string, string>> };
  /** An ext4 made from a folder; size in MiB. Absent: no root partition. */
  root?: { size: number; label: string; folder: string };
  /** GUID of the disk. */
  diskId: string;
}

/** A GPT disk that boots by BIOS and by UEFI; made as a file, without loop devices, mounts or privileges. */
export async function makeWholeDisk(options: WholeDiskOptions): Promise<void> {
  const { output, scratch, bootLoader, esp, root, diskId } = options;
  const espStart = 1;
  const rootStart = espStart + esp.size;
  const total = rootStart + (root?.size ?? 0) + 1; // the last MiB holds the backup table
  writeFileSync(output, '');
  truncateSync(output, total * MIB);
  const partition = (start: number, size: number, type: string, name: string) =>
    `start=${start}, size=${size}, type=${type}, name=${name}`;
  const table = [
    'label: gpt',
    `label-id: ${diskId}`,
    `first-lba: ${BIOS_BOOT_LBA}`,
    partition(BIOS_BOOT_LBA, 2048 - BIOS_BOOT_LBA, TYPE.biosBoot, 'bios'),
    partition(espStart * 2048, esp.size * 2048, TYPE.esp, 'esp'),
    ...(root === undefined ? [] : [partition(rootStart * 2048, root.size * 2048, TYPE.root, 'root')]),
  ];
  await run('sfdisk', ['--quiet', '--wipe', 'never', output], { input: `${table.join('\n')}\n` });
  const espImage = join(scratch, 'esp.img');
  await makeEsp(espImage, esp);
  await run('dd', [
    `if=${espImage}`,
    `of=${output}`,
    'bs=1M',
    `seek=${espStart}`,
    'conv=notrunc,sparse',
    'status=none',
  ]);
  rmSync(espImage);
  if (root !== undefined) {
    await makeFileSystem(output, root, rootStart * MIB);
  }
  const { boot, core } = placeBootLoader(bootLoader, BIOS_BOOT_LBA);
  if (core.length > (2048 - BIOS_BOOT_LBA) * 512)
    throw new Error('the boot loader does not fit before the first MiB');
  const file = openSync(output, 'r+');
  try {
    writeSync(file, boot, 0, boot.length, 0);
    writeSync(file, core, 0, core.length, BIOS_BOOT_LBA * 512);
  } finally {
    closeSync(file);
  }

  async function makeEsp(path: string, { size, label, files }: WholeDiskOptions['esp']): Promise<void> {
    await run('mkfs.vfat', [
      '-n',
      label,
      '-F',
      '32',
      '-s',
      '1',
      '-i',
      diskId.slice(0, 8),
      '-C',
      path,
      String(size * 1024),
    ]);
    await run('mmd', ['-i', path, '::/EFI', '::/EFI/BOOT']);
    await run('mcopy', ['-i', path, bootLoader.efiImage, '::/EFI/BOOT/BOOTX64.EFI']);
    for (const [name, source] of Object.entries(files))
      await run('mcopy', ['-i', path, source, `::/${name}`]);
  }
}

/**
 * An ext4 with a folder's content, owners included; made as a file, without a mount.
 * @param offset bytes from the file's start
 */
export async function makeFileSystem(
  output: string,
  content: { size: number; label: string; folder: string },
  offset = 0,
): Promise<void> {
  const { size, label, folder } = content;
  if (offset === 0) writeFileSync(output, '');
  await run(
    'mke2fs',
    [
      // GRUB 2.06 refuses file systems with features that it does not know.
      ...['-q', '-F', '-t', 'ext4', '-O', '^orphan_file,^metadata_csum_seed', '-L', label, '-m', '1'],
      ...['-E', `offset=${offset},root_owner=0:0`, '-d', folder, output, `${size}M`],
    ],
    { timeout: 600_000 },
  );
}

/** Converts to a compressed qcow2, the format of published images. */
export async function toQcow2(
  source: string,
  output: string,
  format: 'raw' | 'qcow2' = 'raw',
): Promise<void> {
  await run('qemu-img', ['convert', '-q', '-c', '-f', format, '-O', 'qcow2', source, output], {
    timeout: 900_000,
  });
}
