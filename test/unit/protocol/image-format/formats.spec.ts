import { expect, it } from 'vitest';
import { imageSection } from '../../../../src/config/section/image.js';
import { parseInstanceImage } from '../../../../src/domain/image/instance-image.js';
import { formatFacts, writtenAs } from '../../../../src/protocol/image-format/formats.js';
import { IMAGE_FORMATS } from '../../../../src/protocol/image-format/inspection.js';
import { qemuSource } from '../../../../src/protocol/image-format/qemu-source.js';

const usable = IMAGE_FORMATS.filter((format) => formatFacts(format)?.qemu !== undefined);

it('every format that may be permitted or declared is one that qemu-img, agent and daemon have a name for', () => {
  expect(imageSection.safeParse({ permitted_formats: usable }).success).toBe(true);
  for (const format of IMAGE_FORMATS) {
    const permitted = imageSection.safeParse({ permitted_formats: [format] }).success;
    const declared = () =>
      parseInstanceImage(
        { image_source: 'file:///images/x', image_disk_format: format },
        { allowMd5: false, filePaths: ['/images'] },
      );
    expect([format, permitted]).toEqual([format, usable.includes(format)]);
    expect(qemuSource(format, '/x') !== undefined).toBe(permitted);
    if (permitted) expect(declared().diskFormat).toBe(format);
    else expect(declared).toThrow('image_disk_format');
  }
  expect(formatFacts('constructor')).toBeUndefined();
});

it('agents write what is no container as raw', () => {
  const told = ['raw', 'gpt', 'iso', 'qcow2', 'vhd', 'vmdk'].map(writtenAs);
  expect(told).toEqual(['raw', 'raw', 'raw', 'qcow2', 'vhd', 'vmdk']);
});
