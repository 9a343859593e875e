import { execFileSync } from 'node:child_process';
import { createHash, randomFillSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A disk image with a partition table and random content, made by sfdisk. */
export function diskImage(label: 'gpt' | 'dos', mebibytes = 16, partitions = 1): Buffer {
  const bytes = Buffer.alloc(mebibytes * 2 ** 20);
  randomFillSync(bytes, 2 ** 21, 2 ** 22);
  return withFile(bytes, (path) => {
    const lines = Array.from(
      { length: partitions },
      (_, n) => `start=${2048 * (n + 1)}, size=2048, type=${label === 'gpt' ? 'L' : '83'}`,
    );
    const id = label === 'dos' ? 'label-id: 0xfe771c42\n' : '';
    execFileSync('sfdisk', ['-q', path], { input: `label: ${label}\n${id}${lines.join('\n')}\n` });
  });
}

/** @param options for qemu-img convert, such as `-c` */
export function asQcow2(raw: Buffer, ...options: string[]): Buffer {
  return asImage(raw, 'qcow2', ...options);
}

/** @param format by qemu-img's name */
export function asImage(raw: Buffer, format: string, ...options: string[]): Buffer {
  const dir = mkdtempSync(join(tmpdir(), 'image-'));
  try {
    writeFileSync(join(dir, 'raw'), raw);
    execFileSync('qemu-img', [
      'convert',
      '-f',
      'raw',
      '-O',
      format,
      ...options,
      join(dir, 'raw'),
      join(dir, 'qcow2'),
    ]);
    return readFileSync(join(dir, 'qcow2'));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** A qcow2 file that refers to a backing file. */
export function qcow2WithBackingFile(): Buffer {
  const dir = mkdtempSync(join(tmpdir(), 'image-'));
  try {
    execFileSync('qemu-img', [
      'create',
      '-q',
      '-f',
      'qcow2',
      '-u',
      '-b',
      '/etc/shadow',
      '-F',
      'raw',
      join(dir, 'x'),
      '1M',
    ]);
    return readFileSync(join(dir, 'x'));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function withFile(bytes: Buffer, act: (path: string) => void): Buffer {
  const dir = mkdtempSync(join(tmpdir(), 'image-'));
  try {
    const path = join(dir, 'image');
    writeFileSync(path, bytes);
    act(path);
    return readFileSync(path);
  } finally {
    rmSync(dir, { recursive: true });
  }
}
