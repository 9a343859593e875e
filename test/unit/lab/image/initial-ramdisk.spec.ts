import { describe, expect, it } from 'vitest';
import { makeCpio } from '../../../../lab/image/initial-ramdisk.js';

describe('a cpio archive', () => {
  it('is laid out as the kernel reads it: newc headers, each part on a multiple of four, and a trailer', () => {
    const archive = makeCpio([
      { path: 'bin', mode: 0o040755 },
      { path: 'bin/a', mode: 0o100755, content: Buffer.from('hello') },
    ]);
    const text = archive.toString('latin1');
    expect(archive.length % 4).toBe(0);
    expect(text.slice(0, 6)).toBe('070701');
    const second = text.indexOf('070701', 6);
    expect(second % 4).toBe(0);
    expect(text.slice(second + 6, second + 14), 'inode').toBe('00000002');
    expect(text.slice(second + 14, second + 22), 'mode').toBe((0o100755).toString(16).padStart(8, '0'));
    expect(text.slice(second + 54, second + 62), 'size').toBe('00000005');
    expect(text.slice(second + 94, second + 102), 'length of the name, with its end').toBe('00000006');
    expect(text.slice(second + 110, second + 116)).toBe('bin/a\0');
    expect(text.slice(second + 116, second + 124)).toBe('hello\0\0\0');
    expect(text).toMatch(/TRAILER!!!\0+$/);
  });
});
