// What each format of images is to those who handle it: daemon, agent and qemu-img have their names from here.
import type { ImageFormat } from './inspection.js';

export interface FormatFacts {
  /** What qemu-img calls it; undefined for formats that are never opened. */
  qemu: string | undefined;
  /** The file's bytes are the disk's. */
  flat: boolean;
  /** The disk inside can be looked into by our own readers while the image lies elsewhere. */
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

/** @returns undefined for a name that is no format's */
export function formatFacts(format: string | undefined): FormatFacts | undefined {
  return format !== undefined && Object.hasOwn(FORMATS, format) ? FORMATS[format as ImageFormat] : undefined;
}

export function isFlat(format: string | undefined): boolean {
  return formatFacts(format)?.flat ?? false;
}

/**
 * What an agent is told: every disk that is written byte by byte is `raw` to it. `gpt` and `iso` are no names that
 * qemu-img knows, and agents that hand them to it fail.
 */
export function writtenAs(format: string): string {
  return isFlat(format) ? 'raw' : format;
}
