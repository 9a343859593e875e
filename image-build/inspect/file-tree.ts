import { GRUB_BUILDS, grubInstallers, grubModules } from '../../src/domain/image/boot-loader.js';
import { ProgramError } from '../error.js';
import { run } from '../process/run.js';
import type { FoundSystem } from './report.js';

const OS_RELEASE = '/usr/lib/os-release';

/**
 * Reads an ext file system without a mount: debugfs reads it in user space, without privileges.
 * @param disk path of a raw disk
 * @param offset start of the file system, bytes
 */
export async function readSystem(disk: string, offset: number): Promise<FoundSystem> {
  const device = offset === 0 ? disk : `${disk}?offset=${offset}`;
  // debugfs reports errors as lines of its output, and exits with 0.
  const ask = (request: string) => run('debugfs', ['-R', request, device]);
  const exists = async (path: string) => /^Inode: \d+/m.test(await ask(`stat ${path}`));
  const any = async (paths: readonly string[]) => {
    for (const path of paths) if (await exists(path)) return true;
    return false;
  };
  // Fields of a line: /inode/mode/uid/gid/name/size/
  const boot = [...(await ask('ls -p /boot')).matchAll(/^\/\d+\/\d+\/\d+\/\d+\/([^/]+)\/\d*\/$/gm)].map(
    (m) => m[1]!,
  );
  const named = (pattern: RegExp) => boot.filter((name) => pattern.test(name)).sort();
  const osRelease = await ask(`cat ${OS_RELEASE}`);
  return {
    os: /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(osRelease)?.[1],
    kernels: named(/^vmlinuz/),
    ramdisks: named(/^(initrd|initramfs)/),
    grub: {
      installer: await any(GRUB_BUILDS.flatMap(grubInstallers)),
      bios: await any(GRUB_BUILDS.flatMap((build) => grubModules(build, 'bios'))),
      uefi: await any(GRUB_BUILDS.flatMap((build) => grubModules(build, 'uefi'))),
      configuration: await any(GRUB_BUILDS.map(({ config }) => config)),
    },
  };
}

/** Whether an EFI system partition has the default boot loader of removable media (UEFI 2.10 §3.5.1.1). */
export async function hasRemovableLoader(disk: string, offset: number): Promise<boolean> {
  try {
    const listed = await run('mdir', ['-b', '-i', `${disk}@@${offset}`, '::/EFI/BOOT']);
    return /\/BOOTX64\.EFI$/im.test(listed);
  } catch (error) {
    if (error instanceof ProgramError && /not found/i.test(error.output)) return false;
    throw error;
  }
}
