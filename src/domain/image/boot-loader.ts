// Whether a partition image can start by itself: what is looked for in it, and what that means.
import type { BootMode } from '../node/boot-device.js';

/** Where distributions put the installer of GRUB (Debian: grub-, Red Hat: grub2-). */
export const GRUB_INSTALLERS = ['/usr/sbin', '/usr/bin', '/sbin'].flatMap((folder) =>
  ['grub-install', 'grub2-install'].map((name) => `${folder}/${name}`),
);
export const GRUB_MODULES: Readonly<Record<BootMode, string>> = {
  bios: '/usr/lib/grub/i386-pc',
  uefi: '/usr/lib/grub/x86_64-efi',
};
/** Loaders that the image brings for its EFI system partition. */
const EFI = '/boot/efi/EFI';

/** Paths that decide, for a look into the image's file system. */
export const BOOT_LOADER_PATHS: readonly string[] = [
  ...GRUB_INSTALLERS,
  GRUB_MODULES.bios,
  GRUB_MODULES.uefi,
  EFI,
];

/**
 * @param found those of `BOOT_LOADER_PATHS` that are there
 * @returns why a machine could not start the image from its disk; undefined where nothing speaks against it
 */
export function bootLoaderFault(found: ReadonlySet<string>, bootMode: BootMode): string | undefined {
  if (bootMode === 'uefi' && found.has(EFI)) return undefined;
  if (GRUB_INSTALLERS.some((path) => found.has(path)) && found.has(GRUB_MODULES[bootMode])) return undefined;
  const wanted = bootMode === 'bios' ? 'grub-pc-bin and grub2-common' : 'grub-efi-amd64-bin and grub2-common';
  return (
    `image_source is a partition image without GRUB for ${bootMode === 'bios' ? 'BIOS' : 'UEFI'}: it has no ` +
    `grub-install, or no ${GRUB_MODULES[bootMode]}. Install GRUB in it (Debian: ${wanted}), or let the instance boot ` +
    'from the network by its own kernel and ramdisk (capabilities boot_option:netboot).'
  );
}
