import { stat } from 'node:fs/promises';
import { FerricError } from '../../src/domain/errors.js';
import { formatFacts } from '../../src/protocol/image-format/formats.js';
import { inspectImage } from '../../src/protocol/image-format/inspect.js';
import { type ImageFormat, TAIL_BYTES } from '../../src/protocol/image-format/inspection.js';
import { bytesAt } from './bytes-at.js';

/** Holds every header that is judged: a vmdk's descriptor, a vhdx's metadata. */
const HEAD_BYTES = 8 * 2 ** 20;

/**
 * The format of a disk image by its own bytes: every program that opens an image is told the format, and none is left to
 * guess it, since a header may name other files of this machine.
 * @param shown its name in messages
 * @throws FerricError `image-refused` for an image that leans on other files, is broken, or looks like several formats
 */
export async function judgedFormat(path: string, shown = path): Promise<ImageFormat> {
  const { size } = await stat(path);
  const head = await bytesAt(path, 0, Math.min(size, HEAD_BYTES));
  const tail = await bytesAt(path, Math.max(0, size - TAIL_BYTES), TAIL_BYTES);
  const { format, faults, compression, matches } = inspectImage(head, tail, size);
  const reasons = [
    ...faults,
    ...(compression === undefined ? [] : [`it is compressed (${compression}); unpack it first`]),
    ...(format === undefined && faults.length === 0
      ? [`it looks like ${matches.join(' and ')} at once`]
      : []),
  ];
  const isDisk = format !== undefined && format !== 'iso' && formatFacts(format)?.qemu !== undefined;
  if (reasons.length === 0 && !isDisk) reasons.push(`${format} holds no disk that can be read`);
  if (!isDisk || reasons.length > 0)
    throw new FerricError('image-refused', `${shown}: ${reasons.join('; ')}`);
  return format;
}

/** As `judgedFormat`, by qemu-img's name. */
export async function diskFormatOf(path: string, shown = path): Promise<string> {
  return formatFacts(await judgedFormat(path, shown))!.qemu!;
}
