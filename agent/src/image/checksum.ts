import { type Checksum, type ChecksumRules, parseValue } from '../../../src/domain/image/checksum.js';
import { parseChecksumFile } from '../../../src/domain/image/checksum-file.js';
import { checksumText } from '../../../src/domain/image/checksum-text.js';
import { AgentError, messageOf } from '../error.js';
import type { ImageInfo } from './image-info.js';

/**
 * The expected checksum of the image: `os_hash_*` first, else `checksum`, which may be hex, `algo:hex`, or the URL of a
 * checksum file.
 * @param fetch reads a checksum file
 * @throws AgentError without a usable checksum, or for MD5 when the conductor forbids it
 */
export async function expectedChecksum(
  image: ImageInfo,
  allowMd5: boolean,
  fetch: (url: string) => Promise<Uint8Array>,
): Promise<Checksum> {
  const rules: ChecksumRules = { allowMd5 };
  const hashed = image.os_hash_algo !== undefined && image.os_hash_value !== undefined;
  const value = hashed ? image.os_hash_value : image.checksum;
  try {
    if (value !== undefined && /^https?:\/\//i.test(value)) {
      return parseChecksumFile(await checksumText(await fetch(value)), image.urls[0]!, rules, value);
    }
    return parseValue(
      value,
      hashed ? image.os_hash_algo : undefined,
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
