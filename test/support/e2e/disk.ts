import { closeSync, openSync, readSync, statSync } from 'node:fs';

const SECTOR = 512;
const CHUNK = 1024 * SECTOR;
/** Size of a GPT's header and entries (UEFI §5.3), behind the protective MBR and mirrored at the end. */
const GPT_SECTORS = 33;

export interface Difference {
  /** Number of 512-byte sectors of the image that differ. */
  sectors: number;
  /** Those explained by the move of the backup table: the table at the front, and the former backup at the end. */
  explained: number;
  /** First sector that differs without explanation, or null. */
  unexplained: number | null;
}

/** Compares a disk with the raw image that should be on it. @throws Error when the disk is smaller */
export function compareWithImage(disk: string, image: string): Difference {
  const { size } = statSync(image);
  if (statSync(disk).size < size) throw new Error('the disk is smaller than the image');
  const [left, right] = [openSync(disk, 'r'), openSync(image, 'r')];
  const [a, b] = [Buffer.alloc(CHUNK), Buffer.alloc(CHUNK)];
  const last = size / SECTOR - 1;
  const found: Difference = { sectors: 0, explained: 0, unexplained: null };
  try {
    for (let at = 0; at < size; at += CHUNK) {
      const length = readSync(right, b, 0, CHUNK, at);
      readSync(left, a, 0, length, at);
      if (a.subarray(0, length).equals(b.subarray(0, length))) continue;
      for (let i = 0; i < length; i += SECTOR) {
        if (a.subarray(i, i + SECTOR).equals(b.subarray(i, i + SECTOR))) continue;
        const sector = (at + i) / SECTOR;
        found.sectors += 1;
        if (sector <= GPT_SECTORS || sector > last - GPT_SECTORS) found.explained += 1;
        else found.unexplained ??= sector;
      }
    }
    return found;
  } finally {
    closeSync(left);
    closeSync(right);
  }
}

/** Whether these bytes of a file are all zero. */
export function isBlank(path: string, from: number, to: number): boolean {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(to - from);
    readSync(file, bytes, 0, bytes.length, from);
    return bytes.every((byte) => byte === 0);
  } finally {
    closeSync(file);
  }
}
