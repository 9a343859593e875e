import { copyFileSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unpackPackages } from '../../image-build/debian/debian-package.js';
import { bootLoaderPackages, makeGrubImage } from '../../image-build/direct/boot-loader.js';
import { run } from '../../image-build/process/run.js';
import { type Artifact, artifact } from './artifact-cache.js';
import { tinyBoot } from './tiny-image.js';

const MODULES = 'iso9660 part_gpt fat search search_fs_file linux normal echo serial terminal boot'.split(
  ' ',
);
const GRUB = `serial --unit=0 --speed=115200
terminal_output console serial
search --no-floppy --set=root --file /tiny.initrd
linux /tiny.vmlinuz console=ttyS0 quiet
initrd /tiny.initrd
boot
`;
/** Size of the FAT file system that UEFI firmware boots from. */
const FAT_BYTES = 4 * 2 ** 20;

/** The tiny system on a CD for UEFI and BIOS (El Torito 1.0; UEFI 2.10 §13.3.2.1); firmware loads all of it. */
export async function tinyIso(cache: string): Promise<Artifact> {
  const boot = await tinyBoot(cache);
  const packages = await bootLoaderPackages();
  const recipe = { version: 1, packages, kernel: boot.kernel.sha256, initrd: boot.initrd.sha256, grub: GRUB };
  return artifact(cache, { stem: 'tiny', extension: 'iso' }, recipe, async (output, scratch) => {
    const root = join(scratch, 'root');
    await unpackPackages(packages, root);
    const tree = join(scratch, 'tree');
    mkdirSync(tree);
    copyFileSync(boot.kernel.path, join(tree, 'tiny.vmlinuz'));
    copyFileSync(boot.initrd.path, join(tree, 'tiny.initrd'));
    const early = join(scratch, 'early.cfg');
    writeFileSync(early, GRUB);
    const bios = {
      format: 'i386-pc-eltorito',
      output: join(tree, 'bios.img'),
      modules: [...MODULES, 'biosdisk'],
    };
    await makeGrubImage(root, { ...bios, configuration: early });
    const efi = join(scratch, 'bootx64.efi');
    await makeGrubImage(root, { format: 'x86_64-efi', output: efi, modules: MODULES, configuration: early });
    const fat = join(tree, 'efi.img');
    writeFileSync(fat, '');
    truncateSync(fat, FAT_BYTES);
    await run('mkfs.fat', [fat]);
    await run('mmd', ['-i', fat, '::/EFI', '::/EFI/BOOT']);
    await run('mcopy', ['-i', fat, efi, '::/EFI/BOOT/BOOTX64.EFI']);
    await run('genisoimage', [
      ...['-quiet', '-r', '-J', '-V', 'TINY', '-o', output],
      ...['-b', 'bios.img', '-no-emul-boot', '-boot-load-size', '4', '-boot-info-table'],
      ...['-eltorito-alt-boot', '-e', 'efi.img', '-no-emul-boot', tree],
    ]);
  });
}
