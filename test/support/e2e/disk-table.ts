import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';

export interface DiskTable {
  label: string;
  /** In sectors of 512 bytes. */
  partitions: { start: number; size: number; type: string; name?: string; bootable?: boolean }[];
}

/** The partition table of a disk file. */
export function tableOf(disk: string): DiskTable {
  return (JSON.parse(output('sfdisk', ['--json', disk])) as { partitiontable: DiskTable }).partitiontable;
}

/** A tag of a partition by blkid; '' if there is none. */
export function tagOf(
  disk: string,
  { start, size }: DiskTable['partitions'][number],
  tag: 'UUID' | 'LABEL' | 'TYPE',
): string {
  const place = ['-p', '-O', String(start * 512), '-S', String(size * 512)];
  return output('blkid', [...place, '-o', 'value', '-s', tag, disk], [0, 2]).trim();
}

export function readBytes(path: string, position: number, length: number): Buffer {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(length);
    readSync(file, bytes, 0, length, position);
    return bytes;
  } finally {
    closeSync(file);
  }
}

export function writeBytes(path: string, bytes: Uint8Array, position: number): void {
  const file = openSync(path, 'r+');
  try {
    writeSync(file, bytes, 0, bytes.length, position);
  } finally {
    closeSync(file);
  }
}

function output(file: string, args: readonly string[], accept: readonly number[] = [0]): string {
  const { status, stdout, stderr, error } = spawnSync(file, args, { encoding: 'utf8' });
  if (error) throw error;
  if (!accept.includes(status ?? -1)) throw new Error(`${file} ended with ${status}: ${stderr}`);
  return stdout;
}
