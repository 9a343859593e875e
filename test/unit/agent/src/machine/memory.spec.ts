import { describe, expect, it } from 'vitest';
import { memoryMebibytes } from '../../../../../agent/src/machine/memory.js';

/** A structure of type 17 with the strings behind it, which begin where it ends. */
function module17(length: number, fields: Record<number, number[]>, type = 17): Uint8Array {
  const bytes = Buffer.concat([Buffer.alloc(length), Buffer.from('DIMM_A1\0Samsung\0M393A2K40\0\0')]);
  bytes[0] = type;
  bytes[1] = length;
  for (const [at, values] of Object.entries(fields)) bytes.set(values, Number(at));
  return bytes;
}
const mib = (size: number) => [size & 0xff, size >> 8];
const DRAM = { 18: [0x1a], 40: [0x03] };

describe('memoryMebibytes', () => {
  it.each<[string, Uint8Array[], number | undefined]>([
    ['modules of today', [module17(0x5c, { 12: mib(16_384), ...DRAM })], 16_384],
    ['a large one', [module17(0x28, { 12: mib(0x7fff), 28: [0, 0, 1, 0] })], 65_536],
    ['one of SMBIOS 2.3, behind which strings follow', [module17(0x1b, { 12: mib(0x7fff) })], 0x7fff],
    ['one of SMBIOS 2.1', [module17(0x15, { 12: mib(512) })], 512],
    ['the shortest that has a size', [module17(0x0e, { 12: mib(256) })], 256],
    ['KiB, in whole MiB', [module17(0x1b, { 12: mib(0x8000 | 1_536) }), module17(0x1b, { 12: mib(1) })], 2],
    ['empty and unknown slots', [module17(0x28, {}), module17(0x28, { 12: [0xff, 0xff] })], undefined],
    ['another type', [module17(0x28, { 12: mib(16_384) }, 16)], undefined],
    ['one that is cut off', [module17(0x28, { 12: mib(16_384) }).subarray(0, 10)], undefined],
    ['none', [], undefined],
  ])('%s', (_what, structures, expected) => {
    expect(memoryMebibytes(structures)).toBe(expected);
  });

  it.each([
    ['flash', { 18: [0x09] }],
    ['ROM', { 18: [0x08] }],
    ['a logical device that keeps its content', { 18: [0x1f] }],
    ['an NVDIMM', { 18: [0x1a], 40: [0x04] }],
    ['persistent memory', { 18: [0x1a], 40: [0x07] }],
  ])('%s is no RAM', (_what, fields) => {
    const board = [module17(0x5c, { 12: mib(16_384), ...DRAM }), module17(0x5c, { 12: mib(16), ...fields })];
    expect(memoryMebibytes(board)).toBe(16_384);
  });
});
