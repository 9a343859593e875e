// Checksum fields and checksum files. https://docs.openstack.org/ironic/latest/user/creating-images.html
import { InvalidError } from '../errors.js';
import { parseChecksumLine } from './checksum-line.js';
import { algorithmByDigits, algorithmName, digestBytes } from './digest-algorithm.js';
import { parseHttpUrl } from './reference.js';

export interface Checksum {
  /** As Node's crypto names it: md5, sha256, sha3-512, … */
  algorithm: string;
  /** Lower-case hex. */
  value: string;
}

export type ChecksumSource = { kind: 'value'; checksum: Checksum } | { kind: 'url'; url: string };

export interface ChecksumRules {
  allowMd5: boolean;
}

interface ChecksumFields {
  image_checksum?: unknown;
  image_os_hash_algo?: unknown;
  image_os_hash_value?: unknown;
}

/**
 * The checksum that instance_info declares; the image_os_hash fields take precedence.
 * @returns undefined when it declares none
 * @throws InvalidError naming the field
 */
export function parseChecksumFields(
  fields: ChecksumFields,
  rules: ChecksumRules,
): ChecksumSource | undefined {
  const { image_os_hash_value: hash, image_os_hash_algo: algorithm, image_checksum: checksum } = fields;
  if (hash !== undefined && hash !== null) {
    if (algorithm !== undefined && algorithm !== null && typeof algorithm !== 'string')
      throw new InvalidError('image_os_hash_algo: must be a string.');
    return {
      kind: 'value',
      checksum: parseValue(hash, algorithm ?? undefined, 'image_os_hash_value', rules),
    };
  }
  if (algorithm !== undefined && algorithm !== null)
    throw new InvalidError('image_os_hash_algo: is given without image_os_hash_value.');
  if (checksum === undefined || checksum === null) return undefined;
  if (typeof checksum === 'string' && /^https?:\/\//i.test(checksum))
    return { kind: 'url', url: parseHttpUrl(checksum, 'image_checksum') };
  return { kind: 'value', checksum: parseValue(checksum, undefined, 'image_checksum', rules) };
}

/**
 * Reads `hex`, `algorithm:hex`, or a whole line of a checksum file. Without an algorithm the length decides.
 * @param likely the algorithm when none is named and its length matches
 * @throws InvalidError naming the field
 */
export function parseValue(
  value: unknown,
  algorithm: string | undefined,
  field: string,
  rules: ChecksumRules,
  likely?: string,
): Checksum {
  if (typeof value !== 'string' || value.trim() === '')
    throw new InvalidError(`${field}: must be a non-empty string.`);
  const given = partsOf(value.trim());
  const hex = given.hash.toLowerCase();
  if (!/^[0-9a-f]+$/.test(hex)) throw new InvalidError(`${field}: is not a hexadecimal checksum.`);
  const named = given.algorithm ?? algorithm;
  const name = named === undefined ? guess(hex, likely) : algorithmName(named);
  if (name === undefined)
    throw new InvalidError(
      named === undefined
        ? `${field}: ${hex.length} hexadecimal digits tell no algorithm; name it.`
        : `${field}: the checksum algorithm is not known.`,
    );
  if (algorithm !== undefined && algorithmName(algorithm) !== name)
    throw new InvalidError(`${field}: names another algorithm than image_os_hash_algo.`);
  const digits = 2 * digestBytes(name)!;
  if (hex.length !== digits)
    throw new InvalidError(
      `${field}: a ${name} checksum has ${digits} hexadecimal digits, not ${hex.length}.`,
    );
  if (name === 'md5' && !rules.allowMd5) throw new InvalidError(`${field}: MD5 checksums are turned off.`);
  return { algorithm: name, value: hex };
}

function partsOf(text: string): { algorithm: string | undefined; hash: string } {
  const line = parseChecksumLine(text);
  if (line) return line;
  const [, algorithm, hash] = /^([^:=\s]*) ?[:=] ?(.*)$/.exec(text) ?? [];
  return hash === undefined ? { algorithm: undefined, hash: text } : { algorithm, hash };
}

function guess(hex: string, likely: string | undefined): string | undefined {
  if (likely !== undefined && hex.length === 2 * digestBytes(likely)!) return likely;
  return algorithmByDigits(hex.length);
}
