import { describe, expect, it } from 'vitest';
import {
  type ImageRules,
  imageKind,
  parseInstanceImage,
} from '../../../../src/domain/image/instance-image.js';

const rules: ImageRules = {
  allowMd5: true,
  filePaths: ['/images'],
};
const SHA256 = '9f6c942ad81690a9926ff530629fb69a82db8b8ab267e2cbd59df417c1a28060';
const HTTP = { image_source: 'http://h/x.qcow2', image_checksum: SHA256 };

describe('parseInstanceImage', () => {
  it('reads an http image with its checksum, kernel and ramdisk', () => {
    const fields = { ...HTTP, image_disk_format: 'qcow2', kernel: 'file:///images/k', ramdisk: 'http://h/r' };
    expect(parseInstanceImage(fields, rules)).toMatchObject({
      source: { kind: 'http', url: 'http://h/x.qcow2' },
      checksum: { kind: 'value', checksum: { algorithm: 'sha256', value: SHA256 } },
      diskFormat: 'qcow2',
      kernel: { kind: 'file', path: '/images/k' },
      ramdisk: { kind: 'http' },
    });
  });

  it('needs no checksum for a file or a Glance image', () => {
    expect(parseInstanceImage({ image_source: 'file:///images/x' }, rules).checksum).toBeUndefined();
    const glance = { image_source: '0b9f3c1e-5c2a-4f6e-9d67-2f1d3c1f0a11' };
    expect(parseInstanceImage(glance, rules).checksum).toBeUndefined();
  });

  it.each<[object, RegExp]>([
    [{}, /^image_source: is missing/],
    [{ image_source: 'http://h/x.qcow2' }, /^image_checksum or image_os_hash_value: is needed/],
    [{ image_source: 'file:///etc/passwd' }, /^image_source: files under \/etc/],
    [{ image_source: 'file:///srv/x' }, /^image_source: .*none of the allowed/],
    [{ ...HTTP, image_source: 'http://h/dir/' }, /names a directory/],
    [{ ...HTTP, image_disk_format: 'json:{}' }, /^image_disk_format: /],
    [{ ...HTTP, image_disk_format: 5 }, /^image_disk_format: /],
    [{ ...HTTP, kernel: 'file:///boot/vmlinuz' }, /^kernel: /],
    [{ ...HTTP, ramdisk: '' }, /^ramdisk: /],
    [{ ...HTTP, image_checksum: 'zz' }, /^image_checksum: /],
  ])('refuses %j', (fields, message) => {
    expect(() => parseInstanceImage(fields as Record<string, unknown>, rules)).toThrow(message);
  });
});

describe('imageKind', () => {
  it.each<[object, object | undefined, string]>([
    [{}, undefined, 'whole-disk'],
    [{ kernel: 'k', ramdisk: 'r' }, undefined, 'partition'],
    [{ kernel: 'k' }, undefined, 'partition'],
    [{ kernel: 'k', ramdisk: 'r', image_type: 'whole-disk' }, undefined, 'whole-disk'],
    [{ image_type: 'partition' }, undefined, 'partition'],
    [{}, { kernel_id: 'k', ramdisk_id: 'r' }, 'partition'],
    [{}, { kernel_id: '' }, 'whole-disk'],
    [{}, { img_type: 'partition' }, 'partition'],
    [{ image_type: 'whole-disk' }, { img_type: 'partition' }, 'whole-disk'],
    [{ image_type: null, kernel: null }, {}, 'whole-disk'],
  ])('%j with %j', (fields, properties, kind) => {
    expect(imageKind(fields as Record<string, unknown>, properties)).toBe(kind);
  });

  it('refuses another type', () => {
    expect(() => imageKind({ image_type: 'floppy' })).toThrow(/^image_type: /);
  });
});
