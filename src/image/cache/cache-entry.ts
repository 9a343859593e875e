// The record of a cached master file, in `<name>.json` beside it.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { IMAGE_FORMATS } from '../../protocol/image-format/inspection.js';

const digests = z.record(z.string(), z.string());

export const cacheRecord = z.object({
  /** 1; a record of another shape is ignored, and its file is fetched again. */
  version: z.literal(1),
  href: z.string(),
  /** Bytes of the file as delivered. */
  size: z.number(),
  sha256: z.string(),
  /** Of the delivered file. */
  inspection: z.object({
    format: z.enum(IMAGE_FORMATS).optional(),
    matches: z.array(z.enum(IMAGE_FORMATS)).readonly(),
    faults: z.array(z.string()).readonly(),
    virtualSize: z.number().optional(),
    partitionTable: z.enum(['gpt', 'mbr']).optional(),
    compression: z.enum(['gzip', 'bzip2', 'xz', 'zstd']).optional(),
  }),
  /** The file as its source has it; differs from the delivered one after a conversion. */
  original: z.object({
    size: z.number(),
    digests,
    format: z.enum(IMAGE_FORMATS).optional(),
    /** Milliseconds: Last-Modified. */
    lastModified: z.number().optional(),
    /** As the server wrote it, quotation marks included. */
    etag: z.string().optional(),
    /** A file:// source: its inode, time and size. */
    identity: z.string().optional(),
  }),
  converted: z.boolean(),
  /** Milliseconds: when the bytes were fetched. */
  fetched: z.number().optional(),
  /** The kernel's boot id at the last successful check of the bytes; see `ImageCache.find`. */
  boot: z.string(),
});
export type CacheRecord = z.output<typeof cacheRecord>;

export interface CacheEntry {
  name: string;
  path: string;
  record: CacheRecord;
}

/** RFC 4122 §4.3 with the URL name space, as Ironic names its masters. */
export function uuid5(url: string): string {
  const space = Buffer.from('6ba7b8119dad11d180b400c04fd430c8', 'hex');
  const hash = createHash('sha1').update(space).update(url).digest();
  hash[6] = (hash[6]! & 0x0f) | 0x50;
  hash[8] = (hash[8]! & 0x3f) | 0x80;
  const hex = hash.toString('hex', 0, 16);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

export const CONVERTED = '.converted';
