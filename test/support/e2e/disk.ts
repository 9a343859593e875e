import { closeSync, openSync, readSync, statSync } from 'node:fs';

const SECTOR = 512;
const CHUNK = 1024 * SECTOR;
/** Header and entries of a GPT, as UEFI §5.3 has them: behind the protective MBR, and mirrored at the end. */
const GPT_SECTORS = 33;

export interface Difference {
  /** 512-byte sectors of the image. */
  sectors: number;
  /** Of them, those that moving the backup table explains: table at the front, former backup at the end. */
  explained: number;
  /** Number of the first sector that nothing explains, or null. */
  unexplained: number | null;
}

/** Compares a disk with the raw image that should be on it. @throws Error when the disk is the smaller one */
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
