// Virtual Hard Disk: its footer. Microsoft's "Virtual Hard Disk Image Format Specification" 1.0, "Hard Disk Footer Format".
import type { HeaderVerdict } from './header.js';
import { hasText, viewOf } from './header.js';

export const VHD_FOOTER_BYTES = 512;
const FIXED = 2;

export function isVhdFooter(bytes: Uint8Array): boolean {
  return hasText(bytes, 0, 'conectix');
}

/** A dynamic vhd begins with a copy of its footer. */
export function judgeVhd(head: Uint8Array): HeaderVerdict {
  if (head.length < VHD_FOOTER_BYTES)
    return { faults: ['its vhd footer is cut off'], virtualSize: undefined };
  return { faults: [], virtualSize: sizeOf(head) };
}

/**
 * A fixed vhd is a raw disk followed by its footer.
 * @param tail the last bytes of the file @param size of the whole file
 * @returns bytes of the disk; undefined if there is no such footer
 */
export function fixedVhdSize(tail: Uint8Array, size: number): number | undefined {
  const footer = tail.subarray(Math.max(0, tail.length - VHD_FOOTER_BYTES));
  if (footer.length < VHD_FOOTER_BYTES || !isVhdFooter(footer)) return undefined;
  const view = viewOf(footer);
  // The complement of the sum of all other bytes.
  const sum = footer.reduce((total, byte, at) => (at >= 64 && at < 68 ? total : total + byte), 0);
  const sound = view.getUint32(64) === ~sum >>> 0 && view.getUint32(60) === FIXED;
  const disk = sizeOf(footer);
  return sound && disk === size - VHD_FOOTER_BYTES ? disk : undefined;
}

/**
 * "Current size" is the disk's size, whatever program made the image: the geometry beside it is rounded to cylinders
 * and ends at 127 GiB. Programs that leave it empty give the original size.
 */
function sizeOf(footer: Uint8Array): number {
  const view = viewOf(footer);
  return Number(view.getBigUint64(48) || view.getBigUint64(40));
}
