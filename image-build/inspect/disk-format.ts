import { stat } from 'node:fs/promises';
import { FerricError } from '../../src/domain/errors.js';
import { formatFacts } from '../../src/protocol/image-format/formats.js';
import { inspectImage } from '../../src/protocol/image-format/inspect.js';
import { type ImageFormat, TAIL_BYTES } from '../../src/protocol/image-format/inspection.js';
import { bytesAt } from './bytes-at.js';

/** Bytes that hold every header to inspect: a vmdk's descriptor, a vhdx's metadata. */
const HEAD_BYTES = 8 * 2 ** 20;

/**
 * Format of a disk image, determined from its bytes. Every program that opens an image gets the format explicitly,
 * since a guess by header may make it open other files of this machine.
 * @param shown name of the image in messages
 * @throws FerricError `image-refused` for an image that refers to other files, is broken, or matches several formats
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

/** Like `judgedFormat`, with qemu-img's name of the format. */
export async function diskFormatOf(path: string, shown = path): Promise<string> {
  return formatFacts(await judgedFormat(path, shown))!.qemu!;
}
