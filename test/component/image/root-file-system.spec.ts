import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pathsInImage } from '../../../src/image/look/root-file-system.js';

/** Names in a file system that mke2fs made, by a reader that shares nothing with it. */
describe('a look into an ext file system', () => {
  let dir: string;
  let tree: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'ext-'));
    tree = join(dir, 'tree');
    mkdirSync(join(tree, 'usr/sbin'), { recursive: true });
    mkdirSync(join(tree, 'usr/lib/grub/i386-pc'), { recursive: true });
    mkdirSync(join(tree, 'many'));
    writeFileSync(join(tree, 'usr/sbin/grub-install'), 'x');
    symlinkSync('usr/sbin', join(tree, 'sbin'));
    symlinkSync(`/${'./'.repeat(40)}usr/lib`, join(tree, 'lib'));
    symlinkSync('/round', join(tree, 'round'));
    // More than a block, so that its directory becomes a hash tree.
    for (let i = 0; i < 600; i++) writeFileSync(join(tree, 'many', `a-file-with-a-long-name-${i}`), '');
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  const make = (name: string, ...options: string[]) => {
    const path = join(dir, name);
    execFileSync('mke2fs', ['-q', '-F', ...options, '-d', tree, path, '32M']);
    return path;
  };
  const WANTED = [
    '/usr/sbin/grub-install',
    '/sbin/grub-install',
    '/lib/grub/i386-pc',
    '/usr/sbin/../lib/./grub',
    '/many/a-file-with-a-long-name-599',
    '/usr/sbin/grub2-install',
    '/usr/sbin/grub-install/below',
    '/many/a-file-with-a-long-name-600',
  ];

  it.each([
    ['ext4', ['-t', 'ext4']],
    ['ext4 of 1 KiB blocks', ['-t', 'ext4', '-b', '1024', '-I', '256']],
    ['ext4 without 64bit', ['-t', 'ext4', '-O', '^64bit,^metadata_csum']],
    ['ext3', ['-t', 'ext3', '-b', '1024']],
    ['ext2', ['-t', 'ext2', '-b', '1024', '-I', '128']],
  ])('%s', async (name, options) => {
    const seen = await pathsInImage(make(name.replaceAll(' ', '-'), ...options), WANTED);
    expect(seen).toEqual({ found: new Set(WANTED.slice(0, 5)) });
  });

  it('says why where it sees nothing', async () => {
    const zeros = join(dir, 'zeros');
    writeFileSync(zeros, '');
    truncateSync(zeros, 2 ** 20);
    expect(await pathsInImage(zeros, WANTED)).toEqual({
      unseen: expect.stringContaining('not ext2') as string,
    });
    const whole = make('whole', '-t', 'ext4');
    expect(await pathsInImage(whole, ['/round/x'])).toEqual({ unseen: 'its links go in circles' });
    truncateSync(whole, 40_000);
    expect(await pathsInImage(whole, WANTED)).toEqual({
      unseen: expect.stringMatching(/ends before|damaged/) as string,
    });
  });

  it('ends on whatever bytes it is given', async () => {
    const path = make('garbled', '-t', 'ext4');
    // The superblock's magic stays; anything else of the first MiB may be anything.
    const good = readFileSync(path).subarray(0, 2 ** 20);
    for (let seed = 1; seed <= 40; seed++) {
      const bad = Buffer.from(good);
      let state = seed * 2_654_435_761;
      for (let i = 0; i < 200; i++) {
        state = (state * 1_103_515_245 + 12_345) >>> 0;
        const at = 1024 + (state % (bad.length - 1024));
        if (at !== 1080 && at !== 1081) bad[at] = state >>> 24;
      }
      const file = openSync(path, 'r+');
      writeSync(file, bad);
      closeSync(file);
      const seen = await pathsInImage(path, WANTED);
      expect('found' in seen || seen.unseen.length > 0).toBe(true);
    }
  });
});
