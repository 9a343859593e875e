import { open } from 'node:fs/promises';
import { isBlockDevice } from '../disk/disk-file.js';
import { imageWrite, messageOf } from '../error.js';
import { runProgram } from '../run-program.js';

/** qemu-img reads data of strangers: bounded address space and processor time. */
const ADDRESS_SPACE = 1024 * 2 ** 20;
const PROCESSOR_SECONDS = 3600;

/**
 * Writes a downloaded, verified and inspected image to the disk as raw.
 * @param format what inspection found: qemu-img must never guess
 * @throws AgentError ImageWriteError
 */
export async function convertToDisk(
  source: string,
  format: string,
  device: string,
  virtualSize: number,
  onProgress: (bytes: number, total: number) => void,
): Promise<void> {
  const block = await isBlockDevice(device);
  const options = block
    ? ['-O', 'host_device', '-t', 'directsync', '-W'] // out of order: faster, and a disk does not mind
    : ['-O', 'raw', '-t', 'writeback'];
  try {
    await runProgram(
      'prlimit',
      [
        `--as=${ADDRESS_SPACE}`,
        `--cpu=${PROCESSOR_SECONDS}`,
        'qemu-img',
        'convert',
        '-p',
        '-n', // the target exists
        ...['-S', '0'], // zeros are written too: the disk may hold old data
        ...['-f', format],
        ...options,
        source,
        device,
      ],
      {
        timeout: 4 * 3_600_000,
        onOutput: (text) => {
          const percent = [...text.matchAll(/\((\d+\.\d+)\/100%\)/g)].at(-1)?.[1];
          if (percent !== undefined)
            onProgress(Math.round((Number(percent) / 100) * virtualSize), virtualSize);
        },
      },
    );
    // directsync leaves nothing behind; a plain file and a stubborn driver may.
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
