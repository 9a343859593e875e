import { stat } from 'node:fs/promises';
import { FerricError } from '../../domain/errors.js';
import { CommandError, runCommand } from '../../platform/run-command.js';
import { isFlat } from '../../protocol/image-format/formats.js';
import type { ImageFormat } from '../../protocol/image-format/inspection.js';
import { qemuSource } from '../../protocol/image-format/qemu-source.js';
import { TransferError } from './transfer-pool.js';

export interface ConvertLimits {
  /** Bytes of address space. */
  memory: number;
  /** Milliseconds of wall-clock time, and as much of CPU time. */
  timeout: number;
}

export interface Conversion {
  /** Absolute; our own inspection has found it safe and of this format. */
  source: string;
  format: ImageFormat;
  /** Absolute. */
  target: string;
  /** Bytes of the disk inside. */
  virtualSize: number;
}

const SECTOR = 512;

/**
 * Writes the disk inside an image to a sparse raw file. QEMU never probes: the format is given, and a path that begins
 * with a slash is not parsed as a protocol.
 * @throws FerricError image-refused where qemu-img cannot read it, image-unavailable where it reached a limit
 * @throws TransferError with the remedy `room` on a full disk
 */
export async function convertToRaw(
  conversion: Conversion,
  limits: ConvertLimits,
  signal: AbortSignal,
): Promise<void> {
  const named = isFlat(conversion.format) ? undefined : qemuSource(conversion.format, conversion.source);
  if (named === undefined || !conversion.source.startsWith('/') || !conversion.target.startsWith('/'))
    throw new FerricError('internal', `A ${conversion.format} image is never converted.`);
  const size = Math.ceil(conversion.virtualSize / SECTOR) * SECTOR;
  const seconds = Math.ceil(limits.timeout / 1000);
  try {
    await runCommand({
      file: 'prlimit',
      args: [
        `--as=${limits.memory}`,
        `--cpu=${seconds}`,
        `--fsize=${size}`,
        '--core=0',
        '--',
        ...['qemu-img', 'convert', ...named.options, '-O', 'raw', named.source, conversion.target],
      ],
      env: { MALLOC_ARENA_MAX: '3' },
      timeout: limits.timeout,
      signal,
    });
  } catch (error) {
    throw error instanceof CommandError ? failureOf(error) : error;
  }
  const written = await stat(conversion.target);
  if (written.size !== size)
    throw new FerricError(
      'image-refused',
      `The converted image has ${written.size} bytes, but its header promised ${size}.`,
    );
}

function failureOf(error: CommandError): FerricError {
  const text = error.result.stderr;
  if (/No space left on device|Disk quota exceeded/.test(text))
    return new TransferError({
      code: 'image-unavailable',
      message: 'The disk of the image cache is full.',
      remedy: 'room',
    });
  if (error.fault === 'exit' && !/Cannot allocate memory|prlimit/.test(text))
    return new FerricError('image-refused', 'qemu-img cannot read the image.', { cause: error });
  return new FerricError('image-unavailable', `The image could not be converted: ${error.message}.`, {
    cause: error,
  });
}
