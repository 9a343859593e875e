import { describe, expect, it } from 'vitest';
import { neededSize, planPartitions } from '../../../../src/domain/image/disk-layout.js';

const SIZES = { root: 1024, swap: 0, ephemeral: 0, configDrive: 0 };
const shape = (request: Parameters<typeof planPartitions>[0]) =>
  planPartitions(request).map(({ role, number, start, size }) => `${number} ${role} ${start}+${size}`);

describe('planPartitions', () => {
  it('follows upstream’s order, root last', () => {
    const all = { ...SIZES, swap: 64, ephemeral: 2048, configDrive: 1 };
    expect(shape({ ...all, label: 'gpt', bootMode: 'uefi' })).toEqual([
      '1 esp 1+550',
      '2 ephemeral 551+2048',
      '3 swap 2599+64',
      '4 config-drive 2663+1',
      '5 root 2664+1024',
    ]);
    expect(shape({ ...SIZES, label: 'gpt', bootMode: 'bios' })).toEqual(['1 bios-boot 1+1', '2 root 2+1024']);
    expect(shape({ ...SIZES, label: 'msdos', bootMode: 'bios' })).toEqual(['1 root 1+1024']);
    expect(neededSize(planPartitions({ ...SIZES, label: 'msdos', bootMode: 'bios' }))).toBe(1026);
  });

  it('refuses a fifth partition in an MBR', () => {
    const all = { ...SIZES, swap: 64, ephemeral: 2048, configDrive: 1 };
    expect(shape({ ...all, label: 'msdos', bootMode: 'bios' })).toHaveLength(4);
    expect(() => planPartitions({ ...all, label: 'msdos', bootMode: 'uefi' })).toThrow(
      'holds 4 partitions, but 5 are asked for (esp, ephemeral, swap, config-drive, root)',
    );
  });
});
