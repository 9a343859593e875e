import { mkdtemp, readdir, readFile, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentLog } from '../agent-log.js';
import { commandExecution, deviceNotFound, messageOf } from '../error.js';
import { runProgram } from '../run-program.js';
import {
  ESP_TYPES,
  type Partition,
  partitionPath,
  readPartitionTable,
  rereadPartitions,
} from './partition-table.js';

/** A program that firmware can start, and the label of its boot entry. */
export interface BootLoader {
  /** Path from the root of the EFI system partition, with backslashes. */
  path: string;
  label: string;
}

/** Loaders by file name, in lower case; a CSV that names a loader takes precedence over all (efi_utils.py). */
const CSV_NAMES = ['bootx64.csv', 'bootaa64.csv', 'boot.csv'];
const LOADER_NAMES = [
  'bootx64.efi',
  'bootaa64.efi',
  'bootia32.efi',
  'bootia64.efi',
  'bootarm.efi',
  'grubaa64.efi',
  'winload.efi',
];
const LABEL_PREFIX = 'ferric';
/** Bytes; the file is a line of a few words. */
const MOST_CSV = 64 * 2 ** 10;

/** A partition that firmware can read, by disk and number. */
export interface LoaderPlace {
  device: string;
  number: number;
}

/**
 * Makes the firmware start the installed disk: a boot entry for the loader on its EFI system partition, first in the
 * boot order. Entries of the same name from an earlier deployment are removed.
 * @throws AgentError
 */
export async function installUefiEntry(device: string, log: AgentLog): Promise<void> {
  await rereadPartitions(device);
  const esp = await findEspOf(device);
  try {
    const loaders = await loadersOn(partitionPath(device, esp.number));
    await addLoaderEntries(loaders, [{ device, number: esp.number }], log);
  } catch (error) {
    throw commandExecution(`Could not configure UEFI boot on device ${device}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** @throws AgentError DeviceNotFound */
export async function findEspOf(device: string): Promise<Partition> {
  const table = await readPartitionTable(device);
  const esp =
    table?.partitions.find((part) => ESP_TYPES.includes(part.type)) ??
    (table?.label === 'gpt' ? table.partitions.find((part) => part.bootable) : undefined);
  if (esp) return esp;
  throw deviceNotFound(
    `No EFI partition could be detected on device ${device} and EFI partition UUID has not been recorded during ` +
      'deployment (which is often the case for whole disk images). Are you using a UEFI-compatible image?',
  );
}

/** The boot loaders on an EFI system partition. */
export async function loadersOn(partition: string): Promise<BootLoader[]> {
  const mountPoint = await mkdtemp('/tmp/esp-');
  try {
    await runProgram('mount', ['-t', 'vfat', '-o', 'ro,nodev,nosuid,noexec', partition, mountPoint]);
    try {
      return await findLoaders(mountPoint);
    } finally {
      await runProgram('umount', [mountPoint]);
    }
  } finally {
    await rmdir(mountPoint);
  }
}

/** Adds an entry for each loader on each place; the last one is first in the boot order. */
export async function addLoaderEntries(
  loaders: readonly BootLoader[],
  places: readonly LoaderPlace[],
  log: AgentLog,
): Promise<void> {
  if (loaders.length === 0) {
    const { device, number } = places[0]!;
    log.say(
      `the EFI system partition ${partitionPath(device, number)} holds no boot loader; firmware is left as it is`,
    );
    return;
  }
  const present = bootEntries((await runProgram('efibootmgr', [])).stdout);
  for (const loader of loaders) {
    for (const entry of present.filter((old) => old.label === loader.label)) {
      await runProgram('efibootmgr', ['-q', '-b', entry.number, '-B']);
    }
    for (const { device, number } of places) {
      await runProgram('efibootmgr', [
        ...['-q', '-c', '-d', device, '-p', String(number), '-w'],
        ...['-L', loader.label, '-l', loader.path],
      ]);
      log.say(`boot entry "${loader.label}" for ${loader.path} on partition ${number} of ${device}`);
    }
  }
}

/** @param root mount point of the EFI system partition */
export async function findLoaders(root: string): Promise<BootLoader[]> {
  const files = (await readdir(root, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort();
  const base = (file: string) => file.slice(file.lastIndexOf('/') + 1).toLowerCase();
  const csv = files.find((file) => CSV_NAMES.includes(base(file)));
  if (csv !== undefined && (await stat(join(root, csv))).size <= MOST_CSV) {
    const found = parseLoaderCsv(await readFile(join(root, csv)));
    if (found) {
      const folder = csv.slice(0, csv.lastIndexOf('/') + 1);
      return [{ path: efiPath(folder + found.file), label: found.label }];
    }
  }
  return files
    .filter((file) => LOADER_NAMES.includes(base(file)))
    .map((file, index) => ({ path: efiPath(file), label: `${LABEL_PREFIX}${index + 1}` }));
}

/** shim's fallback file: UTF-16 `loader,label,arguments,comment`, with or without a byte order mark. */
export function parseLoaderCsv(bytes: Buffer): { file: string; label: string } | undefined {
  const big = bytes[0] === 0xfe && bytes[1] === 0xff;
  const even = bytes.subarray(0, bytes.length & ~1);
  const text = (big ? Buffer.from(even).swap16() : even).toString('utf16le').replace(/^\ufeff/, '');
  const [file, label] = (text.split(/\r?\n/)[0] ?? '').split(',');
  return file?.trim() && label?.trim() ? { file: file.trim(), label: label.trim() } : undefined;
}

/** Lines such as `Boot0001* debian	HD(1,GPT,…)/File(…)`. */
export function bootEntries(text: string): { number: string; label: string }[] {
  return [...text.matchAll(/^Boot([0-9A-Fa-f]{4})\*?\s+(.*?)(?:\t.*)?$/gm)].map((match) => ({
    number: match[1]!,
    label: match[2]!.trim(),
  }));
}

function efiPath(file: string): string {
  return `\\${file.replaceAll('/', '\\')}`;
}
