import { cp, lstat, mkdtemp, readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  GRUB_BUILDS,
  GRUB_PLATFORMS,
  grubInstallers,
  grubMissing,
  grubModules,
} from '../../../src/domain/image/boot-loader.js';
import type { BootMode } from '../../../src/domain/node/boot-device.js';
import type { AgentLog } from '../agent-log.js';
import { findLoaders, installUefiEntry } from '../disk/boot-entry.js';
import { type Partition, partitionPath, partitionUuid, readPartitionTable } from '../disk/partition-table.js';
import { commandExecution, deviceNotFound, messageOf } from '../error.js';
import { runProgram } from '../run-program.js';
import { MountedSystem } from './mounted-system.js';
import { runShutIn, type ShownDevice } from './shut-in.js';

export interface InstallRequest {
  /** The disk. */
  device: string;
  /** As reported by get_partition_uuids. */
  rootUuid: string;
  espUuid: string | undefined;
  /** Boot mode of the installed system. */
  mode: 'bios' | 'uefi';
  /** Whether the running firmware is UEFI: only then can boot entries be made. */
  firmware: 'bios' | 'uefi';
}

/** GRUB's programs in a system. */
interface Grub {
  install: string;
  mkconfig: string;
  /** Path of its configuration. */
  config: string;
}

/** Mount point of the EFI system partition in systems. */
const ESP = '/boot/efi';

/**
 * Makes a disk with a partition image bootable. UEFI boot loaders of the image are kept; otherwise GRUB is installed by
 * the image's own programs, isolated (ironic_python_agent/extensions/image.py, _install_grub2).
 * @throws AgentError
 */
export async function installGrub(request: InstallRequest, log: AgentLog): Promise<void> {
  const { device, mode } = request;
  const root = await partitionOf(device, request.rootUuid);
  const esp = request.espUuid === undefined ? undefined : await partitionOf(device, request.espUuid);
  if (mode === 'uefi' && !esp) throw deviceNotFound(`The disk ${device} has no EFI system partition.`);
  try {
    const system = await MountedSystem.mount(partitionPath(device, root.number), log);
    try {
      await install(system, { ...request, root, esp }, log);
    } finally {
      await system.unmount();
    }
  } catch (error) {
    throw commandExecution(`Installing the boot loader on ${device} failed: ${messageOf(error)}`, {
      cause: error,
    });
  }
  if (mode === 'uefi' && request.firmware === 'uefi') await installUefiEntry(device, log);
}

async function install(
  system: MountedSystem,
  request: InstallRequest & { root: Partition; esp: Partition | undefined },
  log: AgentLog,
): Promise<void> {
  const { device, mode, root, esp } = request;
  const kept = esp ? await loadersOf(system) : false;
  const grub = await grubOf(system, mode);
  if (!kept && !grub) {
    throw new Error(`the image has no GRUB for ${grubMissing(mode)}`);
  }
  const partitions: ShownDevice[] = [
    { path: partitionPath(device, root.number), uuid: request.rootUuid },
    ...(esp ? [{ path: partitionPath(device, esp.number), uuid: request.espUuid! }] : []),
  ];
  const espPath = esp && partitionPath(device, esp.number);
  if (kept) await keepLoaders(system, espPath!, log);
  if (espPath !== undefined) await system.mountEsp(espPath);
  if (grub) {
    if (!kept) {
      // --removable: the path that firmware tries without an entry; with --no-nvram the agent makes the only entry.
      const how =
        mode === 'bios'
          ? [`--target=${GRUB_PLATFORMS.bios}`, device]
          : [`--target=${GRUB_PLATFORMS.uefi}`, '--efi-directory=/boot/efi', '--removable', '--no-nvram'];
      // For BIOS it writes to the disk itself, before the first partition; for UEFI only to the mounted system.
      const disk = { path: device, writable: mode === 'bios' };
      await runShutIn(system.root, [disk, ...partitions], [grub.install, ...how]);
      log.say(`${grub.install} for ${GRUB_PLATFORMS[mode]} has run`);
    }
    const text = await configure(system, grub, [{ path: device }, ...partitions]);
    if (kept) await giveConfiguration(system, text);
    log.say(`${grub.config} is made`);
  }
  if (esp) await addToFstab(system, request.espUuid!);
}

/** Whether the image brings loaders below the mount point of its EFI system partition. */
async function loadersOf(system: MountedSystem): Promise<boolean> {
  if ((await system.firstOf([`${ESP}/EFI`])) === undefined) return false;
  return (await findLoaders(await system.place(ESP))).length > 0;
}

/** Copies the image's loaders to the EFI system partition; FAT has no links. */
async function keepLoaders(system: MountedSystem, espDevice: string, log: AgentLog): Promise<void> {
  const from = await system.place(`${ESP}/EFI`);
  const mountPoint = await mkdtemp('/tmp/esp-');
  await runProgram('mount', ['-t', 'vfat', '-o', 'nodev,nosuid,noexec', espDevice, mountPoint]);
  try {
    await cp(from, join(mountPoint, 'EFI'), {
      recursive: true,
      filter: async (path) => !(await lstat(path)).isSymbolicLink(),
    });
  } finally {
    await runProgram('umount', [mountPoint]);
    await rmdir(mountPoint);
  }
  log.say('the boot loaders that the image brings are kept');
}

/** Some vendors' loaders read the configuration in their own directory. */
async function giveConfiguration(system: MountedSystem, text: string): Promise<void> {
  const folder = await system.place(`${ESP}/EFI`);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (!entry.isDirectory() || entry.name.toUpperCase() === 'BOOT') continue;
    const path = `${ESP}/EFI/${entry.name}/grub.cfg`;
    if ((await system.read(path)) === undefined) await system.write(path, text);
  }
}

async function grubOf(system: MountedSystem, mode: BootMode): Promise<Grub | undefined> {
  for (const build of GRUB_BUILDS) {
    const install = await system.firstOf(grubInstallers(build));
    const modules = await system.firstOf(grubModules(build, mode));
    if (install === undefined || modules === undefined) continue;
    return { install, mkconfig: `${build.name}-mkconfig`, config: build.config };
  }
  return undefined;
}

/** @returns the configuration. @throws Error when it boots nothing */
async function configure(
  system: MountedSystem,
  grub: Grub,
  devices: readonly ShownDevice[],
): Promise<string> {
  await runShutIn(system.root, devices, [
    ...['/usr/bin/env', 'GRUB_DISABLE_OS_PROBER=true', grub.mkconfig, '-o', grub.config],
  ]);
  const text = (await system.read(grub.config)) ?? '';
  if (!/^\s*(linux(16|efi)?|blscfg|configfile)\b/m.test(text)) {
    throw new Error(`${grub.config} starts no system: is there a kernel in /boot of the image?`);
  }
  return text;
}

/** Mounts the EFI system partition in the installed system too, for updates of the loader. */
async function addToFstab(system: MountedSystem, espUuid: string): Promise<void> {
  const text = await system.read('/etc/fstab');
  if (text === undefined || text.includes(espUuid) || /^[^#\s]\S*\s+\/boot\/efi\s/m.test(text)) return;
  const line = `UUID=${espUuid}\t/boot/efi\tvfat\tumask=0077\t0\t1\n`;
  await system.write('/etc/fstab', text === '' || text.endsWith('\n') ? text + line : `${text}\n${line}`);
}

/** Finds a partition by the UUID of its file system or its own. @throws AgentError DeviceNotFound */
async function partitionOf(device: string, uuid: string): Promise<Partition> {
  const wanted = uuid.toLowerCase();
  const table = await readPartitionTable(device);
  for (const partition of table?.partitions ?? []) {
    if (partition.uuid?.toLowerCase() === wanted) return partition;
    if ((await partitionUuid(device, partition)).toLowerCase() === wanted) return partition;
  }
  throw deviceNotFound(`No partition with UUID ${uuid} found on device ${device}`);
}
