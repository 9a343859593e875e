import { stat } from 'node:fs/promises';
import { FerricError } from '../../src/domain/errors.js';
import { inspectImage } from '../../src/protocol/image-format/inspect.js';
import { TAIL_BYTES } from '../../src/protocol/image-format/inspection.js';
import { bytesAt } from './bytes-at.js';

/** What qemu-img may be given, by our names, and its own names for them. The others are never opened by it. */
const QEMU_NAMES: Readonly<Record<string, string>> = {
  raw: 'raw',
  gpt: 'raw',
  qcow2: 'qcow2',
  vhd: 'vpc',
  vhdx: 'vhdx',
  vmdk: 'vmdk',
  vdi: 'vdi',
};
/** Holds every header that is judged: a vmdk's descriptor, a vhdx's metadata. */
const HEAD_BYTES = 8 * 2 ** 20;

/**
 * The format of a disk image by its own bytes, as qemu-img names it: every program that opens an image is told the format,
 * and none is left to guess it, since a header may name other files of this machine.
 * @param shown its name in messages
 * @throws FerricError `image-refused` for an image that leans on other files, is broken, or looks like several formats
 */
export async function diskFormatOf(path: string, shown = path): Promise<string> {
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
  const name = format === undefined ? undefined : QEMU_NAMES[format];
  if (reasons.length === 0 && name === undefined) reasons.push(`${format} holds no disk that can be read`);
  if (name === undefined || reasons.length > 0)
    throw new FerricError('image-refused', `${shown}: ${reasons.join('; ')}`);
  return name;
}
