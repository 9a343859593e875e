import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readElfNeeds } from '../../../../agent/ramdisk/elf.js';

/** The same facts from binutils. */
function readelf(path: string): { needed: string[]; interpreter: string | undefined } {
  const text = execFileSync('readelf', ['-W', '-d', '-l', path], { encoding: 'utf8' });
  return {
    needed: [...text.matchAll(/\(NEEDED\).*\[(.*)\]/g)].map((match) => match[1]!),
    interpreter: /program interpreter: (.*)\]/.exec(text)?.[1],
  };
}

describe('readElfNeeds', () => {
  it.each([process.execPath, '/bin/ls', '/usr/bin/qemu-img', '/lib/x86_64-linux-gnu/libc.so.6'])(
    'sees in %s what readelf sees',
    (path) => {
      const { needed, interpreter } = readElfNeeds(readFileSync(path))!;
      expect({ needed, interpreter }).toEqual(readelf(path));
    },
  );

  it('knows what is no ELF file', () => {
    expect(readElfNeeds(Buffer.from('#!/bin/sh\n'))).toBeUndefined();
    expect(readElfNeeds(Buffer.alloc(100))).toBeUndefined();
  });
});
