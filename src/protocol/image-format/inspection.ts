// What the header reader says about an image, and the errors of its room. Facts: oslo.utils format_inspector.

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

/** Bytes from the start that name every format, and judge raw, gpt, iso and qcow2 completely. */
export const HEAD_BYTES = 0x8800;
/** Bytes from the end that a stream-optimized vmdk needs, and a fixed vhd; no other format looks at its end. */
export const TAIL_BYTES = 1536;

export interface Inspection {
  /** Undefined where several formats match: such an image is refused. */
  format: ImageFormat | undefined;
  /**
   * Every format whose signature is there; `['raw']` only where none is. A fixed vhd is a raw disk with a footer behind
   * it: `format` says what the disk is, and `matches` has `vhd` besides.
   */
  matches: readonly ImageFormat[];
  /** Why the image must not be used; empty when it is safe. */
  faults: readonly string[];
  /** Bytes of the disk inside. Undefined where the bytes seen do not tell. Inexact above 2^53. */
  virtualSize: number | undefined;
  partitionTable: 'gpt' | 'mbr' | undefined;
  /** The file is a compressed stream: its first bytes are those of no disk. */
  compression: Compression | undefined;
}

export type ImageFault =
  | 'ambiguous' // several signatures
  | 'unsafe' // refers to other files, unknown features, broken header
  | 'mismatch' // not what was declared
  | 'not-permitted'
  | 'too-large'; // virtual size beyond the limit

/** An image that must not be used; the message says why in words for the operator. */
export class ImageFormatError extends Error {
  constructor(
    readonly fault: ImageFault,
    message: string,
  ) {
    super(message);
    this.name = 'ImageFormatError';
  }
}
