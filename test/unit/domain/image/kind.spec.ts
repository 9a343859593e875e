import { describe, expect, it } from 'vitest';
import { type ImageContents, kindFault } from '../../../../src/domain/image/kind.js';

const ALL: ImageContents[] = [
  'partition-table',
  'protective-mbr',
  'boot-sector',
  'optical-disc',
  'plain-disc',
  'filesystem',
  'kernel',
  'ramdisk',
  'unknown',
  'unseen',
];
const refused = (kind: 'whole-disk' | 'partition') => ALL.filter((contents) => kindFault(kind, contents));

describe('an image of another kind than it was told to be', () => {
  it('is refused as a whole disk without a partition table, a boot sector or a disc', () => {
    expect(refused('whole-disk')).toEqual([
      'protective-mbr',
      'plain-disc',
      'filesystem',
      'kernel',
      'ramdisk',
      'unknown',
    ]);
  });
  it('is refused as a partition with a partition table, as a disc, as a kernel', () => {
    expect(refused('partition')).toEqual([
      'partition-table',
      'protective-mbr',
      'optical-disc',
      'plain-disc',
      'kernel',
      'ramdisk',
    ]);
  });
  it('is told what to do', () => {
    expect(kindFault('partition', 'partition-table')).toMatch(
      /remove kernel_id and ramdisk_id .* whole-disk/,
    );
    expect(kindFault('whole-disk', 'filesystem')).toMatch(/give it kernel_id and ramdisk_id .* partition/);
  });
});
