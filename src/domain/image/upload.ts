// Checks of an upload, before and while bytes arrive.
import { ConflictError, FerricError, InvalidError } from '../errors.js';

/** Disk formats whose bytes are inspected; kernels, ramdisks and images in a container are opaque. */
const INSPECTED = ['raw', 'qcow2', 'iso', 'vhd', 'vhdx', 'vmdk', 'vdi'];

interface Formats {
  disk_format: string | null;
  container_format: string | null;
}

export function isInspected({ disk_format, container_format }: Formats): boolean {
  return container_format === 'bare' && disk_format !== null && INSPECTED.includes(disk_format);
}

/** @throws InvalidError when a format of the image is not set */
export function checkFormatsSet({ disk_format, container_format }: Formats): void {
  const missing = [
    ...(disk_format === null ? ['disk_format'] : []),
    ...(container_format === null ? ['container_format'] : []),
  ];
  if (missing.length > 0)
    throw new InvalidError(`Properties ${missing.join(', ')} must be set prior to saving data.`);
}

/** @throws ConflictError for an import of an image without a format (glance/api/v2/images.py) */
export function checkFormatsSetForImport({ disk_format, container_format }: Formats): void {
  const missing = [
    container_format === null && "'container_format'",
    disk_format === null && "'disk_format'",
  ];
  const first = missing.find((name) => name !== false);
  if (first) throw new ConflictError(`${first} needs to be set before import`);
}

/** The range of bytes in a request; null: all bytes. RFC 9110 §14.4, used in requests as tus and others do. */
export interface UploadRange {
  from: number;
  /** The last byte, included. */
  to: number;
  total: number;
}

/**
 * @param header the value of Content-Range
 * @throws InvalidError for anything but `bytes FROM-TO/TOTAL`
 */
export function parseUploadRange(header: string | undefined): UploadRange | null {
  if (header === undefined) return null;
  const [, from, to, total] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(header.trim()) ?? [];
  const range = { from: Number(from), to: Number(to), total: Number(total) };
  if (total === undefined || range.from > range.to || range.to >= range.total)
    throw new InvalidError('Content-Range must be "bytes FROM-TO/TOTAL" with FROM <= TO < TOTAL.');
  return range;
}

/** @throws ConflictError naming the offset to continue at */
export function checkOffset(range: UploadRange, held: number): void {
  if (range.from !== held)
    throw new ConflictError(`The upload goes on at byte ${held}, not at ${range.from}.`);
}

/** @throws FerricError too-large */
export function checkUploadSize(bytes: number, most: number): void {
  if (bytes > most)
    throw new FerricError(
      'too-large',
      `The image is larger than ${most} bytes, the most that is kept (image_service.max_size_mib).`,
    );
}
