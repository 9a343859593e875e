// The partitions of a disk, from its first bytes. UEFI specification 2.10 §5.2 (MBR), §5.3 (GPT).
import { hasText, viewOf } from './header.js';
import { gptSectorSizes, tableOf } from './partition-table.js';

const MBR_ENTRIES = 446;
/** Bytes from the start that hold both tables, for any sector size: MBR, header and 16 KiB of entries. */
export const PARTITION_TABLE_BYTES = 6 * 4096;

/** Names of partition types; other types keep their number. GUIDs in text form. */
const NAMES: Readonly<Record<string, PartitionRole>> = {
  'c12a7328-f81f-11d2-ba4b-00a0c93ec93b': 'esp',
  '21686148-6449-6e6f-744e-656564454649': 'bios-boot',
  '0xef': 'esp',
};
export type PartitionRole = 'esp' | 'bios-boot' | 'other';

export interface Partition {
  number: number;
  /** Bytes. */
  start: number;
  /** Bytes. */
  size: number;
  /** A GUID in lower case, or 0x and two digits. */
  type: string;
  role: PartitionRole;
  /** GPT only. */
  name: string;
  /** MBR: the active one; GPT: "legacy BIOS bootable" (bit 2 of the attributes). */
  active: boolean;
}

/**
 * @param head at least `PARTITION_TABLE_BYTES` of a disk that is known to be partitioned
 * @param sector bytes of the sectors that the table counts; a GPT shows them, an MBR is assumed to count 512
 * @returns in the order of their numbers, without logical partitions of an extended one. Empty if a protective MBR has
 *   no GPT behind it
 */
export function decodePartitions(head: Uint8Array, sector?: number): Partition[] {
  switch (tableOf(head)) {
    case 'gpt': {
      const sizes = gptSectorSizes(head);
      return gptPartitions(head, sizes.find((size) => size === sector) ?? sizes[0]!);
    }
    case 'mbr':
      return mbrPartitions(head, sector ?? 512);
    case undefined:
      return [];
  }
}

/** Machine code in the first sector, which a BIOS would start, and whether it is GRUB's. */
export function bootCodeOf(head: Uint8Array): 'grub' | 'other' | undefined {
  const code = head.subarray(0, 440);
  if (code.every((byte) => byte === 0)) return undefined;
  for (let at = 0; at < code.length - 4; at++) if (hasText(code, at, 'GRUB')) return 'grub';
  return 'other';
}

function gptPartitions(head: Uint8Array, sector: number): Partition[] {
  const view = viewOf(head);
  const first = Number(view.getBigUint64(sector + 72, true)) * sector;
  const count = view.getUint32(sector + 80, true);
  const length = view.getUint32(sector + 84, true);
  const found: Partition[] = [];
  for (let i = 0; i < count; i++) {
    const at = first + i * length;
    if (at + length > head.length) break;
    const type = guidAt(view, at);
    if (/^[0-]+$/.test(type)) continue;
    const start = Number(view.getBigUint64(at + 32, true)) * sector;
    const end = (Number(view.getBigUint64(at + 40, true)) + 1) * sector;
    found.push({
      number: i + 1,
      start,
      size: end - start,
      type,
      role: NAMES[type] ?? 'other',
      name: nameAt(view, at + 56),
      active: (view.getUint8(at + 48) & 4) !== 0,
    });
  }
  return found;
}

function mbrPartitions(head: Uint8Array, sector: number): Partition[] {
  const view = viewOf(head);
  const found: Partition[] = [];
  for (let i = 0; i < 4; i++) {
    const at = MBR_ENTRIES + 16 * i;
    const code = view.getUint8(at + 4);
    if (code === 0) continue;
    const type = `0x${code.toString(16).padStart(2, '0')}`;
    found.push({
      number: i + 1,
      start: view.getUint32(at + 8, true) * sector,
      size: view.getUint32(at + 12, true) * sector,
      type,
      role: NAMES[type] ?? 'other',
      name: '',
      active: view.getUint8(at) === 0x80,
    });
  }
  return found;
}

function guidAt(view: DataView, at: number): string {
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0');
  const bytes = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) => hex(view.getUint8(from + i), 2)).join('');
  return [
    hex(view.getUint32(at, true), 8),
    hex(view.getUint16(at + 4, true), 4),
    hex(view.getUint16(at + 6, true), 4),
    bytes(at + 8, 2),
    bytes(at + 10, 6),
  ].join('-');
}

/** 36 characters of UTF-16LE. */
function nameAt(view: DataView, at: number): string {
  let name = '';
  for (let i = 0; i < 36; i++) {
    const code = view.getUint16(at + 2 * i, true);
    if (code === 0) break;
    name += String.fromCharCode(code);
  }
  return name;
}
