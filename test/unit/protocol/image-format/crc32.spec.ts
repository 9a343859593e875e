import { randomBytes } from 'node:crypto';
import { crc32 as zlib } from 'node:zlib';
import { expect, it } from 'vitest';
import { crc32 } from '../../../../src/protocol/image-format/crc32.js';

it('is zlib’s', () => {
  for (const length of [0, 1, 92, 16_384]) {
    const bytes = randomBytes(length);
    expect(crc32(bytes)).toBe(zlib(bytes));
  }
});
