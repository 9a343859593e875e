import { expect, it } from 'vitest';
import { connectionRoom, descriptorLimit } from '../../../src/platform/descriptors.js';

it('connections leave 256 descriptors, and half where there are few', () => {
  expect([256, 1024, 524_288].map(connectionRoom)).toEqual([128, 768, 524_032]);
  expect(connectionRoom(Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
});

it('the limit is that of this process', () => {
  expect(descriptorLimit()).toBeGreaterThan(64);
});
