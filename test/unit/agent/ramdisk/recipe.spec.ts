import { describe, expect, it } from 'vitest';
import { FLAVOURS, MODULE_SETS, PROGRAMS } from '../../../../agent/ramdisk/recipe.js';

describe('the recipe', () => {
  it('names nothing twice', () => {
    for (const list of [Object.values(MODULE_SETS).flat(), PROGRAMS]) {
      expect(list.filter((name, index) => list.indexOf(name) !== index)).toEqual([]);
    }
  });

  it('knows virtio, SATA, NVMe and SCSI disks and common NICs by default', () => {
    const modules = FLAVOURS.virtual.moduleSets.flatMap((set): readonly string[] => MODULE_SETS[set]);
    for (const name of [
      'virtio_blk',
      'virtio_scsi',
      'ahci',
      'nvme',
      'sd_mod',
      'virtio_net',
      'e1000',
      'e1000e',
      'igb',
    ]) {
      expect(modules).toContain(name);
    }
  });
});
