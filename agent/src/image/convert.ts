import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type QemuSource, qemuSource } from '../../../src/protocol/image-format/qemu-source.js';
import { SECTOR_EVIDENCE_BYTES } from '../../../src/protocol/image-format/sector-size.js';
import { isBlockDevice } from '../disk/disk-file.js';
import { imageWrite, messageOf } from '../error.js';
import { runProgram } from '../run-program.js';

/** qemu-img reads untrusted data: address space and processor time are limited. */
const ADDRESS_SPACE = 1024 * 2 ** 20;
const PROCESSOR_SECONDS = 3600;

const GUARD = [`--as=${ADDRESS_SPACE}`, `--cpu=${PROCESSOR_SECONDS}`, 'qemu-img'];
/** Each qemu-img thread would reserve address space for a heap of its own: some 20 reach the limit. */
const ENV = { MALLOC_ARENA_MAX: '2' };
const HEAD_BLOCK = 65_536;

/**
 * The first bytes of the disk inside a verified and inspected image.
 * @param scratch directory in memory
 * @throws AgentError ImageWriteError
 */
export async function firstBytes(source: string, format: string, scratch: string): Promise<Buffer> {
  const path = join(scratch, 'image-head');
  try {
    const count = Math.ceil(SECTOR_EVIDENCE_BYTES / HEAD_BLOCK);
    const named = sourceOf(format, source);
    const how = ['dd', ...named.options, '-O', 'raw', `bs=${HEAD_BLOCK}`, `count=${count}`];
    await runProgram('prlimit', [...GUARD, ...how, `if=${named.source}`, `of=${path}`], { env: ENV });
    return await readFile(path);
  } catch (error) {
    throw imageWrite(source, messageOf(error), { cause: error });
  } finally {
    await rm(path, { force: true });
  }
}

/**
 * Writes a downloaded, verified and inspected image to the disk as raw.
 * @param format found by inspection: qemu-img must never probe
 * @throws AgentError ImageWriteError
 */
export async function convertToDisk(
  source: string,
  format: string,
  target: { device: string; start: number; size: number },
  virtualSize: number,
  onProgress: (bytes: number, total: number) => void,
): Promise<void> {
  const { device, start, size } = target;
  const block = await isBlockDevice(device);
  // -W writes out of order: faster, and harmless on a disk.
  const options = block ? ['-t', 'directsync', '-W'] : ['-t', 'writeback'];
  // A window on the disk: nothing outside of the partition or disk is written.
  const place =
    `driver=raw,offset=${start},size=${size},file.driver=${block ? 'host_device' : 'file'},` +
    `file.filename=${device.replaceAll(',', ',,')}`;
  const named = sourceOf(format, source);
  try {
    await runProgram(
      'prlimit',
      [
        ...GUARD,
        'convert',
        '-p',
        '-n', // the target exists
        ...['-S', '0'], // zeros are written too: the disk may hold old data
        ...named.options,
        ...options,
        '--target-image-opts',
        named.source,
        place,
      ],
      {
        env: ENV,
        timeout: 4 * 3_600_000,
        onOutput: (text) => {
          const percent = [...text.matchAll(/\((\d+\.\d+)\/100%\)/g)].at(-1)?.[1];
          if (percent !== undefined)
            onProgress(Math.round((Number(percent) / 100) * virtualSize), virtualSize);
        },
      },
    );
    // directsync leaves nothing unwritten; a plain file and a faulty driver may.
    const file = await open(device, 'r+');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    throw imageWrite(device, messageOf(error), { cause: error });
  }
}

/** @throws AgentError ImageWriteError for formats that qemu-img must not read */
function sourceOf(format: string, path: string): QemuSource {
  const named = qemuSource(format, path);
  if (!named) throw imageWrite(path, `qemu-img is not asked to read ${format}`);
  return named;
}
