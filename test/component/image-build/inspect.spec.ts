import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { imageSection } from '../../../src/config/section/image.js';
import { ferric } from '../../support/cli/command-line.js';
import { LoopDevice } from '../../support/loop-device.js';

const home = mkdtempSync(join(tmpdir(), 'ferric-inspect-'));
const scratch = join(home, 'scratch');
afterAll(() => rmSync(home, { recursive: true }));

const sh = (script: string) =>
  execFileSync('sh', ['-ec', script], {
    cwd: home,
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    stdio: 'pipe',
  });
async function inspect(name: string) {
  const answer = await ferric(['image', 'inspect', '--json', '--scratch', scratch, join(home, name)]);
  return { status: answer.status, stderr: answer.stderr, report: JSON.parse(answer.stdout || 'null') };
}

/** A root file system with what the reader looks for. */
function makeTree(name: string, files: readonly string[]): string {
  for (const file of files) {
    const path = join(home, name, file);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, file.endsWith('os-release') ? 'ID=x\nPRETTY_NAME="Some System 7"\n' : 'x');
  }
  return join(home, name);
}

describe('ferric image inspect', () => {
  test('the cover of a GPT that cannot be read is no partition table, whatever it lies in', async () => {
    sh(`truncate -s 8M cover.raw
printf 'label: gpt\nstart=2048, size=2048\n' | sfdisk -q cover.raw
dd if=/dev/zero of=cover.raw bs=512 seek=1 count=1 conv=notrunc status=none
qemu-img convert -O qcow2 cover.raw cover.qcow2`);
    const raw = (await inspect('cover.raw')).report;
    expect(raw).toMatchObject({ safe: false, partition_table: null, partitions: [] });
    const inside = (await inspect('cover.qcow2')).report;
    expect(inside).toMatchObject({ kind: 'unknown', partition_table: null, partitions: [] });
    expect(inside.unseen.join()).toContain('no readable GPT');
  });

  test('a GPT for sectors of 4096 bytes is read as one', async () => {
    const loop = join(home, 'four.raw');
    sh('truncate -s 16M four.raw');
    using device = LoopDevice.over(loop, 4096);
    execFileSync('sfdisk', ['-q', '--no-tell-kernel', '--no-reread', device.path], {
      input: 'label: gpt\nstart=256, size=1024, name=one\n',
    });
    const { report } = await inspect('four.raw');
    expect(report.partitions).toMatchObject([{ start: 2 ** 20, size: 4 * 2 ** 20, name: 'one' }]);
    expect(report.boot_notes.join()).toContain('sectors of 4096 bytes');
  });

  test('partition tables, types, names and file systems as sfdisk, mke2fs and mkfs.vfat made them', async () => {
    sh(`truncate -s 80M gpt.raw
sfdisk -q gpt.raw <<END
label: gpt
first-lba: 34
start=34, size=2014, type=21686148-6449-6E6F-744E-656564454649, name="boot code"
start=2048, size=73728, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name=EFI
start=75776, size=32768, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, name="röt"
start=108544, size=32768, type=0657FD6D-A4AB-43C4-84E5-0933C84B4F4F
END
mkfs.vfat -n THEESP -F 32 -s 1 -C esp.img 36864 >/dev/null
mmd -i esp.img ::/EFI ::/EFI/BOOT && echo x | mcopy -i esp.img - ::/EFI/BOOT/bootx64.efi
dd if=esp.img of=gpt.raw bs=1M seek=1 conv=notrunc status=none
mke2fs -q -F -t ext4 -L system -E offset=$((75776 * 512)) gpt.raw 16M
mkswap -q -L swapped --offset $((108544 * 512)) gpt.raw 2>/dev/null || true
qemu-img convert -O qcow2 gpt.raw gpt.qcow2`);
    for (const name of ['gpt.raw', 'gpt.qcow2']) {
      const { status, report } = await inspect(name);
      expect(status).toBe(0);
      expect(report).toMatchObject({
        kind: 'whole-disk',
        safe: true,
        partition_table: 'gpt',
        virtual_size: 80 * 2 ** 20,
      });
      expect(report.partitions.slice(0, 3)).toMatchObject([
        {
          number: 1,
          start: 34 * 512,
          size: 2014 * 512,
          role: 'bios-boot',
          name: 'boot code',
          file_system: null,
        },
        { number: 2, start: 2 ** 20, size: 36 * 2 ** 20, role: 'esp', file_system: 'vfat', label: 'THEESP' },
        {
          number: 3,
          role: 'other',
          type: '4f68bce3-e8cd-4db1-96e7-fbcaf984b709',
          name: 'röt',
          file_system: 'ext4',
          label: 'system',
        },
      ]);
      expect(report.boots).toEqual({ bios: false, uefi: true });
      expect(report.boot_notes).toContain('BIOS: no boot code in the first sector');
      expect(report.system).toMatchObject({ os: null, kernels: [], grub: { installer: false } });
    }
    expect((await inspect('gpt.raw')).report.sums.sha256).toBe(String(sh('sha256sum gpt.raw')).slice(0, 64));
    expect(readdirSync(scratch)).toEqual([]);
  });

  test('an MBR disk: types as numbers, the active partition', async () => {
    sh(`truncate -s 20M mbr.raw
printf 'label: dos\\nstart=2048, size=16384, type=83, bootable\\nstart=18432, type=ef\\n' | sfdisk -q mbr.raw
printf 'x' | dd of=mbr.raw conv=notrunc bs=1 status=none`);
    const { report } = await inspect('mbr.raw');
    expect(report).toMatchObject({
      kind: 'whole-disk',
      partition_table: 'mbr',
      boots: { bios: true, uefi: false },
    });
    expect(report.partitions).toMatchObject([
      { number: 1, type: '0x83', active: true, start: 2 ** 20 },
      { number: 2, type: '0xef', role: 'esp', active: false },
    ]);
  });

  test('a root partition: system, kernels, and for which firmware GRUB is inside', async () => {
    const base = ['usr/lib/os-release', 'boot/vmlinuz-6.1', 'boot/initrd.img-6.1', 'boot/config-6.1'];
    makeTree('bare', base);
    makeTree('full', [
      ...base,
      'usr/sbin/grub-install',
      'usr/lib/grub/i386-pc/boot.img',
      'boot/grub/grub.cfg',
    ]);
    sh(
      'for t in bare full; do mke2fs -q -F -t ext4 -L root -d $t $t.raw 16M; done; qemu-img convert -c -O qcow2 full.raw full.qcow2',
    );
    expect((await inspect('bare.raw')).report).toMatchObject({
      kind: 'partition',
      boots: { bios: false, uefi: false },
      system: { os: 'Some System 7', kernels: ['vmlinuz-6.1'], ramdisks: ['initrd.img-6.1'] },
    });
    expect((await inspect('full.qcow2')).report).toMatchObject({
      kind: 'partition',
      boots: { bios: true, uefi: false },
      system: { grub: { installer: true, bios: true, uefi: false, configuration: true } },
    });
  });

  test('an unsafe image is told, ends with status 3, and is opened by no program', async () => {
    sh('truncate -s 1M base.raw; qemu-img create -q -f qcow2 -b base.raw -F raw thin.qcow2');
    const { status, stderr, report } = await inspect('thin.qcow2');
    expect(status).toBe(3);
    expect(report).toMatchObject({ safe: false, faults: ['it has a backing file'], partitions: [] });
    expect(stderr).not.toContain('unpack');
    expect(stderr).toContain('thin.qcow2 is unsafe: it has a backing file');
  });

  test('a small file of an enormous disk is unsafe, and is not unpacked', async () => {
    sh('qemu-img create -q -f qcow2 bomb.qcow2 900T');
    const { status, stderr, report } = await inspect('bomb.qcow2');
    expect(status).toBe(3);
    expect(report).toMatchObject({ safe: false, virtual_size: 900 * 2 ** 40 });
    expect(report.faults).toEqual([expect.stringContaining(`it holds a disk of ${900 * 2 ** 40} bytes`)]);
    expect(stderr).not.toContain('unpack');
    // The limit is the daemon's.
    expect(report.faults[0]).toContain(`takes ${imageSection.parse({}).max_virtual_size_gib * 2 ** 30} `);
  });

  test('a file that is not there is wrong use', async () => {
    const { status, stderr } = await inspect('nothing');
    expect(status).toBe(2);
    expect(stderr).toContain('nothing: no such file');
  });
});
