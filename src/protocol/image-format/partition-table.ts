// Master Boot Record, the GPT's protective one, and the GPT's header. UEFI specification 2.10 §5.2 and §5.3.2.
import { crc32 } from './crc32.js';
import { hasText, viewOf } from './header.js';

const FIRST_ENTRY = 446;
const PROTECTIVE = 0xee;
/** Possible sizes of a disk's logical sectors. */
export const SECTOR_SIZES = [512, 4096] as const;
const HEADER_BYTES = 92;
const ENTRY_BYTES = 128;

/** A boot sector of a FAT file system ends like an MBR but holds a BIOS parameter block instead of a table. */
export function isPartitioned(bytes: Uint8Array): boolean {
  if (bytes.length < 512 || bytes[510] !== 0x55 || bytes[511] !== 0xaa) return false;
  return !(bytes[0x10] === 2 && bytes[0x15] === 0xf8);
}

/**
 * The table in a sector that `isPartitioned`. A protective MBR only covers a GPT: without a readable GPT behind it
 * there is no table, whatever its own entry says.
 */
export function tableOf(bytes: Uint8Array): 'gpt' | 'mbr' | undefined {
  if (!isProtective(bytes)) return 'mbr';
  return gptSectorSizes(bytes).length > 0 ? 'gpt' : undefined;
}

/** Logical sector sizes with a readable GPT: one, or both in images that are made for both. */
export function gptSectorSizes(bytes: Uint8Array): number[] {
  return SECTOR_SIZES.filter((sector) => isGpt(bytes, sector));
}

function isProtective(bytes: Uint8Array): boolean {
  return [0, 1, 2, 3].some((i) => bytes[FIRST_ENTRY + 16 * i + 4] === PROTECTIVE);
}

/** What firmware checks of a header: signature, position, checksums (§5.3.2). */
function isGpt(bytes: Uint8Array, sector: number): boolean {
  if (!hasText(bytes, sector, 'EFI PART') || bytes.length < sector + HEADER_BYTES) return false;
  const view = viewOf(bytes);
  const size = view.getUint32(sector + 12, true);
  if (size < HEADER_BYTES || size > sector || bytes.length < sector + size) return false;
  // A copy: slices of Node.js's Buffer share its memory.
  const header = new Uint8Array(bytes.subarray(sector, sector + size));
  header.fill(0, 16, 20);
  if (crc32(header) !== view.getUint32(sector + 16, true)) return false;
  if (view.getBigUint64(sector + 24, true) !== 1n) return false;
  const first = Number(view.getBigUint64(sector + 72, true)) * sector;
  const length = view.getUint32(sector + 80, true) * view.getUint32(sector + 84, true);
  if (view.getUint32(sector + 84, true) < ENTRY_BYTES) return false;
  // Entries beyond the bytes at hand are left to the reader of the whole disk.
  if (first + length > bytes.length) return true;
  return crc32(bytes.subarray(first, first + length)) === view.getUint32(sector + 88, true);
}

/** Why this sector is no valid partition table; empty if it is one. */
export function partitionFaults(bytes: Uint8Array): string[] {
  const view = viewOf(bytes);
  const faults: string[] = [];
  const used: number[] = [];
  let protective = false;
  for (let i = 0; i < 4; i++) {
    const at = FIRST_ENTRY + 16 * i;
    const boot = view.getUint8(at);
    const type = view.getUint8(at + 4);
    if (boot !== 0 && boot !== 0x80) faults.push(`partition ${i + 1} of its MBR has an invalid boot flag`);
    if (type !== 0) used.push(i);
    if (type !== PROTECTIVE) continue;
    protective = true;
    const [head, sector, cylinder] = [view.getUint8(at + 1), view.getUint8(at + 2), view.getUint8(at + 3)];
    if (head !== 0 || sector !== 2 || cylinder !== 0)
      faults.push('its protective MBR has an invalid start CHS');
    if (view.getUint32(at + 8, true) !== 1) faults.push('its protective MBR has an invalid start LBA');
  }
  if (protective && (used.length !== 1 || used[0] !== 0))
    faults.push('its protective MBR defines further partitions (hybrid MBR)');
  if (protective && gptSectorSizes(bytes).length === 0)
    faults.push('its protective MBR has no readable GPT behind it, so there is no partition table');
  if (used.length === 0) faults.push('its MBR defines no partitions');
  return faults;
}
