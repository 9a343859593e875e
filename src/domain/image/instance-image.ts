// The image that instance_info requests, checked without network or disk.
import { InvalidError } from '../errors.js';
import { type ChecksumRules, type ChecksumSource, parseChecksumFields } from './checksum.js';
import { checkFilePath } from './file-path.js';
import { type ImageReference, parseImageReference } from './reference.js';

export type ImageKind = 'whole-disk' | 'partition';

/** Properties of a Glance image in the Image service, for `imageKind`. */
export interface ImageProperties {
  img_type?: string;
  kernel_id?: string;
  ramdisk_id?: string;
}

/** The fields of instance_info that describe its image; others are ignored. */
export type ImageFields = Readonly<Record<string, unknown>>;

export interface InstanceImage {
  source: ImageReference;
  checksum: ChecksumSource | undefined;
  diskFormat: string | undefined;
  kernel: ImageReference | undefined;
  ramdisk: ImageReference | undefined;
}

export interface ImageRules extends ChecksumRules {
  filePaths: readonly string[];
  /** Ferric's own files and directories: never images. */
  ownPaths?: readonly string[];
}

const DISK_FORMATS = ['raw', 'gpt', 'iso', 'qcow2', 'vhd', 'vhdx', 'vmdk', 'vdi', 'aki', 'ari'];

/**
 * Whole-disk or partition: image_type decides, then the Image service's img_type, then whether there is a kernel or a
 * ramdisk. The image's bytes do not count, as in Ironic.
 * @throws InvalidError for an image_type that is neither
 */
export function imageKind(fields: ImageFields, properties: ImageProperties = {}): ImageKind {
  const declared = fields['image_type'] ?? properties.img_type;
  if (declared !== undefined && declared !== null) {
    if (declared === 'whole-disk' || declared === 'partition') return declared;
    throw new InvalidError('image_type: must be "whole-disk" or "partition".');
  }
  const parts = [fields['kernel'], fields['ramdisk'], properties.kernel_id, properties.ramdisk_id];
  return parts.some((part) => part !== undefined && part !== null && part !== '')
    ? 'partition'
    : 'whole-disk';
}

/**
 * @throws InvalidError for a missing or wrong value, a file outside the allowed directories, and an
 * http image without a checksum
 */
export function parseInstanceImage(fields: ImageFields, rules: ImageRules): InstanceImage {
  if (fields['image_source'] === undefined || fields['image_source'] === null)
    throw new InvalidError('image_source: is missing in instance_info.');
  const source = checked(fields['image_source'], 'image_source', rules);
  if (source.kind === 'http' && new URL(source.url).pathname.endsWith('/'))
    throw new InvalidError('image_source: names a directory, not an image.');
  const checksum = parseChecksumFields(fields, rules);
  if (source.kind === 'http' && checksum === undefined)
    throw new InvalidError(
      'image_checksum or image_os_hash_value: is needed in instance_info for an http(s) image_source.',
    );
  return {
    source,
    checksum,
    diskFormat: parseDiskFormat(fields['image_disk_format']),
    kernel: optional(fields['kernel'], 'kernel', rules),
    ramdisk: optional(fields['ramdisk'], 'ramdisk', rules),
  };
}

function parseDiskFormat(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string' || !DISK_FORMATS.includes(value))
    throw new InvalidError(`image_disk_format: must be one of ${DISK_FORMATS.join(', ')}.`);
  return value;
}

function optional(value: unknown, field: string, rules: ImageRules): ImageReference | undefined {
  return value === undefined || value === null ? undefined : checked(value, field, rules);
}

function checked(value: unknown, field: string, rules: ImageRules): ImageReference {
  const reference = parseImageReference(value, field);
  if (reference.kind === 'file') checkFilePath(reference.path, rules.filePaths, field, rules.ownPaths);
  return reference;
}
