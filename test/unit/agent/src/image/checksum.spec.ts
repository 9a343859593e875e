import { describe, expect, it } from 'vitest';
import { expectedChecksum } from '../../../../../agent/src/image/checksum.js';

const image = { id: 'i', urls: ['http://h/dir/disk%20one.raw?x=1'] };
const sha256 = 'a'.repeat(64);
const md5 = 'b'.repeat(32);
const none = () => Promise.reject(new Error('nothing to fetch'));

describe('expectedChecksum', () => {
  it('takes os_hash fields first', async () => {
    const both = { ...image, checksum: md5, os_hash_algo: 'sha512', os_hash_value: 'C'.repeat(128) };
    expect(await expectedChecksum(both, false, none)).toEqual({
      algorithm: 'sha512',
      value: 'c'.repeat(128),
    });
  });

  it('knows the algorithm by the length or by its name', async () => {
    expect(await expectedChecksum({ ...image, checksum: sha256 }, false, none)).toEqual({
      algorithm: 'sha256',
      value: sha256,
    });
    expect(await expectedChecksum({ ...image, checksum: `sha256:${sha256}` }, false, none)).toMatchObject({
      algorithm: 'sha256',
    });
    expect(await expectedChecksum({ ...image, checksum: md5 }, true, none)).toMatchObject({
      algorithm: 'md5',
    });
    const named = { ...image, os_hash_algo: 'sha2-256', os_hash_value: sha256 };
    expect(await expectedChecksum(named, false, none)).toEqual({ algorithm: 'sha256', value: sha256 });
  });

  it('finds the image in a checksum file by its decoded name', async () => {
    const asked: string[] = [];
    const fetch = async (url: string) => {
      asked.push(url);
      return Buffer.from(
        `\ufeffSHA2-256(other.raw)= ${'0'.repeat(64)}\nSHA2-256(disk one.raw)= ${sha256}\n`,
        'utf16le',
      );
    };
    const found = await expectedChecksum({ ...image, checksum: 'https://h/SUMS' }, false, fetch);
    expect([found.value, asked]).toEqual([sha256, ['https://h/SUMS']]);
  });

  it.each([
    [{ checksum: md5 }, 'MD5 checksums are turned off'],
    [{ checksum: 'xyz' }, 'not a hexadecimal checksum'],
    [{ checksum: 'abc' }, 'tell no algorithm'],
    [{ os_hash_algo: 'rot13', os_hash_value: sha256 }, 'not known'],
    [{ os_hash_algo: 'sha512', os_hash_value: sha256 }, '128 hexadecimal digits'],
  ])('refuses %j', async (fields, why) => {
    await expect(expectedChecksum({ ...image, ...fields }, false, none)).rejects.toThrow(why);
  });
});
