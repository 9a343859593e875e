import { createHash, getHashes } from 'node:crypto';
import {
  algorithmName,
  type Checksum,
  type ChecksumRules,
  parseChecksumFile,
  parseValue,
} from '../../../src/domain/image/checksum.js';
import { AgentError, messageOf } from '../error.js';
import type { ImageInfo } from './image-info.js';

/**
 * What the image must hash to: `os_hash_*` first, else `checksum`, which may be hex, `algo:hex`, or the URL of a
 * checksum file.
 * @param fetchText reads a checksum file
 * @throws AgentError when nothing usable is given, or it is MD5 and the conductor does not allow that
 */
export async function expectedChecksum(
  image: ImageInfo,
  allowMd5: boolean,
  fetchText: (url: string) => Promise<string>,
): Promise<Checksum> {
  const rules: ChecksumRules = { allowMd5, digestBytes };
  const hashed = image.os_hash_algo !== undefined && image.os_hash_value !== undefined;
  const value = hashed ? image.os_hash_value : image.checksum;
  try {
    if (value !== undefined && /^https?:\/\//i.test(value)) {
      const text = await fetchText(value);
      return parseChecksumFile(text, baseName(image.urls[0]!), rules);
    }
    return parseValue(
      value,
      hashed ? algorithmName(image.os_hash_algo!) : undefined,
      hashed ? 'os_hash_value' : 'checksum',
      rules,
    );
  } catch (error) {
    if (error instanceof AgentError) throw error;
    throw new AgentError(
      'RESTError',
      500,
      'An error occurred',
      `Unable to verify image ${image.id} with available checksums: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

function digestBytes(algorithm: string): number | undefined {
  if (!getHashes().includes(algorithm)) return undefined;
  return createHash(algorithm).digest().length;
}

function baseName(url: string): string {
  const path = new URL(url).pathname;
  return decodeURIComponent(path.slice(path.lastIndexOf('/') + 1));
}
