import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DebianPackage } from '../debian/debian-package.js';
import { candidates } from '../debian/debian-package.js';
import { run } from '../process/run.js';

/** GRUB for both firmwares, with a library of its image maker that a small host may lack. */
export function bootLoaderPackages(): Promise<DebianPackage[]> {
  return candidates(['grub-common', 'grub-pc-bin', 'grub-efi-amd64-bin', 'libdevmapper1.02.1']);
}

const MODULES =
  'part_gpt fat ext2 search search_label linux normal configfile echo serial terminal test boot'.split(' ');

export interface BootLoader {
  /** Code of the first sector, 440 bytes used. */
  bootImage: Buffer;
  coreImage: Buffer;
  /** Path of BOOTX64.EFI. */
  efiImage: string;
}

/**
 * Makes GRUB's images from unpacked packages; `configuration` is embedded, so no file has to be found first.
 * @param root directory of the unpacked packages, or a whole system, whose own programs run by chroot
 */
export async function makeBootLoader(
  root: string,
  scratch: string,
  configuration: string,
  how: 'unpacked' | 'chroot' = 'unpacked',
): Promise<BootLoader> {
  const modules = join(root, 'usr/lib/grub');
  if (how === 'chroot') return makeInside(root, configuration);
  const early = join(scratch, 'early.cfg');
  writeFileSync(early, configuration);
  const make = (format: string, output: string, ...extra: string[]) =>
    makeGrubImage(root, { format, configuration: early, output, modules: [...MODULES, ...extra] });
  const core = join(scratch, 'core.img');
  const efiImage = join(scratch, 'bootx64.efi');
  await make('i386-pc', core, 'biosdisk');
  await make('x86_64-efi', efiImage);
  return {
    bootImage: readFileSync(join(modules, 'i386-pc/boot.img')),
    coreImage: readFileSync(core),
    efiImage,
  };
}

/** @param root directory of GRUB's unpacked packages */
export async function makeGrubImage(
  root: string,
  image: { format: string; configuration: string; output: string; modules: readonly string[] },
): Promise<void> {
  const { format, configuration, output, modules } = image;
  // Modules of i386-pc-eltorito are those of i386-pc.
  const from = join(root, 'usr/lib/grub', format.replace(/-eltorito$/, ''));
  await run(
    join(root, 'usr/bin/grub-mkimage'),
    ['-d', from, '-O', format, '-c', configuration, '-p', '/boot/grub', '-o', output, ...modules],
    { env: { LD_LIBRARY_PATH: join(root, 'lib/x86_64-linux-gnu') } },
  );
}

/** The programs of another release need its C library, so they run by chroot. */
async function makeInside(root: string, configuration: string): Promise<BootLoader> {
  const place = 'tmp/boot-loader';
  const inside = (name: string) => join('/', place, name);
  const folder = join(root, place);
  mkdirSync(folder);
  writeFileSync(join(folder, 'early.cfg'), configuration);
  const make = (format: string, output: string, ...extra: string[]) =>
    run('chroot', [
      ...[root, 'grub-mkimage', '-O', format, '-c', inside('early.cfg'), '-p', '/boot/grub'],
      ...['-o', inside(output), ...MODULES, ...extra],
    ]);
  await make('i386-pc', 'core.img', 'biosdisk');
  await make('x86_64-efi', 'bootx64.efi');
  const coreImage = readFileSync(join(folder, 'core.img'));
  const efiImage = `${root}.bootx64.efi`;
  copyFileSync(join(folder, 'bootx64.efi'), efiImage);
  rmSync(folder, { recursive: true });
  return { bootImage: readFileSync(join(root, 'usr/lib/grub/i386-pc/boot.img')), coreImage, efiImage };
}

/**
 * Patches boot.img and core.img with the place of core.img, as grub-install does (grub 2.06, boot.S and diskboot.S).
 * @param lba sector of core.img on the disk
 */
export function placeBootLoader(
  { bootImage, coreImage }: BootLoader,
  lba: number,
): { boot: Buffer; core: Buffer } {
  const core = Buffer.alloc(Math.ceil(coreImage.length / 512) * 512);
  coreImage.copy(core);
  const boot = Buffer.from(bootImage.subarray(0, 440));
  boot.writeBigUInt64LE(BigInt(lba), 0x5c); // kernel_sector
  boot.writeUInt16LE(0x9090, 0x66); // replaces the jump around the drive check: use the drive that the BIOS reports
  core.writeBigUInt64LE(BigInt(lba + 1), 0x1f4); // first block list entry: the rest of core.img
  core.writeUInt16LE(core.length / 512 - 1, 0x1fc);
  core.writeUInt16LE(0x820, 0x1fe);
  return { boot, core };
}
