import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { candidates, kernelPackage, unpackPackages } from '../../image-build/debian/debian-package.js';
import { toQcow2 } from '../../image-build/direct/whole-disk.js';
import { run } from '../../image-build/process/run.js';
import { type Artifact, artifact } from './artifact-cache.js';
import { makeCpio } from './initial-ramdisk.js';
import { tinyBoot } from './tiny-image.js';

/** What the system of the tiny partition image prints once it runs from its root file system. */
export const PARTITION_HELLO = 'hello from the root partition';
/** UUID of the root file system. */
export const PARTITION_UUID = '5f0e1d2c-3b4a-4596-8778-69a0b1c2d3e4';
const SIZE_MIB = 64;

/** Debian's GRUB for both firmwares, and the libraries that its installer needs. */
const GRUB = [
  ...['grub-common', 'grub2-common', 'grub-pc-bin', 'grub-efi-amd64-bin'],
  ...['libc6', 'liblzma5', 'libdevmapper1.02.1', 'libefivar1', 'libefiboot1', 'libselinux1', 'libudev1'],
  ...['libpcre2-8-0', 'busybox-static'],
];
const APPLETS =
  `sh cat cp mv rm ln mkdir rmdir mktemp ls chmod chown echo printf sed grep egrep awk sort head tail cut tr wc uname
  env expr basename dirname readlink test true false cmp date find xargs which id sync stat touch sleep mount umount
  blkid`.split(/\s+/);
/** Modules of the disk and of the root file system, in load order; some may be built in. */
const MODULES = [
  ...['virtio', 'virtio_ring', 'virtio_pci_legacy_dev', 'virtio_pci_modern_dev', 'virtio_pci', 'virtio_blk'],
  ...['crc16', 'crc32c_generic', 'libcrc32c', 'mbcache', 'jbd2', 'ext4'],
];

// The initial ramdisk finds the root file system as real ones do, by root=UUID= on the kernel's command line.
const INITIAL = `#!/bin/busybox sh
/bin/busybox mkdir -p /dev /proc /sys /root
/bin/busybox mount -t devtmpfs none /dev
/bin/busybox mount -t proc none /proc
# Some need others that come later; one that is there already is refused.
for _ in 1 2 3; do
  for module in ${MODULES.join(' ')}; do [ -e /$module.ko ] && /bin/busybox insmod /$module.ko 2> /dev/null; done
done
for word in $(/bin/busybox cat /proc/cmdline); do case $word in root=*) root=\${word#root=} ;; esac; done
for _ in 1 2 3 4 5 6 7 8 9 10; do
  device=$(/bin/busybox findfs "$root") && break
  /bin/busybox sleep 0.2
done
/bin/busybox mount -t ext4 -o ro "$device" /root || echo "no root $root" > /dev/ttyS0
/bin/busybox umount /proc
/bin/busybox mount -o move /dev /root/dev
exec /bin/busybox switch_root /root /sbin/init
`;
const INIT = `#!/bin/sh
busybox mount -t proc none /proc
for label in config-2 EFI-PART ephemeral0 img-rootfs swap1; do
  if busybox findfs "LABEL=$label" > /dev/null 2>&1; then others="$others$label,"; fi
done
echo "${PARTITION_HELLO} labels=$others seconds=$(busybox cut -d' ' -f1 /proc/uptime) cmdline=$(busybox cat /proc/cmdline)"
while :; do busybox sleep 60; done
`;
const DEFAULT_GRUB = `GRUB_TIMEOUT=0
GRUB_CMDLINE_LINUX="console=ttyS0 quiet no_timer_check"
GRUB_TERMINAL=console
`;

export interface TinyPartition {
  image: Artifact;
  kernel: Artifact;
  initrd: Artifact;
}

/**
 * A partition image: one ext4 with a kernel, its ramdisk, a shell and Debian's GRUB for BIOS and UEFI; also the kernel
 * and ramdisk as files for network boot. Made without loop devices, mounts or privileges.
 * @param cache folder of built files
 * @param options.grub false: an image without a boot loader
 */
export async function tinyPartition(
  cache: string,
  options: { format?: 'raw' | 'qcow2'; grub?: boolean } = {},
): Promise<TinyPartition> {
  const { format = 'raw', grub = true } = options;
  const { kernel } = await tinyBoot(cache);
  const initrd = await partitionInitrd(cache);
  const packages = await candidates(grub ? GRUB : ['busybox-static']);
  const recipe = {
    version: 1,
    packages,
    kernel: kernel.sha256,
    initrd: initrd.sha256,
    INIT,
    DEFAULT_GRUB,
    APPLETS,
  };
  const stem = grub ? 'tiny-partition' : 'tiny-partition-plain';
  const raw = await artifact(cache, { stem, extension: 'raw' }, recipe, async (output, scratch) => {
    const root = join(scratch, 'root');
    await unpackPackages(packages, root);
    layOutSystem(root, kernel.path, initrd.path, grub);
    await makeExt4(root, output);
  });
  if (format === 'raw') return { image: raw, kernel, initrd };
  const image = await artifact(cache, { stem, extension: 'qcow2' }, recipe, (output) =>
    toQcow2(raw.path, output),
  );
  return { image, kernel, initrd };
}

async function partitionInitrd(cache: string): Promise<Artifact> {
  const packages = await candidates([await kernelPackage('linux-image-cloud-amd64'), 'busybox-static']);
  const name = { stem: 'tiny-partition', extension: 'initrd' };
  return artifact(cache, name, { packages, INITIAL }, async (output, scratch) => {
    const root = join(scratch, 'root');
    await unpackPackages(packages, root);
    const files = readdirSync(join(root, 'lib/modules'), { recursive: true }).map(String);
    const modules = MODULES.flatMap((module) => {
      const path = files.find((file) => basename(file) === `${module}.ko`);
      return path === undefined ? [] : [{ module, content: readFileSync(join(root, 'lib/modules', path)) }];
    });
    const cpio = makeCpio([
      { path: 'bin', mode: 0o040755 },
      { path: 'bin/busybox', mode: 0o100755, content: readFileSync(join(root, 'bin/busybox')) },
      { path: 'dev', mode: 0o040755 },
      { path: 'init', mode: 0o100755, content: Buffer.from(INITIAL) },
      ...modules.map(({ module, content }) => ({ path: `${module}.ko`, mode: 0o100644, content })),
    ]);
    writeFileSync(output, zstdCompressSync(cpio));
  });
}

function layOutSystem(root: string, kernel: string, initrd: string, grub: boolean): void {
  // /bin is a symbolic link, as on an installed Debian: shebang lines of scripts find their programs.
  for (const dir of ['bin', 'sbin', 'lib', 'lib64']) {
    mkdirSync(join(root, 'usr', dir), { recursive: true });
    if (existsSync(join(root, dir))) {
      cpSync(join(root, dir), join(root, 'usr', dir), { recursive: true, verbatimSymlinks: true });
      rmSync(join(root, dir), { recursive: true });
    }
    symlinkSync(`usr/${dir}`, join(root, dir));
  }
  for (const applet of APPLETS) {
    const path = join(root, 'usr/bin', applet);
    if (!existsSync(path)) symlinkSync('busybox', path);
  }
  for (const dir of ['dev', 'proc', 'sys', 'run', 'tmp', 'boot', 'etc']) {
    mkdirSync(join(root, dir), { recursive: true });
  }
  const waste = ['doc', 'locale', 'man', 'info', 'lintian', 'bug', 'bash-completion', 'apport'].map(
    (name) => `usr/share/${name}`,
  );
  for (const path of [...waste, 'usr/lib/grub/x86_64-efi/monolithic', 'usr/lib/x86_64-linux-gnu/gconv']) {
    rmSync(join(root, path), { recursive: true, force: true });
  }
  cpSync(kernel, join(root, 'boot/vmlinuz-tiny'));
  cpSync(initrd, join(root, 'boot/initrd.img-tiny'));
  writeFileSync(join(root, 'etc/fstab'), `UUID=${PARTITION_UUID} / ext4 defaults 0 1\n`);
  writeFileSync(join(root, 'sbin/init'), INIT);
  chmodSync(join(root, 'sbin/init'), 0o755);
  if (!grub) return;
  mkdirSync(join(root, 'etc/default'), { recursive: true });
  writeFileSync(join(root, 'etc/default/grub'), DEFAULT_GRUB);
}

/** GRUB 2.06 refuses file systems with features that it does not know. */
async function makeExt4(root: string, output: string): Promise<void> {
  const identity = ['-L', 'img-rootfs', '-U', PARTITION_UUID];
  const how = ['-q', '-F', '-t', 'ext4', '-m', '1', '-O', '^orphan_file,^metadata_csum_seed'];
  await run('mke2fs', [...how, ...identity, '-E', 'root_owner=0:0', '-d', root, output, `${SIZE_MIB}M`], {
    timeout: 300_000,
  });
}
