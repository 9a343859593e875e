// VHDX: finds the virtual disk size. [MS-VHDX] §2.2 (region table), §2.6 (metadata region).

import type { HeaderVerdict } from './header.js';
import { hasText, viewOf } from './header.js';

/** [offset, length] in bytes; each requested range lies behind the one before. */
export type ByteRange = readonly [offset: number, length: number];

const REGION_TABLE = 192 * 1024;
const TABLE_BYTES = 64 * 1024;
const MAX_ENTRIES = 2047;
const MEGABYTE = 1024 * 1024;
// GUIDs in the file's byte order: the first three groups little-endian.
const METADATA_REGION = '06a27c8b90479a4bb8fe575f050f886e';
const VIRTUAL_DISK_SIZE = '2442a52f1bcd7648b2115dbed83bf4b8';

export function isVhdx(bytes: Uint8Array): boolean {
  return hasText(bytes, 0, 'vhdxfile');
}

/** Requests byte ranges in ascending order, and returns the size or a fault. */
export function* judgeVhdx(): Generator<ByteRange, HeaderVerdict, Uint8Array> {
  const wrong = (fault: string): HeaderVerdict => ({ faults: [fault], virtualSize: undefined });
  const table = yield [REGION_TABLE, TABLE_BYTES];
  if (table.length < TABLE_BYTES || !hasText(table, 0, 'regi'))
    return wrong('its vhdx region table is missing');
  const region = findEntry(table, 16, viewOf(table).getUint32(8, true), METADATA_REGION);
  if (!region) return wrong('its vhdx metadata region is missing');
  const start = region.getBigUint64(16, true);
  if (start < BigInt(MEGABYTE) || start > BigInt(Number.MAX_SAFE_INTEGER - 2 ** 33))
    return wrong('its vhdx metadata region is out of place');
  const metadata = yield [Number(start), TABLE_BYTES];
  if (metadata.length < TABLE_BYTES || !hasText(metadata, 0, 'metadata'))
    return wrong('its vhdx metadata table is missing');
  const item = findEntry(metadata, 32, viewOf(metadata).getUint16(10, true), VIRTUAL_DISK_SIZE);
  const offset = item?.getUint32(16, true);
  if (offset === undefined || offset < TABLE_BYTES) return wrong('its vhdx virtual disk size is missing');
  const size = yield [Number(start) + offset, 8];
  if (size.length < 8) return wrong('its vhdx virtual disk size is missing');
  return { faults: [], virtualSize: Number(viewOf(size).getBigUint64(0, true)) };
}

/** Both tables hold 32-byte entries that begin with a GUID. */
function findEntry(table: Uint8Array, first: number, count: number, guid: string): DataView | undefined {
  if (count > MAX_ENTRIES) return undefined;
  for (let at = first; at + 32 <= table.length && at < first + 32 * count; at += 32) {
    const entry = table.subarray(at, at + 32);
    const hex = Array.from(entry.subarray(0, 16), (b) => b.toString(16).padStart(2, '0')).join('');
    if (hex === guid) return viewOf(entry);
  }
  return undefined;
}
