import { bothEndian16, bothEndian32, textBytes, ucs2Bytes } from './bytes.js';
import { SECTOR, type Volume } from './volume.js';

const JOLIET_LEVEL_3 = [0x25, 0x2f, 0x45];

export interface DescriptorOptions {
  /** Up to 32 characters; Linux shows it as the label of the file system. */
  label: string;
  /** Up to 128 characters. */
  publisher?: string;
  /** Milliseconds since 1970, for the volume and every file. */
  time: number;
}

/** §8.4 and §8.5: both descriptors have the same layout; the second names its character set. */
export function descriptor(
  type: 1 | 2,
  volume: Volume,
  sectors: number,
  options: DescriptorOptions,
): Uint8Array {
  const bytes = new Uint8Array(SECTOR);
  const view = new DataView(bytes.buffer);
  const text = (value: string, at: number, length: number) => {
    const blank =
      volume.kind === 'joliet' ? ucs2Bytes(' '.repeat(length / 2)) : textBytes(' '.repeat(length));
    const content = volume.kind === 'joliet' ? ucs2Bytes(value) : textBytes(value);
    bytes.set(blank, at);
    bytes.set(content.subarray(0, length & ~(volume.kind === 'joliet' ? 1 : 0)), at);
  };
  bytes.set([type, ...textBytes('CD001'), 1]);
  text('LINUX', 8, 32);
  text(options.label, 40, 32);
  bytes.set(bothEndian32(sectors), 80);
  if (volume.kind === 'joliet') bytes.set(JOLIET_LEVEL_3, 88);
  bytes.set(bothEndian16(1), 120); // one volume in the set
  bytes.set(bothEndian16(1), 124);
  bytes.set(bothEndian16(SECTOR), 128);
  bytes.set(bothEndian32(volume.pathTableSize), 132);
  view.setUint32(140, volume.littlePathTable, true);
  view.setUint32(148, volume.bigPathTable, false);
  bytes.set(volume.rootRecord(), 156);
  for (const [at, length, value] of [
    [190, 128, ''],
    [318, 128, options.publisher ?? ''],
    [446, 128, ''],
    [574, 128, ''],
    [702, 36, ''], // copyright, abstract and bibliography files; 37 bytes each, of which UCS-2 fills 36
    [739, 36, ''],
    [776, 36, ''],
  ] as const) {
    text(value, at, length);
  }
  if (volume.kind === 'plain') for (const at of [738, 775, 812]) bytes[at] = 0x20;
  const time = longTime(options.time);
  bytes.set(time, 813);
  bytes.set(time, 830);
  bytes.set(longTime(undefined), 847); // does not expire
  bytes.set(time, 864);
  bytes[881] = 1;
  return bytes;
}

/** §8.3: follows the last descriptor. */
export const END_OF_DESCRIPTORS = Uint8Array.of(255, ...textBytes('CD001'), 1);

/** §8.4.26.1: sixteen digits and an offset; all zeros mean no time. */
function longTime(ms: number | undefined): Uint8Array {
  if (ms === undefined) return Uint8Array.of(...textBytes('0'.repeat(16)), 0);
  const digits = new Date(ms).toISOString().replace(/\D/g, '').slice(0, 16);
  return Uint8Array.of(...textBytes(digits), 0);
}
