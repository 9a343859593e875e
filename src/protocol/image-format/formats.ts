// Properties of each image format: daemon, agent and qemu-img take its names from here.
import type { ImageFormat } from './inspection.js';

export interface FormatFacts {
  /** qemu-img's name; undefined for formats that are never opened. */
  qemu: string | undefined;
  /** The file's bytes are the disk's. */
  flat: boolean;
  /** Our own readers can inspect the disk inside, even of a remote image. */
  seen: boolean;
}

const FLAT: FormatFacts = { qemu: 'raw', flat: true, seen: true };
const container = (qemu: string | undefined, seen = false): FormatFacts => ({ qemu, flat: false, seen });

const FORMATS: Readonly<Record<ImageFormat, FormatFacts>> = {
  raw: FLAT,
  gpt: FLAT,
  iso: FLAT,
  qcow2: container('qcow2', true),
  vhd: container('vpc'),
  vhdx: container('vhdx'),
  vmdk: container('vmdk'),
  vdi: container('vdi'),
  qed: container(undefined),
  luks: container(undefined),
};

/** @returns undefined for a name that is no format */
export function formatFacts(format: string | undefined): FormatFacts | undefined {
  return format !== undefined && Object.hasOwn(FORMATS, format) ? FORMATS[format as ImageFormat] : undefined;
}

export function isFlat(format: string | undefined): boolean {
  return formatFacts(format)?.flat ?? false;
}

/**
 * The format that an agent receives: `raw` for every disk that is written byte by byte. qemu-img does not know `gpt`
 * and `iso`, and agents that pass them to it fail.
 */
export function writtenAs(format: string): string {
  return isFlat(format) ? 'raw' : format;
}
