import { expect, it } from 'vitest';
import { uuid5 } from '../../../src/image/cache-entry.js';
import { digestBytes } from '../../../src/image/digester.js';

it('names URLs as Python’s uuid.uuid5(uuid.NAMESPACE_URL, …) does', () => {
  expect(uuid5('http://my.server.net/images/img')).toBe('f9def2fd-4482-5941-b2f5-183633d9c400');
  expect(uuid5('file:///images/img')).toBe('7cc3bfca-a1bb-5b68-9a37-ab4157ccc14e');
});

it('knows the digests of Node’s crypto that have one length', () => {
  expect(['md5', 'sha256', 'sha3-512', 'blake2b512'].map(digestBytes)).toEqual([16, 32, 64, 64]);
  expect(['rot13', 'shake128', 'SHAKE256', ''].map(digestBytes)).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});
