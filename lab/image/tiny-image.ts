import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { candidates, kernelPackage, unpackPackages } from '../../image-build/debian/debian-package.js';
import { bootLoaderPackages, makeBootLoader } from '../../image-build/direct/boot-loader.js';
import { makeWholeDisk, toQcow2 } from '../../image-build/direct/whole-disk.js';
import { type Artifact, artifact } from './artifact-cache.js';
import { makeCpio } from './initial-ramdisk.js';

/** What the tiny system prints on its serial console once it runs. */
export const TINY_HELLO = 'hello from the installed system';

const INIT = `#!/bin/busybox sh
/bin/busybox mkdir -p /dev /proc
/bin/busybox mount -t devtmpfs none /dev
/bin/busybox mount -t proc none /proc
say() { echo "$@" > /dev/ttyS0; }
say "${TINY_HELLO} seconds=$(/bin/busybox cut -d' ' -f1 /proc/uptime) cmdline=$(/bin/busybox cat /proc/cmdline)"
while :; do /bin/busybox sleep 60; done
`;
const GRUB = `serial --unit=0 --speed=115200
terminal_output console serial
search --no-floppy --set=root --label TINY
linux /vmlinuz console=ttyS0 quiet
initrd /initrd
boot
`;

/** Kernel and ramdisk of the tiny system for network boot: 14 MB and 1 MB. */
export async function tinyBoot(cache: string): Promise<{ kernel: Artifact; initrd: Artifact }> {
  const name = await kernelPackage('linux-image-cloud-amd64');
  const [kernelFrom, busyboxFrom] = [await candidates([name]), await candidates(['busybox-static'])];
  const kernel = await artifact(
    cache,
    { stem: 'tiny', extension: 'vmlinuz' },
    kernelFrom,
    async (output, scratch) => {
      const root = join(scratch, 'root');
      await unpackPackages(kernelFrom, root);
      const file = readdirSync(join(root, 'boot')).find((entry) => entry.startsWith('vmlinuz-'));
      if (file === undefined) throw new Error(`package ${name} holds no kernel`);
      renameSync(join(root, 'boot', file), output);
    },
  );
  const recipe = { busyboxFrom, init: INIT };
  const initrd = await artifact(
    cache,
    { stem: 'tiny', extension: 'initrd' },
    recipe,
    async (output, scratch) => {
      const root = join(scratch, 'root');
      await unpackPackages(busyboxFrom, root);
      const cpio = makeCpio([
        { path: 'bin', mode: 0o040755 },
        { path: 'bin/busybox', mode: 0o100755, content: readFileSync(join(root, 'bin/busybox')) },
        { path: 'dev', mode: 0o040755 },
        { path: 'init', mode: 0o100755, content: Buffer.from(INIT) },
      ]);
      writeFileSync(output, zstdCompressSync(cpio));
    },
  );
  return { kernel, initrd };
}

/**
 * A whole-disk image of some 40 MiB whose system is a kernel and one program that prints a greeting. It boots in
 * seconds, on BIOS and UEFI, from any disk that the firmware can read; the kernel itself never accesses the disk.
 * @param cache folder of built files
 */
export async function tinyImage(cache: string, format: 'raw' | 'qcow2' = 'raw'): Promise<Artifact> {
  const boot = await tinyBoot(cache);
  const packages = await bootLoaderPackages();
  const recipe = { version: 1, packages, kernel: boot.kernel.sha256, initrd: boot.initrd.sha256, grub: GRUB };
  const raw = await artifact(cache, { stem: 'tiny', extension: 'raw' }, recipe, async (output, scratch) => {
    const root = join(scratch, 'root');
    await unpackPackages(packages, root);
    await makeWholeDisk({
      output,
      scratch,
      bootLoader: await makeBootLoader(root, scratch, GRUB),
      esp: { size: 38, label: 'TINY', files: { vmlinuz: boot.kernel.path, initrd: boot.initrd.path } },
      diskId: '7F1E0000-0000-4000-8000-0000000F3881',
    });
  });
  if (format === 'raw') return raw;
  return artifact(cache, { stem: 'tiny', extension: 'qcow2' }, recipe, (output) => toQcow2(raw.path, output));
}
