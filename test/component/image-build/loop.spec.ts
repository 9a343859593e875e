import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LoopCustomiser } from '../../../image-build/customise/loop.js';
import { detachLoopDevices } from '../../../image-build/session/leftover.js';
import { LoopDevice } from '../../support/loop-device.js';

/** Needs root, as the loop backend does. */
describe('the loop backend', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'loop-'));
    mkdirSync(join(dir, 'scratch'));
  });
  afterEach(() => {
    // What a failure left attached, as a session does.
    detachLoopDevices(dir);
    rmSync(dir, { recursive: true });
  });

  /** What makes a file system look like a system's. */
  const tree = () => {
    mkdirSync(join(dir, 'tree/etc'), { recursive: true });
    writeFileSync(join(dir, 'tree/etc/fstab'), '');
    return join(dir, 'tree');
  };
  /** A disk of 32 MiB whose only partition is ext4. */
  const disk = (name: string, sector = 512) => {
    const path = join(dir, name);
    writeFileSync(path, '');
    truncateSync(path, 32 * 2 ** 20);
    using loop = LoopDevice.over(path, sector);
    execFileSync('sfdisk', ['-q', '--no-tell-kernel', '--no-reread', loop.path], {
      input: `label: gpt\nstart=${2 ** 20 / sector}, size=${(24 * 2 ** 20) / sector}\n`,
    });
    const how = ['-q', '-F', '-t', 'ext4', '-b', '4096', '-d', tree(), '-E', 'offset=1048576'];
    execFileSync('mke2fs', [...how, path, '24576k'], { stdio: 'pipe' });
    return path;
  };

  it('is not disturbed by partitions that another program left on the device', async () => {
    const image = disk('image.raw');
    // The kernel keeps them over the detaching of their file, and gives the free device with the lowest number next.
    const left = disk('left.raw');
    const devices = Array.from({ length: 3 }, () => {
      const path = execFileSync('losetup', ['--find', '--show', left], { encoding: 'utf8' }).trim();
      if (readdirSync(`/sys/block/${basename(path)}`).includes(`${basename(path)}p1`)) return path;
      execFileSync('partx', ['--add', path]);
      return path;
    });
    for (const path of devices) execFileSync('losetup', ['--detach', path]);
    await new LoopCustomiser(join(dir, 'scratch')).compress(image, join(dir, 'out.qcow2'));
    expect(execFileSync('qemu-img', ['info', join(dir, 'out.qcow2')], { encoding: 'utf8' })).toContain(
      'qcow2',
    );
    // Whose they are has to be attached for that.
    for (const path of devices) {
      if (existsSync(`/sys/block/${basename(path)}/loop/backing_file`)) continue;
      execFileSync('losetup', [path, left]);
      using _device = LoopDevice.at(path);
    }
  });

  it('opens an image for sectors of 4096 bytes as a disk of such', async () => {
    await new LoopCustomiser(join(dir, 'scratch')).compress(disk('four.raw', 4096), join(dir, 'out.qcow2'));
    expect(execFileSync('qemu-img', ['info', join(dir, 'out.qcow2')], { encoding: 'utf8' })).toContain(
      'qcow2',
    );
  });
});
