import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { type CpioEntry, cpioArchive } from '../../../src/protocol/cpio.js';

const file = (path: string, content: string, mode = 0o644): CpioEntry => ({
  path,
  kind: 'file',
  mode,
  content: Buffer.from(content),
});
const archive = (entries: CpioEntry[]) => Buffer.concat([...cpioArchive(entries)]);

describe('cpioArchive', () => {
  const entries: CpioEntry[] = [
    file('init', '#!/bin/sh\n', 0o755),
    file('usr/bin/tool', 'x'.repeat(4097)),
    { path: 'bin', kind: 'symlink', target: 'usr/bin' },
    { path: 'dev/console', kind: 'character', mode: 0o600, major: 5, minor: 1 },
    { path: 'proc', kind: 'directory' },
  ];

  it('is read by GNU cpio as it was meant', () => {
    const listed = execFileSync('cpio', ['-itvn', '--quiet'], { input: archive(entries), encoding: 'utf8' });
    const lines = listed
      .trimEnd()
      .split('\n')
      .map((line) => line.replace(/\s+/g, ' '));
    expect(lines.map((line) => `${line.slice(0, 10)} ${line.split(' 1970 ')[1]}`)).toEqual([
      'lrwxrwxrwx bin -> usr/bin',
      'drwxr-xr-x dev',
      'crw------- dev/console',
      '-rwxr-xr-x init',
      'drwxr-xr-x proc',
      'drwxr-xr-x usr',
      'drwxr-xr-x usr/bin',
      '-rw-r--r-- usr/bin/tool',
    ]);
    expect(lines[2]).toContain('5, 1');
    const content = execFileSync('cpio', ['-i', '--to-stdout', '--quiet', 'usr/bin/tool'], {
      input: archive(entries),
    });
    expect(content.toString()).toBe('x'.repeat(4097));
  });

  it('has the same bytes whatever the order', () => {
    expect(archive([...entries].reverse()).equals(archive(entries))).toBe(true);
    expect(archive([file('a', '1'), file('a', '2')]).equals(archive([file('a', '2')]))).toBe(true);
  });
});
