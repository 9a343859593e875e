// The result of an inspection, and the errors of this room. Facts: oslo.utils format_inspector.

export const IMAGE_FORMATS = [
  'raw',
  'gpt', // a partitioned raw disk, GPT or MBR alike: Ironic's name for both
  'iso',
  'qcow2',
  'vhd',
  'vhdx',
  'vmdk',
  'vdi',
  'qed',
  'luks',
] as const;
export type ImageFormat = (typeof IMAGE_FORMATS)[number];

export type Compression = 'gzip' | 'bzip2' | 'xz' | 'zstd';

/** Bytes from the start that identify every format, and suffice to check raw, gpt, iso and qcow2 completely. */
export const HEAD_BYTES = 0x8800;
/** Bytes from the end that a stream-optimized vmdk and a fixed vhd need; no other format reads its end. */
export const TAIL_BYTES = 1536;

export interface Inspection {
  /** Undefined if several formats match: such an image is refused. */
  format: ImageFormat | undefined;
  /**
   * Every format whose signature is present; `['raw']` only if there is none. A fixed vhd is a raw disk followed by a
   * footer: `format` is that of the disk, and `matches` also contains `vhd`.
   */
  matches: readonly ImageFormat[];
  /** Why the image must not be used; empty when it is safe. */
  faults: readonly string[];
  /** Bytes of the disk inside. Undefined if the bytes seen do not contain it. Inexact above 2^53. */
  virtualSize: number | undefined;
  partitionTable: 'gpt' | 'mbr' | undefined;
  /** The file is a compressed stream: its first bytes are no disk's. */
  compression: Compression | undefined;
}

export type ImageFault =
  | 'ambiguous' // several signatures
  | 'unsafe' // refers to other files, unknown features, broken header
  | 'mismatch' // not what was declared
  | 'not-permitted'
  | 'too-large'; // virtual size beyond the limit

/** An image that must not be used; the message gives the operator the reason. */
export class ImageFormatError extends Error {
  constructor(
    readonly fault: ImageFault,
    message: string,
  ) {
    super(message);
    this.name = 'ImageFormatError';
  }
}
