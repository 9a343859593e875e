import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildConfigDrive } from '../../../src/protocol/configdrive/config-drive.js';
import { AgentUnderTest } from '../../support/agent/agent-under-test.js';
import { asQcow2, diskImage, sha256 } from '../../support/agent/disk-image.js';
import { ImageServer } from '../../support/agent/image-server.js';
import { readBytes, writeBytes } from '../../support/e2e/disk-table.js';
import { LoopDevice } from '../../support/loop-device.js';

const MIB = 2 ** 20;

/** A disk of 16 MiB, partitioned and filled by real tools on a device with these sectors. */
function imageFor(
  sector: number,
  label: 'gpt' | 'dos',
  fill?: (file: string, start: number) => void,
): Buffer {
  const dir = mkdtempSync(join(tmpdir(), 'image-'));
  const path = join(dir, 'disk');
  try {
    writeFileSync(path, '');
    truncateSync(path, 16 * MIB);
    {
      using loop = LoopDevice.over(path, sector);
      const type = label === 'gpt' ? 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B' : 'ef';
      execFileSync('sfdisk', ['-q', '--no-tell-kernel', '--no-reread', loop.path], {
        input: `label: ${label}\nstart=${MIB / sector}, size=${(8 * MIB) / sector}, type=${type}\n`,
      });
    }
    fill?.(path, MIB);
    return readFileSync(path);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const fat = (sector: number) => (file: string, start: number) =>
  void execFileSync('mkfs.fat', [
    ...['-I', '-S', String(sector), '--offset', String(start / sector), file, String(4 * 1024)],
  ]);
const ext = (block: number) => (file: string, start: number) =>
  void execFileSync('mke2fs', [
    ...['-q', '-F', '-t', 'ext4', '-b', String(block), '-E', `offset=${start}`, file, '4096k'],
  ]);

describe('an image and the sectors of its disk', () => {
  let test: AgentUnderTest;
  let server: ImageServer;
  let loop: LoopDevice;

  const prepare = async (sector: number) => {
    const { name } = test.machine.addDisk(`${test.dir}/disk`, 128 * MIB);
    writeBytes(name, Buffer.from('what was there'), 0);
    loop = LoopDevice.over(name, sector);
    Object.assign(test.machine.disks[0]!, { name: loop.path, logical_sectors: sector });
    test.conductor.node['properties'] = { root_device: { model: 'sparse file' } };
    await test.start();
  };
  const write = async (content: Buffer, more: object = {}, drive?: string) => {
    server.content.set('disk.raw', content);
    return test.writeImage(
      {
        id: 'image-1',
        urls: [server.url('disk.raw')],
        disk_format: 'raw',
        os_hash_algo: 'sha256',
        os_hash_value: sha256(content),
        ...more,
      },
      drive,
    );
  };

  beforeEach(async () => {
    test = await AgentUnderTest.prepare();
    server = await ImageServer.start();
  });
  afterEach(async () => {
    await test.stop();
    await server.stop();
    loop[Symbol.dispose]();
  });

  const broken = (image: Buffer) => {
    image[512 + 24] = 7; // its own place, and with that its checksum
    return image;
  };
  it.each<[string, number, () => Buffer, object, string]>([
    ['a GPT for 512 on 4096', 4096, () => diskImage('gpt'), {}, 'GPT is made for sectors of 512 bytes'],
    [
      'a GPT for 4096 on 512, in a qcow2',
      512,
      () => asQcow2(imageFor(4096, 'gpt')),
      { disk_format: 'qcow2' },
      'GPT is made for sectors of 4096 bytes',
    ],
    [
      'an MBR for 512 on 4096',
      4096,
      () => imageFor(512, 'dos', fat(512)),
      {},
      'MBR is made for sectors of 512',
    ],
    [
      'an MBR for 4096 on 512',
      512,
      () => imageFor(4096, 'dos', fat(4096)),
      {},
      'MBR is made for sectors of 4096',
    ],
    [
      'an MBR that does not tell on 4096',
      4096,
      () => diskImage('dos'),
      {},
      'does not show for which sectors',
    ],
    [
      'a FAT for 512 in a GPT for 4096',
      4096,
      () => imageFor(4096, 'gpt', fat(512)),
      {},
      'FAT file system is made for',
    ],
    [
      'small blocks of ext4 on 4096',
      4096,
      () => imageFor(4096, 'gpt', ext(1024)),
      {},
      'blocks of 1024 bytes',
    ],
    [
      'a GPT that firmware does not believe',
      512,
      () => broken(diskImage('gpt')),
      {},
      'no GPT that can be read',
    ],
    [
      'a partition image with small blocks on 4096',
      4096,
      () => imageFor(512, 'dos', ext(1024)).subarray(MIB, 5 * MIB),
      { image_type: 'partition', root_mb: 32, deploy_boot_mode: 'bios' },
      'blocks of 1024 bytes',
    ],
  ])('%s is refused before anything is written', async (_what, sector, image, more, words) => {
    await prepare(sector);
    const record = await write(image(), more);
    expect(record.command_error).toMatchObject({ type: 'InvalidImage' });
    expect(record.command_error!.details).toContain(words);
    expect(readBytes(`${test.dir}/disk`, 0, 14).toString()).toBe('what was there');
  });

  it.each([
    ['gpt', fat(4096)],
    ['dos', fat(4096)],
    ['gpt', ext(4096)],
  ] as const)('an image made for it is written to a disk of 4096 (%s)', async (label, fill) => {
    await prepare(4096);
    const record = await write(imageFor(4096, label, fill));
    expect(record.command_error).toBeNull();
    expect(record.command_status).toBe('SUCCEEDED');
  });

  const volume = buildConfigDrive({ user_data: '#!/bin/sh' }, { uuid: 'u' }, 0);
  const packed = (bytes: Uint8Array) => gzipSync(bytes).toString('base64');
  const driveAt = (start: number, size: number) => {
    const path = `${test.dir}/drive`;
    writeFileSync(path, readBytes(`${test.dir}/disk`, start, size));
    return path;
  };

  it.each(['whole-disk', 'partition'] as const)(
    'a config drive goes to a disk of 4096 as FAT with the label (%s)',
    async (kind) => {
      await prepare(4096);
      const record =
        kind === 'whole-disk'
          ? await write(imageFor(4096, 'gpt', fat(4096)), {}, packed(volume))
          : await write(
              imageFor(512, 'dos', ext(4096)).subarray(MIB, 5 * MIB),
              { image_type: 'partition', root_mb: 8, deploy_boot_mode: 'bios', disk_label: 'gpt' },
              packed(volume),
            );
      expect(record.command_error).toBeNull();
      const { partitiontable: table } = JSON.parse(
        execFileSync('sfdisk', ['--json', loop.path], { encoding: 'utf8' }),
      ) as { partitiontable: { partitions: { name: string; start: number; size: number }[] } };
      const { start, size } = table.partitions.find(({ name }) => name === 'config-2')!;
      const path = driveAt(start * 4096, size * 4096);
      expect(execFileSync('blkid', ['-p', '-o', 'export', path], { encoding: 'utf8' })).toMatch(
        /LABEL=config-2\n.*TYPE=vfat/s,
      );
      expect(readFileSync(path).readUInt16LE(11)).toBe(4096);
      execFileSync('fsck.fat', ['-n', path]);
      expect(execFileSync('mtype', ['-i', path, '::/openstack/latest/user_data'], { encoding: 'utf8' })).toBe(
        '#!/bin/sh',
      );
    },
  );

  it('a config drive that could not be mounted fails the step', async () => {
    await prepare(4096);
    const ext1 = imageFor(512, 'dos', ext(1024)).subarray(MIB, 5 * MIB);
    const record = await write(imageFor(4096, 'gpt', fat(4096)), {}, packed(ext1));
    expect(record.command_error!.details).toContain('config drive could not be mounted');
  });
});
