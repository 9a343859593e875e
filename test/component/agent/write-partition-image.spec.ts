import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildConfigDrive } from '../../../src/protocol/configdrive/config-drive.js';
import { AgentUnderTest } from '../../support/agent/agent-under-test.js';
import { asQcow2, diskImage, sha256 } from '../../support/agent/disk-image.js';
import { ImageServer } from '../../support/agent/image-server.js';
import { readBytes, tableOf, tagOf, writeBytes } from '../../support/e2e/disk-table.js';

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const UUID = '0a1b2c3d-4e5f-4a6b-8c7d-9e0fa1b2c3d4';

/** On sparse files: everything is found by its place on the disk, so no partition device is needed. */
describe('write_image of a partition image', () => {
  let test: AgentUnderTest;
  let server: ImageServer;
  let disk: string;
  let content: Buffer;
  let scratch: string;

  beforeAll(() => {
    scratch = mkdtempSync(join(tmpdir(), 'root-'));
    mkdirSync(join(scratch, 'tree'));
    writeFileSync(join(scratch, 'tree/mark'), 'a root file system');
    const path = join(scratch, 'root.raw');
    const how = ['-q', '-F', '-t', 'ext4', '-L', 'img-rootfs', '-U', UUID];
    execFileSync('mke2fs', [...how, '-d', join(scratch, 'tree'), path, '16M']);
    content = readFileSync(path);
  });
  afterAll(() => rmSync(scratch, { recursive: true }));
  beforeEach(async () => {
    test = await AgentUnderTest.prepare();
    server = await ImageServer.start();
    disk = test.machine.addDisk(`${test.dir}/disk`, 6 * GIB).name;
    await test.start();
  });
  afterEach(async () => {
    await test.stop();
    await server.stop();
  });

  /** As Ironic says it; what it leaves out is null there. */
  const image = (more: object = {}, bytes = content) => {
    server.content.set('root.img', bytes);
    return {
      id: 'image-1',
      urls: [server.url('root.img')],
      disk_format: 'raw',
      os_hash_algo: 'sha256',
      os_hash_value: sha256(bytes),
      stream_raw_images: true,
      image_type: 'partition',
      kernel: null,
      ramdisk: null,
      root_gb: 1,
      root_mb: 1024,
      swap_mb: 0,
      ephemeral_mb: 0,
      ephemeral_format: null,
      preserve_ephemeral: false,
      deploy_boot_mode: 'bios',
      boot_option: 'local',
      ...more,
    };
  };
  const rootOf = () => tableOf(disk).partitions.at(-1)!;
  const at = (sectors: number) => sectors * 512;

  it('makes an MBR for BIOS and streams the file system into its last partition', async () => {
    const record = await test.writeImage(image());
    expect(record).toMatchObject({
      command_status: 'SUCCEEDED',
      command_result: {
        deploy_result: {
          result: `prepare_image: image (image-1) written to device ${disk} root_uuid=${UUID}`,
        },
      },
    });
    expect(tableOf(disk)).toMatchObject({
      label: 'dos',
      partitions: [{ start: 2048, size: 1024 * 2048, type: '83', bootable: true }],
    });
    expect(readBytes(disk, MIB, content.length).equals(content)).toBe(true);
    expect((await test.run('standby.get_partition_uuids')).command_result).toEqual({ 'root uuid': UUID });
  });

  it('makes every partition that is asked for, with what belongs into it', async () => {
    const volume = Buffer.from(buildConfigDrive({ user_data: 'hello' }, { uuid: 'u' }, 0));
    const wanted = { deploy_boot_mode: 'uefi', disk_label: 'gpt', swap_mb: 64, ephemeral_mb: 1024 };
    const record = await test.writeImage(image(wanted), gzipSync(volume).toString('base64'));
    expect(record.command_status).toBe('SUCCEEDED');
    const { label, partitions } = tableOf(disk);
    expect(label).toBe('gpt');
    expect(partitions.map(({ name, size }) => [name, size / 2048])).toEqual([
      ['efi-part', 550],
      ['ephemeral0', 1024],
      ['swap1', 64],
      ['config-2', 1],
      ['root', 1024],
    ]);
    expect(partitions.map((part) => [tagOf(disk, part, 'TYPE'), tagOf(disk, part, 'LABEL')])).toEqual([
      ['vfat', 'EFI-PART'],
      ['ext4', 'ephemeral0'],
      ['swap', 'swap1'],
      ['iso9660', 'config-2'],
      ['ext4', 'img-rootfs'],
    ]);
    expect(readBytes(disk, at(partitions[3]!.start), volume.length).equals(volume)).toBe(true);
    expect(execFileSync('sgdisk', ['-v', disk], { encoding: 'utf8' })).toContain('No problems found');
    const esp = tagOf(disk, partitions[0]!, 'UUID');
    expect((await test.run('standby.get_partition_uuids')).command_result).toEqual({
      'root uuid': UUID,
      'efi system partition uuid': esp,
    });
  });

  it('gives GRUB a partition of its own where a GPT is started by a BIOS, and converts qcow2', async () => {
    const record = await test.writeImage(
      image({ disk_label: 'gpt', disk_format: 'qcow2' }, asQcow2(content, '-c')),
    );
    expect(record.command_status).toBe('SUCCEEDED');
    expect(tableOf(disk).partitions).toMatchObject([
      { type: '21686148-6449-6E6F-744E-656564454649', size: 2048 },
      { name: 'root', start: 4096 },
    ]);
    expect(readBytes(disk, at(4096), content.length).equals(content)).toBe(true);
  });

  it('keeps the ephemeral partition, and refuses before it writes where that is not where it was', async () => {
    const wanted = { swap_mb: 32, ephemeral_mb: 1024, ephemeral_format: 'ext4' };
    await test.writeImage(image(wanted));
    const before = tableOf(disk).partitions[0]!;
    const uuid = tagOf(disk, before, 'UUID');
    const mark = Buffer.from('kept');
    writeBytes(disk, mark, at(before.start) + 900 * MIB);
    const again = image({ ...wanted, preserve_ephemeral: true });
    expect((await test.writeImage(again)).command_status).toBe('SUCCEEDED');
    expect(tagOf(disk, tableOf(disk).partitions[0]!, 'UUID')).toBe(uuid);
    expect(readBytes(disk, at(before.start) + 900 * MIB, mark.length).equals(mark)).toBe(true);

    const table = readBytes(disk, 0, MIB);
    const moved = await test.writeImage(image({ ...wanted, ephemeral_mb: 512, preserve_ephemeral: true }));
    expect(moved.command_error!.details).toContain('no ephemeral partition where this layout has it');
    expect(readBytes(disk, 0, MIB).equals(table), 'the table as it was').toBe(true);
  });

  /** Where ZFS, LVM, md, btrfs and others have what they are known by; real programs' places, from their sources. */
  it('leaves nothing of what was known inside a new partition, at either end', async () => {
    const wanted = { deploy_boot_mode: 'uefi', disk_label: 'gpt', swap_mb: 64, ephemeral_mb: 1024 };
    const size = 1024 * MIB;
    const places = [
      ...[0, 512, 1024, 4096, 65_536, 128 * 1024, 256 * 1024, 512 * 1024, MIB, 2 * MIB, 4 * MIB, 64 * MIB],
      ...[512, 4096, 8192, 65_536, 128 * 1024, 256 * 1024, 512 * 1024, 768 * 1024, MIB].map(
        (at) => size - at,
      ),
    ];
    const old = Buffer.from('an old signature');
    const starts = { ephemeral: 551 * MIB, root: (551 + 1024 + 64) * MIB };
    for (const start of Object.values(starts)) for (const at of places) writeBytes(disk, old, start + at);
    expect((await test.writeImage(image(wanted))).command_status).toBe('SUCCEEDED');
    const { partitions } = tableOf(disk);
    expect([at(partitions[1]!.start), at(partitions.at(-1)!.start)]).toEqual(Object.values(starts));
    for (const [role, start] of Object.entries(starts)) {
      const left = places.filter((place) => readBytes(disk, start + place, old.length).equals(old));
      expect(left, role).toEqual([]);
    }
  });

  it.each([
    ['raw', (bytes: Buffer) => bytes],
    ['qcow2', (bytes: Buffer) => asQcow2(bytes)],
  ] as const)('refuses a whole disk (%s) before anything is written', async (disk_format, make) => {
    const mark = Buffer.from('what was there');
    writeBytes(disk, mark, 0);
    const record = await test.writeImage(image({ disk_format }, make(diskImage('gpt'))));
    expect(record).toMatchObject({ command_status: 'FAILED', command_error: { type: 'InvalidImage' } });
    expect(record.command_error!.details).toContain('it holds a partition table');
    expect(readBytes(disk, 0, mark.length).equals(mark)).toBe(true);
  });

  it('refuses what does not fit, and what it does not understand', async () => {
    const small = await test.writeImage(image({ root_mb: 8 }));
    expect(small.command_error!.details).toContain('root_gb makes it, has 8388608 bytes');
    const large = await test.writeImage(image({ root_mb: 8192 }));
    expect(large.command_error!.details).toMatch(
      /has 6144 MiB; the partitions that are asked for need 8194 MiB/,
    );
    expect((await test.writeImage(image({ root_mb: null }))).command_error!.details).toContain('root_mb');
    expect((await test.writeImage(image({ disk_label: 'sun' }))).command_error!.details).toContain(
      'disk_label',
    );
    const five = { deploy_boot_mode: 'uefi', disk_label: 'msdos', swap_mb: 1, ephemeral_mb: 1 };
    const drive = gzipSync(Buffer.alloc(MIB)).toString('base64');
    expect((await test.writeImage(image(five), drive)).command_error!.details).toContain('5 are asked for');
  });

  it('leaves no root file system whose checksum was wrong', async () => {
    const record = await test.writeImage(image({ os_hash_value: 'a'.repeat(64) }));
    expect(record.command_error).toMatchObject({ type: 'ImageChecksumError' });
    expect(tagOf(disk, rootOf(), 'UUID')).toBe('');
  });
});
