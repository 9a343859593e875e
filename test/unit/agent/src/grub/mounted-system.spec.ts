import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { placeInside, readInside } from '../../../../../agent/src/grub/mounted-system.js';

describe('a path of a mounted system', () => {
  let root: string;
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'system-'));
    mkdirSync(join(root, 'usr/sbin'), { recursive: true });
    symlinkSync('usr/sbin', join(root, 'sbin'));
    symlinkSync('/etc', join(root, 'boot'));
    symlinkSync('../../../../..', join(root, 'usr/out'));
    symlinkSync('b', join(root, 'a'));
    execFileSync('mkfifo', [join(root, 'pipe')]);
    writeFileSync(join(root, 'large'), '');
    truncateSync(join(root, 'large'), 2 ** 40);
    symlinkSync('a', join(root, 'b'));
  });
  afterAll(() => rmSync(root, { recursive: true }));

  it.each([
    ['/usr/sbin/x', 'usr/sbin/x'],
    ['/sbin/grub-install', 'usr/sbin/grub-install'],
    // An absolute link means the system's own root, never this machine's.
    ['/boot/grub/grub.cfg', 'etc/grub/grub.cfg'],
    ['/usr/out/etc/passwd', 'etc/passwd'],
    ['/../../etc/shadow', 'etc/shadow'],
  ])('%s stays inside', async (path, place) => {
    expect(await placeInside(root, path)).toBe(join(root, place));
  });

  it.each([
    ['/pipe', 'is no file'],
    ['/usr', 'is no file'],
    ['/large', 'has 1099511627776 bytes'],
  ])('%s is not read', async (path, words) => {
    await expect(readInside(root, path)).rejects.toThrow(words);
  });

  it('is refused in a circle of links', async () => {
    await expect(placeInside(root, '/a/x')).rejects.toThrow('circle of links');
  });
});
