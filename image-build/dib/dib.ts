import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { debianSources } from '../debian/source.js';
import { assembleImage } from '../direct/assemble.js';
import { configureSystem } from '../direct/configure.js';
import { missingRights, missingTools } from '../probe/tool.js';
import { run } from '../process/run.js';
import type { PublishedFile } from '../session/artefact.js';
import type { BuildSession } from '../session/build-session.js';
import { makeDirectory } from '../session/directory.js';
import type { Backend, UserImageRequest } from '../user/request.js';
import { REPAIR, writeRepair } from './repair.js';

const ELEMENT_ROOT = '/usr/lib/python3/dist-packages/diskimage_builder/elements';
const HOUR = 3_600_000;
/** Elements that set the disk layout: not used where this module makes the disk. */
const LAYOUT = ['vm', 'baremetal', 'block-device-gpt', 'block-device-mbr', 'block-device-efi', 'bootloader'];
const DEBIAN = ['debian', 'debian-minimal'];
/** Distributions that are made from packages of one archive. */
const MIRRORED = [...DEBIAN, 'ubuntu-minimal'];

export const dib: Backend = {
  name: 'dib',
  about: 'disk-image-builder: every distribution and element that it knows',
  objection({ distro, elements, kind, access, kernel, size, base, mirror }) {
    if (base !== undefined) return 'it makes systems of packages, and changes none';
    const unknown = [elementOf(distro), ...elements].filter((name) => elementPlaces(name).length === 0);
    if (unknown.length > 0 && existsSync(ELEMENT_ROOT))
      return `disk-image-builder has no element ${unknown.join(', ')} (ELEMENTS_PATH names further ones)`;
    if (mirror !== undefined && !MIRRORED.includes(distro))
      return `a mirror of packages is for ${MIRRORED.join(', ')}, not for ${distro}`;
    if (kernel === 'cloud') return 'which kernel it takes is the element’s affair';
    const own =
      access.rootPasswordHash !== undefined || access.sshKeys.length > 0 || access.user !== undefined;
    if (kind === 'partition' && own) return 'logins are its elements’ affair (dynamic-login, devuser)';
    if (kind === 'partition' && size !== undefined) return 'it sizes partition images itself';
    if (kind === 'whole-disk' && !DEBIAN.includes(distro) && !deviceMapper())
      return `whole disks of ${distro} need the device mapper, which this kernel lacks (module dm_mod)`;
    return undefined;
  },
  missing: ({ distro }) => [
    ...missingTools(['disk-image-create', 'qemu-img', 'mke2fs', 'sfdisk', 'mkfs.vfat', 'mcopy']),
    ...(DEBIAN.includes(distro) ? missingTools(['debootstrap']) : []),
    ...missingRights(),
  ],
};

/** The element `debian` boots a downloaded cloud image; `debian-minimal` has the same packages. */
function elementOf(distro: string): string {
  return distro === 'debian' ? 'debian-minimal' : distro;
}

/** Directories that contain an element of this name. */
export function elementPlaces(element: string): string[] {
  const places = [ELEMENT_ROOT, ...(process.env['ELEMENTS_PATH'] ?? '').split(':')].filter(
    (path) => path !== '',
  );
  return places.map((path) => join(path, element)).filter((path) => existsSync(path));
}

function deviceMapper(): boolean {
  return /\bdevice-mapper$/m.test(readFileSync('/proc/misc', 'utf8'));
}

/** An image of disk-image-builder, with its file names. */
export async function buildDib(
  session: BuildSession,
  request: UserImageRequest,
  cache: string,
): Promise<PublishedFile[]> {
  const { kind, distro, elements, output } = request;
  const env = await session.stage('sources', async () => {
    if (DEBIAN.includes(distro)) return debianEnvironment(session, request);
    return {
      ...(request.release === undefined ? {} : { DIB_RELEASE: request.release }),
      ...(request.mirror === undefined ? {} : { DIB_DISTRIBUTION_MIRROR: request.mirror }),
    } as Record<string, string>;
  });
  const files: Record<string, string> = { [`${output}.qcow2`]: session.path('image.qcow2') };
  const create = (type: 'qcow2' | 'tar', all: readonly string[], packages: readonly string[]) =>
    session.stage('disk-image-create', async (stage) => {
      stage.watch(session.path(`image.${type}`));
      const repair = DEBIAN.includes(distro) ? [REPAIR] : [];
      await diskImageCreate(session, cache, type, [elementOf(distro), ...all, ...repair], packages, env);
    });
  if (kind === 'partition') {
    // Element `baremetal` includes Grub; without it the image boots from the network only.
    await create('qcow2', [...new Set(['baremetal', ...elements])], request.packages);
    for (const extension of ['vmlinuz', 'initrd'])
      files[`${output}.${extension}`] = session.path(`image.${extension}`);
  } else if (DEBIAN.includes(distro)) {
    const rest = elements.filter((name) => !LAYOUT.includes(name));
    const grub = ['grub2-common', 'grub-pc-bin', 'grub-efi-amd64-bin', 'efibootmgr', 'initramfs-tools'];
    const login = [
      ...(request.access.sshKeys.length > 0 ? ['openssh-server'] : []),
      ...(request.access.user ? ['sudo'] : []),
    ];
    await create('tar', rest, [...grub, ...login, ...request.packages]);
    await makeDisk(session, request);
  } else {
    const layout = request.efi ? ['vm', 'block-device-efi'] : ['vm'];
    await create('qcow2', [...new Set([...layout, ...elements])], request.packages);
  }
  return session.stage('publish', () => session.publish(files, `${output}.sha256`));
}

/** disk-image-builder 3.13 assumes bullseye's layout of the security archive for every release. */
async function debianEnvironment(
  session: BuildSession,
  request: Pick<UserImageRequest, 'release' | 'mirror'>,
): Promise<Record<string, string>> {
  const release = request.release ?? 'bookworm';
  const { lines } = await debianSources(release, request.mirror, session.scratch);
  const [, mirror] = lines.find((line) => line.split(' ')[2] === release)!.split(' ');
  const sources = lines.map((line, index) => `s${index}:${line}`).join('\n');
  return {
    DIB_RELEASE: release,
    DIB_DISTRIBUTION_MIRROR: mirror!,
    DIB_APT_SOURCES_CONF: sources,
    DIB_DEBOOTSTRAP_CACHE: '1',
    DIB_DEBIAN_USE_DEBOOTSTRAP_CACHE: '1',
  };
}

/**
 * Makes `image.kernel` and `image.initramfs` in the scratch directory.
 * @param settings variables of the elements
 */
export async function buildIronicAgent(
  session: BuildSession,
  cache: string,
  elements: readonly string[],
  packages: readonly string[],
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  const debian = await session.stage('sources', () => debianEnvironment(session, {}));
  await session.stage('disk-image-create', async (stage) => {
    stage.watch(session.path('image.initramfs'));
    const all = [...elements, 'debian-minimal', REPAIR];
    await diskImageCreate(session, cache, 'qcow2', all, packages, { ...debian, ...settings });
  });
}

async function diskImageCreate(
  session: BuildSession,
  cache: string,
  type: 'qcow2' | 'tar',
  elements: readonly string[],
  packages: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const imageCache = join(cache, 'dib');
  const temporary = session.path('dib');
  makeDirectory(imageCache);
  mkdirSync(temporary);
  writeRepair(session.path('elements'));
  const extra = packages.length > 0 ? ['-p', packages.join(',')] : [];
  const args = [
    '-a',
    'amd64',
    '-t',
    type,
    '-o',
    session.path('image'),
    '--no-tmpfs',
    '--image-cache',
    imageCache,
  ];
  const elementsPath = [session.path('elements'), process.env['ELEMENTS_PATH'] ?? ''];
  await run('disk-image-create', [...args, ...extra, ...elements], {
    timeout: 3 * HOUR,
    capture: false,
    grace: 30_000, // it cleans up after SIGTERM
    env: {
      ...env,
      TMP_DIR: temporary,
      TMPDIR: temporary,
      ELEMENTS_PATH: elementsPath.filter((path) => path !== '').join(':'),
    },
  });
}

/**
 * Makes the disk from disk-image-builder's archive: its own method needs kpartx, and a kernel that mounts the EFI
 * partition. This disk boots by BIOS and by UEFI.
 */
async function makeDisk(session: BuildSession, request: UserImageRequest): Promise<void> {
  const { release = 'bookworm', elements, access } = request;
  const root = session.path('system');
  await session.stage('configuration', async () => {
    mkdirSync(root);
    const tar = session.path('image.tar');
    // The archive contains the builder's devices and runtime files; a system makes both anew at every boot.
    const without = ['--exclude=./dev/*', '--exclude=./run/*'];
    await run(
      'tar',
      ['-x', '--numeric-owner', '--xattrs', '--xattrs-include=*', ...without, '-f', tar, '-C', root],
      { timeout: 600_000 },
    );
    rmSync(tar);
    // The archive lacks them (disk-image-create, tar's --exclude); systemd freezes if it can't mount there.
    for (const name of ['proc', 'sys']) mkdirSync(join(root, name), { recursive: true });
    // The DHCP set-up that disk-image-builder has chosen stays.
    const rest = elements.filter((name) => name !== 'dhcp-all-interfaces');
    await configureSystem(root, { release, kind: 'whole-disk', elements: rest, access });
  });
  await assembleImage(session, root, 'whole-disk', request.size);
}
