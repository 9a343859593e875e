// The description of stored bytes, in `<sha512>.json` beside them.
import { z } from 'zod';
import { IMAGE_FORMATS, type Inspection } from '../../protocol/image-format/inspection.js';

export const blobFacts = z.object({
  /** 1; a description of another shape is made again from the bytes. */
  version: z.literal(1),
  /** Bytes. */
  size: z.number(),
  /** md5, sha256 and sha512, lower-case hex. */
  digests: z.object({ md5: z.string(), sha256: z.string(), sha512: z.string() }),
  inspection: z.object({
    format: z.enum(IMAGE_FORMATS).optional(),
    matches: z.array(z.enum(IMAGE_FORMATS)).readonly(),
    faults: z.array(z.string()).readonly(),
    virtualSize: z.number().optional(),
    partitionTable: z.enum(['gpt', 'mbr']).optional(),
    compression: z.enum(['gzip', 'bzip2', 'xz', 'zstd']).optional(),
  }),
});
export type BlobFacts = z.output<typeof blobFacts>;

export function factsOf(received: {
  size: number;
  digests: Readonly<Record<string, string>>;
  inspection: Inspection;
}): BlobFacts {
  const { md5, sha256, sha512 } = received.digests;
  const { size, inspection } = received;
  return { version: 1, size, digests: { md5: md5!, sha256: sha256!, sha512: sha512! }, inspection };
}
