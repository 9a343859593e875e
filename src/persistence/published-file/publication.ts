import { randomBytes } from 'node:crypto';
import { canonicalAddress } from '../../domain/agent/callback-url.js';
import { bootName } from '../../domain/boot-name.js';
import { InvalidError } from '../../domain/errors.js';

export type BootService = 'tftp' | 'http';

/** Which interface publishes: the boot interface, the deploy interface for the instance's image, the firmware interface. */
export type Publisher = 'boot' | 'image' | 'firmware';

/** A range of bytes of generated content. */
export type Segment =
  /** base64 */
  | { bytes: string }
  | { zeros: number }
  /** `length` bytes of the file from `start`. */
  | { path: string; start: number; length: number };

/** As in the database: sealed as one text, in base64. */
export type StoredSegments = { sealed: string } | Segment[];

export type Content = { kind: 'file'; path: string } | { kind: 'generated'; segments: readonly Segment[] };

export interface PublishedName {
  service: BootService;
  /** Exact name, without a leading slash. */
  name: string;
  /** A file is opened at each request, and never through a symbolic link. */
  content: Content;
}

/** All that one publisher publishes for one node. */
export interface Publication {
  node_uuid: string;
  publisher: Publisher;
  /** `operation`: ends with the node's open operation; `node`: ends when it is withdrawn, or with the node. */
  life: 'operation' | 'node';
  /** Seconds after which it ends in any case. */
  seconds?: number;
  /** Host name of the conductor that has the files. */
  conductor: string;
  /** Default: only the node's own machine. */
  readers?: { machine: boolean; addresses: readonly string[] };
  files: readonly PublishedName[];
}

/** Most inline bytes of an entry: they are read with its row at each request. A larger content belongs in a file. */
const MAX_INLINE = 256 * 1024;
const MAX_SEGMENTS = 4096;

/** @throws InvalidError for a publication that cannot be served */
export function checkPublication({ files, readers }: Publication): void {
  for (const { name, content } of files) {
    if (bootName(name) !== name) {
      throw new InvalidError(`Not a name to publish a boot file under: ${JSON.stringify(name)}`);
    }
    if (content.kind === 'file') checkPath(content.path);
    else checkSegments(content.segments);
  }
  const names = files.map((file) => `${file.service} ${file.name}`);
  if (new Set(names).size !== names.length) throw new InvalidError('A publication has one name twice');
  for (const address of readers?.addresses ?? []) {
    if (canonicalAddress(address) === null)
      throw new InvalidError(`Not an address: ${JSON.stringify(address)}`);
  }
}

/** Bytes of generated content. */
export function sizeOf(segments: readonly Segment[]): number {
  return segments.reduce((sum, segment) => sum + lengthOf(segment), 0);
}

/** Bytes of one segment. */
export function lengthOf(segment: Segment): number {
  if ('zeros' in segment) return segment.zeros;
  return 'bytes' in segment ? Buffer.byteLength(segment.bytes, 'base64') : segment.length;
}

/**
 * A part of a name that nobody can guess: 160 random bits in hexadecimal, which every BMC's URL parser accepts. A file
 * extension may follow, which some BMCs require.
 */
export function unguessable(): string {
  return randomBytes(20).toString('hex');
}

function checkPath(path: string): void {
  if (!path.startsWith('/') || path.includes('\0')) {
    throw new InvalidError(`Not an absolute path of a boot file: ${JSON.stringify(path)}`);
  }
}

function checkSegments(segments: readonly Segment[]): void {
  if (segments.length > MAX_SEGMENTS) {
    throw new InvalidError(`Generated content has more than ${MAX_SEGMENTS} segments`);
  }
  let inline = 0;
  for (const segment of segments) {
    if ('bytes' in segment) inline += lengthOf(segment);
    else if ('path' in segment) checkPath(segment.path);
    const numbers =
      'zeros' in segment ? [segment.zeros] : 'path' in segment ? [segment.start, segment.length] : [];
    if (!numbers.every((number) => Number.isSafeInteger(number) && number >= 0)) {
      throw new InvalidError('A segment of generated content has a length or a start that is none');
    }
  }
  if (inline > MAX_INLINE)
    throw new InvalidError(`Generated content has more than ${MAX_INLINE} bytes inline`);
  if (!Number.isSafeInteger(sizeOf(segments))) throw new InvalidError('Generated content is too large');
}
