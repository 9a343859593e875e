// Master Boot Record and the GPT's protective one. UEFI specification 2.10 §5.2.
import { hasText, viewOf } from './header.js';

const FIRST_ENTRY = 446;
const PROTECTIVE = 0xee;

/** A boot sector of a FAT file system ends like an MBR but holds a BIOS parameter block instead of a table. */
export function isPartitioned(bytes: Uint8Array): boolean {
  if (bytes.length < 512 || bytes[510] !== 0x55 || bytes[511] !== 0xaa) return false;
  return !(bytes[0x10] === 2 && bytes[0x15] === 0xf8);
}

export function tableOf(bytes: Uint8Array): 'gpt' | 'mbr' {
  const protective = [0, 1, 2, 3].some((i) => bytes[FIRST_ENTRY + 16 * i + 4] === PROTECTIVE);
  return protective || hasText(bytes, 512, 'EFI PART') ? 'gpt' : 'mbr';
}

/** Why this sector is no honest partition table; empty when it is one. */
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
  if (used.length === 0) faults.push('its MBR defines no partitions');
  return faults;
}
