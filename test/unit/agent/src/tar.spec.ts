import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { tarArchive } from '../../../../agent/src/tar.js';

describe('tarArchive', () => {
  it('is read by GNU tar', () => {
    const files = new Map([
      ['dmesg', Buffer.from('x'.repeat(513))],
      ['empty', Buffer.alloc(0)],
    ]);
    const archive = tarArchive(files, 1_700_000_000);
    const listed = execFileSync('tar', ['-tv', '--utc', '-f', '-'], { input: archive, encoding: 'utf8' });
    expect(listed.replace(/ +/g, ' ')).toBe(
      '-rw-r--r-- 0/0 513 2023-11-14 22:13 dmesg\n-rw-r--r-- 0/0 0 2023-11-14 22:13 empty\n',
    );
    expect(execFileSync('tar', ['-xO', '-f', '-', 'dmesg'], { input: archive }).length).toBe(513);
    expect(() => tarArchive(new Map([['x'.repeat(101), Buffer.alloc(0)]]))).toThrow('more than 100 bytes');
  });
});
