import { execFileSync } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { buildConfigDrive } from '../../../src/protocol/configdrive/config-drive.js';
import { diskImage } from '../../support/agent/disk-image.js';
import { GIB, MIB, useWriteImage } from '../../support/agent/write-image-bed.js';

const bed = useWriteImage();
const { partitions, raw, read } = bed;

describe('write_image with a config drive', () => {
  const volume = Buffer.from(buildConfigDrive({ user_data: 'hello' }, { uuid: 'u' }, 0));
  const packed = gzipSync(volume).toString('base64');
  const label = (start: number, size: number) =>
    execFileSync(
      'blkid',
      ['-p', '-O', String(start * 512), '-S', String(size * 512), '-o', 'value', '-s', 'LABEL', bed.disk],
      {
        encoding: 'utf8',
      },
    ).trim();

  it.each(['gpt', 'dos'] as const)('puts it on a partition at the end (%s)', async (table) => {
    expect((await bed.test.writeImage(raw(diskImage(table)), packed)).command_status).toBe('SUCCEEDED');
    const last = partitions().partitions.at(-1)!;
    expect(last.size * 512).toBe(64 * MIB);
    if (table === 'gpt') expect(last.name).toBe('config-2');
    expect(5 * GIB - (last.start + last.size) * 512).toBeLessThan(3 * MIB);
    expect(label(last.start, last.size)).toBe('config-2');
    expect(read(last.start * 512, volume.length).equals(volume)).toBe(true);
    if (table === 'gpt')
      expect(execFileSync('sgdisk', ['-v', bed.disk], { encoding: 'utf8' })).toContain('No problems');
  });

  it('fills the partition that the image brought for it', async () => {
    const image = diskImage('gpt', 80);
    bed.server.content.set('config', Buffer.from(packed));
    // The image's own second partition, labelled as one.
    const path = `${bed.test.dir}/image`;
    execFileSync('dd', [`of=${path}`, 'status=none'], { input: image });
    execFileSync('sgdisk', ['-n', '2:8192:+4M', '-c', '2:config-2', path], { stdio: 'pipe' });
    const own = execFileSync('cat', [path], { maxBuffer: 2 ** 28 });
    expect((await bed.test.writeImage(raw(own), bed.server.url('config'))).command_status).toBe('SUCCEEDED');
    expect(partitions().partitions).toHaveLength(2);
    expect(label(8192, 8192)).toBe('config-2');
  });

  it('fills the one that the image brought whatever the case of its label', async () => {
    const path = `${bed.test.dir}/image`;
    execFileSync('dd', [`of=${path}`, 'status=none'], { input: diskImage('dos', 16, 2) });
    execFileSync('mkfs.fat', ['-n', 'CONFIG-2', '--offset', '4096', path, '1024'], { stdio: 'pipe' });
    const own = execFileSync('cat', [path], { maxBuffer: 2 ** 28 });
    expect((await bed.test.writeImage(raw(own), packed)).command_status).toBe('SUCCEEDED');
    expect(partitions().partitions).toHaveLength(2);
    expect(label(4096, 2048)).toBe('config-2');
  });

  it('says that a GPT has no entry left', async () => {
    const path = `${bed.test.dir}/image`;
    execFileSync('dd', [`of=${path}`, 'status=none'], { input: diskImage('gpt') });
    const lines = Array.from({ length: 4 }, (_, n) => `start=${2048 * (n + 1)}, size=2048`);
    execFileSync('sfdisk', ['-q', path], { input: `label: gpt\ntable-length: 4\n${lines.join('\n')}\n` });
    const own = execFileSync('cat', [path], { maxBuffer: 2 ** 28 });
    expect((await bed.test.writeImage(raw(own), packed)).command_error!.details).toContain(
      'all 4 entries of the GPT',
    );
  });

  it('refuses a fifth partition in an MBR, and nonsense', async () => {
    const full = await bed.test.writeImage(raw(diskImage('dos', 16, 4)), packed);
    expect(full.command_error!.details).toContain('already has 4 primary partitions'.replace('already ', ''));
    const nonsense = await bed.test.writeImage(raw(diskImage('dos')), 'not base64!');
    expect(nonsense.command_error!.details).toContain('not base64 encoded');
    const large = gzipSync(Buffer.alloc(65 * MIB)).toString('base64');
    expect((await bed.test.writeImage(raw(diskImage('dos')), large)).command_error!.details).toContain(
      'maximum limit of 64MiB',
    );
  });
});
