// Whether a partition image can start by itself: what is looked for in it, and what that means.
import type { BootMode } from '../node/boot-device.js';

/** GRUB as a family of distributions builds it. */
export interface GrubBuild {
  /** Its programs begin with it: NAME-install, NAME-mkconfig. */
  name: 'grub' | 'grub2';
  /** Path of its configuration. */
  config: string;
  /** Folders that hold a folder of modules for each platform. */
  modules: readonly string[];
  /** What to install for a firmware, by family. */
  packages: Readonly<Record<BootMode, string>>;
}

/**
 * Debian and Ubuntu (apt), Arch, Alpine, Gentoo have `grub`; Fedora and RHEL (dnf) and openSUSE and SLES (zypper) have
 * `grub2`, the latter with its modules in /usr/share (the packages' lists of files).
 */
export const GRUB_BUILDS: readonly GrubBuild[] = [
  {
    name: 'grub2',
    config: '/boot/grub2/grub.cfg',
    modules: ['/usr/lib/grub', '/usr/share/grub2', '/usr/lib/grub2', '/usr/lib64/grub'],
    packages: {
      bios: 'dnf: grub2-tools and grub2-pc-modules; zypper: grub2-i386-pc',
      uefi: 'dnf: grub2-tools and grub2-efi-x64-modules; zypper: grub2-x86_64-efi',
    },
  },
  {
    name: 'grub',
    config: '/boot/grub/grub.cfg',
    modules: ['/usr/lib/grub', '/usr/lib64/grub', '/usr/share/grub'],
    packages: {
      bios: 'apt: grub2-common and grub-pc-bin; arch: grub; alpine: grub and grub-bios',
      uefi: 'apt: grub2-common and grub-efi-amd64-bin; arch: grub; alpine: grub and grub-efi',
    },
  },
];
export const GRUB_PLATFORMS: Readonly<Record<BootMode, string>> = { bios: 'i386-pc', uefi: 'x86_64-efi' };
const PROGRAM_FOLDERS = ['/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** Where its installer may be. */
export function grubInstallers({ name }: GrubBuild): string[] {
  return PROGRAM_FOLDERS.map((folder) => `${folder}/${name}-install`);
}

/** Where its modules for a firmware may be. */
export function grubModules({ modules }: GrubBuild, bootMode: BootMode): string[] {
  return modules.map((folder) => `${folder}/${GRUB_PLATFORMS[bootMode]}`);
}

/** Loaders that the image brings for its EFI system partition. */
const EFI = '/boot/efi/EFI';

/** Paths that decide, for a look into the image's file system. */
export const BOOT_LOADER_PATHS: readonly string[] = [
  ...new Set([
    ...GRUB_BUILDS.flatMap((build) => [
      ...grubInstallers(build),
      ...grubModules(build, 'bios'),
      ...grubModules(build, 'uefi'),
    ]),
    EFI,
  ]),
];

/**
 * @param found those of `BOOT_LOADER_PATHS` that are there
 * @returns why a machine could not start the image from its disk; undefined where nothing speaks against it
 */
export function bootLoaderFault(found: ReadonlySet<string>, bootMode: BootMode): string | undefined {
  if (bootMode === 'uefi' && found.has(EFI)) return undefined;
  const has = (paths: readonly string[]) => paths.some((path) => found.has(path));
  if (GRUB_BUILDS.some((build) => has(grubInstallers(build)) && has(grubModules(build, bootMode))))
    return undefined;
  return `image_source is a partition image without GRUB for ${grubMissing(bootMode)}.`;
}

/** Which firmware, what was looked for, and what to do. */
export function grubMissing(bootMode: BootMode): string {
  const places = [...new Set(GRUB_BUILDS.flatMap((build) => grubModules(build, bootMode)))];
  const packages = GRUB_BUILDS.map((build) => build.packages[bootMode]).reverse();
  return (
    `${bootMode === 'bios' ? 'BIOS' : 'UEFI'}: it has no grub-install or grub2-install, or no ${places.join(', no ')}. ` +
    `Install GRUB in it (${packages.join('; ')}), or let the instance boot from the network by its own kernel and ` +
    'ramdisk (capabilities boot_option:netboot)'
  );
}
