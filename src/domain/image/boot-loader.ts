// Whether a partition image can boot by itself: the paths that are checked in it, and the verdict.
import type { BootMode } from '../node/boot-device.js';

/** GRUB as a family of distributions packages it. */
export interface GrubBuild {
  /** Prefix of its programs: NAME-install, NAME-mkconfig. */
  name: 'grub' | 'grub2';
  /** Path of its configuration file. */
  config: string;
  /** Folders that contain a folder of modules for each platform. */
  modules: readonly string[];
  /** Packages to install for each firmware, by family. */
  packages: Readonly<Record<BootMode, string>>;
}

/**
 * `grub`: Debian and Ubuntu (apt), Arch, Alpine, Gentoo. `grub2`: Fedora and RHEL (dnf), and openSUSE and SLES
 * (zypper), which have its modules in /usr/share. Source: the packages' file lists.
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

/** Possible paths of its installer. */
export function grubInstallers({ name }: GrubBuild): string[] {
  return PROGRAM_FOLDERS.map((folder) => `${folder}/${name}-install`);
}

/** Possible folders of its modules for a firmware. */
export function grubModules({ modules }: GrubBuild, bootMode: BootMode): string[] {
  return modules.map((folder) => `${folder}/${GRUB_PLATFORMS[bootMode]}`);
}

/** Boot loaders that the image provides for its EFI system partition. */
const EFI = '/boot/efi/EFI';

/** All paths to look for in the image's file system. */
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
 * @param found those of `BOOT_LOADER_PATHS` that exist
 * @returns why a machine could not boot the image from its disk; undefined where no reason is known
 */
export function bootLoaderFault(found: ReadonlySet<string>, bootMode: BootMode): string | undefined {
  if (bootMode === 'uefi' && found.has(EFI)) return undefined;
  const has = (paths: readonly string[]) => paths.some((path) => found.has(path));
  if (GRUB_BUILDS.some((build) => has(grubInstallers(build)) && has(grubModules(build, bootMode))))
    return undefined;
  return `image_source is a partition image without GRUB for ${grubMissing(bootMode)}.`;
}

/** The firmware, the paths that were looked for, and the remedy. */
export function grubMissing(bootMode: BootMode): string {
  const places = [...new Set(GRUB_BUILDS.flatMap((build) => grubModules(build, bootMode)))];
  const packages = GRUB_BUILDS.map((build) => build.packages[bootMode]).reverse();
  return (
    `${bootMode === 'bios' ? 'BIOS' : 'UEFI'}: it has no grub-install or grub2-install, or no ${places.join(', no ')}. ` +
    `Install GRUB in it (${packages.join('; ')}), or let the instance boot from the network by its own kernel and ` +
    'ramdisk (capabilities boot_option:netboot)'
  );
}
