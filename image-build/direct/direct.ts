import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { debianSources, refuseUnknownPackages } from '../debian/source.js';
import { makeSystem, systemPackages } from '../debian/system.js';
import { missingRights, missingTools } from '../probe/tool.js';
import type { PublishedFile } from '../session/artefact.js';
import type { BuildSession } from '../session/build-session.js';
import type { Backend, UserImageRequest } from '../user/request.js';
import { assembleImage } from './assemble.js';
import { configureSystem } from './configure.js';
import { LEAST_SIZE } from './size.js';

/** Elements that this backend supports, and the packages that they add. */
const ELEMENTS: Readonly<Record<string, readonly string[]>> = {
  vm: [],
  baremetal: [],
  grub2: [], // part of every image
  bootloader: [],
  'block-device-gpt': [],
  'block-device-efi': [],
  'dhcp-all-interfaces': ['systemd-resolved'],
  'enable-serial-console': [],
  'openssh-server': ['openssh-server'],
  'runtime-ssh-host-keys': [],
  'cloud-init': ['cloud-init'],
};
const GRUB = ['grub2-common', 'grub-common', 'grub-pc-bin', 'grub-efi-amd64-bin', 'efibootmgr'];
const DEFAULT_RELEASE = 'bookworm';
/** Releases whose package systemd contains systemd-resolved. */
const WITHIN_SYSTEMD = ['buster', 'bullseye'];

export const direct: Backend = {
  name: 'direct',
  about: 'Debian packages to a disk image in one go: no loop device, no mount, no virtual machine',
  objection({ distro, elements, kind, base, size }) {
    if (base !== undefined) return 'it makes systems of packages, and changes none';
    if (distro !== 'debian' && distro !== 'debian-minimal') return `it builds Debian only, not ${distro}`;
    const unknown = elements.filter((name) => !Object.hasOwn(ELEMENTS, name));
    if (unknown.length > 0)
      return `it has no element ${unknown.join(', ')} (it has ${Object.keys(ELEMENTS).join(', ')})`;
    if (size !== undefined && size < LEAST_SIZE)
      return `a root file system of ${size} MiB holds no system: ${LEAST_SIZE} is the least`;
    if (kind === 'partition' && elements.includes('vm')) return 'the element vm makes whole disks';
    if (kind === 'whole-disk' && elements.includes('baremetal'))
      return 'the element baremetal makes partitions';
    return undefined;
  },
  missing: () => [
    ...missingTools(['mmdebstrap', 'apt-get', 'mke2fs', 'sfdisk', 'mkfs.vfat', 'mcopy', 'qemu-img']),
    ...missingRights(),
  ],
};

/** @param cache directory that later builds share */
export async function buildDirect(
  session: BuildSession,
  request: UserImageRequest,
  cache: string,
): Promise<PublishedFile[]> {
  const { release = DEFAULT_RELEASE, kind, elements, access, output } = request;
  const root = session.path('system');
  const sources = await session.stage('sources', async (stage) => {
    const found = await debianSources(release, request.mirror, session.scratch);
    stage.note(found.lines[0]!.split(' ').slice(1, 3).join(' '));
    await refuseUnknownPackages(found, request.packages, session.scratch);
    return found;
  });
  const wanted = elements
    .flatMap((name) => ELEMENTS[name]!)
    .filter((name) => name !== 'systemd-resolved' || !WITHIN_SYSTEMD.includes(release));
  const ssh = access.sshKeys.length > 0 ? ['openssh-server'] : [];
  const packages = systemPackages(request.kernel, [...GRUB, ...wanted, ...ssh, ...request.packages]);
  await session.stage('packages', (stage) =>
    makeSystem(session, stage, sources, packages, { cache: join(cache, 'system'), root }),
  );
  const boot = await session.stage('configuration', () =>
    configureSystem(root, { release, kind, elements, access }),
  );
  const files: Record<string, string> = {};
  if (kind === 'partition')
    for (const [extension, path] of [
      ['vmlinuz', boot.kernel],
      ['initrd', boot.initrd],
    ] as const) {
      copyFileSync(path, session.path(extension));
      files[`${output}.${extension}`] = session.path(extension);
    }
  const image = await assembleImage(session, root, kind, request.size);
  return session.stage('publish', () =>
    session.publish({ [`${output}.qcow2`]: image, ...files }, `${output}.sha256`),
  );
}
