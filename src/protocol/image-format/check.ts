import { IMAGE_FORMATS, type ImageFormat, ImageFormatError, type Inspection } from './inspection.js';

/** Glance's names for a kernel and a ramdisk: opaque files, never read by a disk tool. */
const OPAQUE = ['aki', 'ari'];

/** The format by which an image is used: a fixed vhd counts as a raw disk unless it is declared a vhd. */
export function usedFormat(
  { format, matches }: Pick<Inspection, 'matches'> & { format?: ImageFormat | undefined },
  declared: string | undefined,
): ImageFormat | undefined {
  return declared === 'vhd' && matches.includes('vhd') ? 'vhd' : format;
}

/**
 * Checks whether an inspected image may be used as the declared format.
 * `raw` includes `gpt`, both as declared and as permitted format, as in Ironic.
 * @param declared instance_info.image_disk_format or the Image service's disk_format; undefined: any format
 * @param maxVirtualSize bytes
 * @throws ImageFormatError
 */
export function checkDeclared(
  inspection: Inspection,
  declared: string | undefined,
  permitted: readonly string[],
  maxVirtualSize?: number,
): void {
  if (declared !== undefined && OPAQUE.includes(declared)) return;
  const { format, matches, faults, compression, virtualSize } = inspection;
  if (format === undefined)
    throw new ImageFormatError(
      'ambiguous',
      `The image looks like several formats at once: ${matches.join(', ')}.`,
    );
  if (declared !== undefined && !IMAGE_FORMATS.some((known) => known === declared))
    throw new ImageFormatError(
      'mismatch',
      `The image is declared as ${declared}, which is no known disk format.`,
    );
  if (compression !== undefined && format === 'raw')
    throw new ImageFormatError('unsafe', `The image is compressed (${compression}); unpack it first.`);
  const used = usedFormat(inspection, declared)!;
  if (declared !== undefined && used !== declared && !(declared === 'raw' && used === 'gpt'))
    throw new ImageFormatError('mismatch', `The image is declared as ${declared}, but it is ${used}.`);
  if (!permitted.includes(used) && !(used === 'gpt' && permitted.includes('raw')))
    throw new ImageFormatError(
      'not-permitted',
      `The image is ${used}; permitted are ${permitted.join(', ') || 'no formats'}.`,
    );
  if (faults.length > 0) throw new ImageFormatError('unsafe', `The image is unsafe: ${faults.join('; ')}.`);
  if (maxVirtualSize !== undefined && virtualSize !== undefined && virtualSize > maxVirtualSize)
    throw new ImageFormatError(
      'too-large',
      `The image holds a disk of ${virtualSize} bytes; the limit is ${maxVirtualSize}.`,
    );
}
