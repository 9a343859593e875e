import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import {
  FILE_SYSTEM_BYTES,
  fileSystemOf,
  isCpio,
  kernelVersionOf,
} from '../../src/protocol/image-format/content.js';
import { createInspector } from '../../src/protocol/image-format/inspect.js';
import type { Inspection } from '../../src/protocol/image-format/inspection.js';
import { gptSectorSizes, isPartitioned, tableOf } from '../../src/protocol/image-format/partition-table.js';
import {
  bootCodeOf,
  decodePartitions,
  PARTITION_TABLE_BYTES,
} from '../../src/protocol/image-format/partitions.js';
import { qemuSource } from '../../src/protocol/image-format/qemu-source.js';
import { MissingToolsError } from '../error.js';
import { missingTools } from '../probe/tool.js';
import { run } from '../process/run.js';
import type { BuildSession } from '../session/build-session.js';
import { refuseUnreadable } from '../session/input-file.js';
import { bytesAt } from './bytes-at.js';
import { hasRemovableLoader, readSystem } from './file-tree.js';
import type { FoundPartition, FoundSystem, ImageReport } from './report.js';

/** Formats that qemu-img may unpack, once our own reader has found no fault. */
const UNPACKED = ['qcow2', 'vhd', 'vhdx', 'vmdk', 'vdi'];
/** Bytes of the largest disk that the daemon accepts by default: `image.max_virtual_size_gib`. */
const LARGEST_DISK = 2_048 * 2 ** 30;
/**
 * Inspects an image: reads its bytes once for format, safety and checksums; if it is safe, also the disk's content,
 * with programs that read files and mount nothing.
 * @throws InvalidError for what cannot be read, and what is neither a file nor a disk
 */
export async function inspectFile(session: BuildSession, file: string): Promise<ImageReport> {
  const path = resolve(file);
  refuseUnreadable(path, 'the image');
  const { size } = await stat(path);
  const { inspection, sums, head } = await session.stage('read', async (stage) => {
    const inspector = createInspector();
    const hashes = ['md5', 'sha256', 'sha512'].map((name) => createHash(name));
    const start: Buffer[] = [];
    let count = 0;
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, signal: session.signal })) {
      const bytes = chunk as Buffer;
      inspector.push(bytes);
      for (const hash of hashes) hash.update(bytes);
      if (count < FILE_SYSTEM_BYTES) start.push(bytes);
      count += bytes.length;
      stage.bytes(count);
    }
    const [md5, sha256, sha512] = hashes.map((hash) => hash.digest('hex'));
    return {
      inspection: inspector.result(),
      sums: { md5: md5!, sha256: sha256!, sha512: sha512! },
      head: Buffer.concat(start).subarray(0, FILE_SYSTEM_BYTES),
    };
  });
  const faults = [...inspection.faults];
  if ((inspection.virtualSize ?? 0) > LARGEST_DISK) {
    faults.push(
      `it holds a disk of ${inspection.virtualSize} bytes; the daemon takes ${LARGEST_DISK} unless it is told otherwise`,
    );
  }
  const report: ImageReport = {
    file: path,
    size,
    sums,
    kind: 'unknown',
    format: inspection.format ?? inspection.matches.join(' or '),
    virtualSize: inspection.virtualSize,
    safe: faults.length === 0,
    faults,
    partitionTable: undefined,
    partitions: [],
    boots: { bios: false, uefi: false },
    bootNotes: [],
    system: undefined,
    unseen: [],
  };
  const plain = plainKind(head, inspection);
  if (plain !== undefined) return Object.assign(report, plain);
  if (!report.safe) {
    report.unseen.push('the disk inside: an unsafe image is not opened');
    return report;
  }
  const disk = await rawDisk(session, path, inspection.format ?? 'raw');
  await session.stage('look inside', () => lookInside(report, disk));
  return report;
}

/** Kinds of files without a disk. A kernel looks like a partitioned disk, so it is tested first. */
function plainKind(head: Uint8Array, inspection: Inspection): Partial<ImageReport> | undefined {
  const version = kernelVersionOf(head);
  if (version !== undefined)
    return {
      kind: 'kernel',
      format: 'aki',
      virtualSize: undefined,
      safe: true,
      faults: [],
      bootNotes: [`Linux ${version}`.trim()],
    };
  if (isCpio(head)) return { kind: 'ramdisk', format: 'ari', virtualSize: undefined };
  if (inspection.compression !== undefined)
    return {
      kind: 'ramdisk',
      format: 'ari',
      virtualSize: undefined,
      bootNotes: [`compressed with ${inspection.compression}: a ramdisk, or a disk to unpack first`],
    };
  if (inspection.format === 'iso') return { kind: 'iso' };
  return undefined;
}

async function rawDisk(session: BuildSession, path: string, format: string): Promise<string> {
  if (!UNPACKED.includes(format)) return path;
  const missing = missingTools(['qemu-img']);
  if (missing.length > 0) throw new MissingToolsError(missing);
  const raw = session.path('disk.raw');
  await session.stage('unpack', async (stage) => {
    stage.watch(raw);
    const { options, source } = qemuSource(format, path)!;
    await run('qemu-img', ['convert', ...options, '-O', 'raw', '--', source, raw], { timeout: 3_600_000 });
  });
  return raw;
}

async function lookInside(report: ImageReport, disk: string): Promise<void> {
  const tools = missingTools(['debugfs', 'mdir']);
  if (tools.length > 0) throw new MissingToolsError(tools);
  const head = await bytesAt(disk, 0, Math.max(PARTITION_TABLE_BYTES, FILE_SYSTEM_BYTES));
  if (isPartitioned(head)) {
    report.partitionTable = tableOf(head);
    if (report.partitionTable === undefined) {
      report.unseen.push('the disk inside: its protective MBR has no readable GPT behind it');
      return;
    }
    report.kind = 'whole-disk';
    const sectors = gptSectorSizes(head);
    if (report.partitionTable === 'gpt' && !sectors.includes(512))
      report.bootNotes.push(`its GPT is made for disks with sectors of ${sectors.join(' or ')} bytes`);
    report.partitions = await Promise.all(
      decodePartitions(head).map(async (partition): Promise<FoundPartition> => {
        const found = fileSystemOf(await bytesAt(disk, partition.start, FILE_SYSTEM_BYTES));
        return { ...partition, fileSystem: found?.kind, label: found?.label ?? '' };
      }),
    );
    await judgeDisk(report, disk, bootCodeOf(head));
  } else {
    const found = fileSystemOf(head);
    if (found === undefined) {
      report.unseen.push('no partition table and no file system that is known here');
      return;
    }
    report.kind = 'partition';
    report.system = await systemOf(report, disk, 0, found.kind);
    judgePartition(report);
  }
}

async function judgeDisk(
  report: ImageReport,
  disk: string,
  code: 'grub' | 'other' | undefined,
): Promise<void> {
  const { partitions, bootNotes, boots } = report;
  for (const { start, fileSystem, number } of partitions) {
    if (fileSystem === undefined || ['vfat', 'swap'].includes(fileSystem)) continue;
    const system = await systemOf(report, disk, start, fileSystem, `partition ${number}: `);
    if (system !== undefined && (report.system === undefined || system.kernels.length > 0))
      report.system = system;
  }
  boots.bios = code === 'grub' || (code === 'other' && partitions.some(({ active }) => active));
  if (code === undefined) bootNotes.push('BIOS: no boot code in the first sector');
  else if (code === 'grub') bootNotes.push('BIOS: GRUB in the first sector');
  else bootNotes.push(`BIOS: boot code that is not GRUB’s${boots.bios ? '' : ', and no active partition'}`);
  const esp = partitions.find(({ role }) => role === 'esp');
  if (esp === undefined) bootNotes.push('UEFI: no EFI system partition');
  else {
    boots.uefi = esp.fileSystem === 'vfat' && (await hasRemovableLoader(disk, esp.start));
    bootNotes.push(`UEFI: ${boots.uefi ? '' : 'no '}EFI/BOOT/BOOTX64.EFI on partition ${esp.number}`);
  }
}

function judgePartition(report: ImageReport): void {
  const { system, bootNotes, boots } = report;
  if (system === undefined) return;
  const { installer, bios, uefi } = system.grub;
  boots.bios = installer && bios;
  boots.uefi = installer && uefi;
  if (!installer) bootNotes.push('no grub-install inside: network boot only');
  for (const [name, there] of [
    ['BIOS', bios],
    ['UEFI', uefi],
  ] as const)
    bootNotes.push(`${name}: ${there ? 'GRUB’s modules are inside' : 'GRUB’s modules are not inside'}`);
}

async function systemOf(
  report: ImageReport,
  disk: string,
  offset: number,
  kind: string,
  where = '',
): Promise<FoundSystem | undefined> {
  if (kind.startsWith('ext')) return readSystem(disk, offset);
  report.unseen.push(`${where}the files of a file system of kind ${kind}`);
  return undefined;
}
