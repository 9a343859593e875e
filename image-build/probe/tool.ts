import { onPath } from '../process/run.js';

/** Programs that builders run, and their Debian packages. */
const PACKAGE_OF = {
  'apt-get': 'apt',
  'disk-image-create': 'python3-diskimage-builder',
  'dpkg-deb': 'dpkg',
  debootstrap: 'debootstrap',
  depmod: 'kmod',
  mksquashfs: 'squashfs-tools',
  strip: 'binutils',
  debugfs: 'e2fsprogs',
  guestfish: 'libguestfs-tools',
  kpartx: 'kpartx',
  losetup: 'mount',
  mcopy: 'mtools',
  mdir: 'mtools',
  mke2fs: 'e2fsprogs',
  'mkfs.vfat': 'dosfstools',
  mmdebstrap: 'mmdebstrap',
  partx: 'util-linux',
  'qemu-img': 'qemu-utils',
  setpriv: 'util-linux',
  sfdisk: 'fdisk',
  unshare: 'util-linux',
  virsh: 'libvirt-clients',
  'virt-cat': 'libguestfs-tools',
  'virt-customize': 'libguestfs-tools',
  'virt-ls': 'libguestfs-tools',
  'virt-resize': 'libguestfs-tools',
  'virt-sparsify': 'libguestfs-tools',
  'virt-sysprep': 'libguestfs-tools',
} as const;

export type Tool = keyof typeof PACKAGE_OF;

/** Missing programs with their packages, such as "mmdebstrap (package mmdebstrap)". */
export function missingTools(tools: readonly Tool[]): string[] {
  return tools.filter((tool) => !onPath(tool)).map((tool) => `${tool} (package ${PACKAGE_OF[tool]})`);
}

/** Missing privileges: only root can create the files of a system with their owners. */
export function missingRights(): string[] {
  return process.getuid?.() === 0 ? [] : ['the rights of root (sudo)'];
}
