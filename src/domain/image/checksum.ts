// Checksum fields and checksum files. https://docs.openstack.org/ironic/latest/user/creating-images.html
import { InvalidError } from '../errors.js';
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
  /** Bytes of the digest; undefined for an algorithm that is not known or has no fixed length. */
  digestBytes(algorithm: string): number | undefined;
}

/** Hex digits of the algorithms that a bare hash can mean. */
const BY_LENGTH: Readonly<Record<number, string>> = {
  32: 'md5',
  40: 'sha1',
  56: 'sha224',
  64: 'sha256',
  96: 'sha384',
  128: 'sha512',
};
/** Python's hashlib names where Node's differ in more than `_` for `-`. */
const PYTHON_NAMES: Readonly<Record<string, string>> = { blake2b: 'blake2b512', blake2s: 'blake2s256' };

interface ChecksumFields {
  image_checksum?: unknown;
  image_os_hash_algo?: unknown;
  image_os_hash_value?: unknown;
}

/**
 * The checksum that instance_info declares; os_hash fields win.
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
 * `hex`, or `algorithm:hex`. Without an algorithm the length decides.
 * @throws InvalidError naming the field
 */
export function parseValue(
  value: unknown,
  algorithm: string | undefined,
  field: string,
  rules: ChecksumRules,
): Checksum {
  if (typeof value !== 'string' || value === '')
    throw new InvalidError(`${field}: must be a non-empty string.`);
  const colon = value.indexOf(':');
  const named = colon === -1 ? algorithm : value.slice(0, colon);
  const hex = (colon === -1 ? value : value.slice(colon + 1)).toLowerCase();
  if (!/^[0-9a-f]+$/.test(hex)) throw new InvalidError(`${field}: is not a hexadecimal checksum.`);
  const name = named === undefined ? BY_LENGTH[hex.length] : algorithmName(named);
  if (name === undefined)
    throw new InvalidError(`${field}: ${hex.length} hexadecimal digits tell no algorithm; name it.`);
  const bytes = rules.digestBytes(name);
  if (bytes === undefined) throw new InvalidError(`${field}: the checksum algorithm is not known.`);
  if (algorithm !== undefined && colon !== -1 && algorithmName(algorithm) !== name)
    throw new InvalidError(`${field}: names another algorithm than image_os_hash_algo.`);
  if (hex.length !== 2 * bytes)
    throw new InvalidError(
      `${field}: a ${name} checksum has ${2 * bytes} hexadecimal digits, not ${hex.length}.`,
    );
  if (name === 'md5' && !rules.allowMd5) throw new InvalidError(`${field}: MD5 checksums are turned off.`);
  return { algorithm: name, value: hex };
}

/** `SHA-256`, `sha3_256`, `blake2b` and the like in the words of Node's crypto. */
export function algorithmName(name: string): string {
  const lower = name.toLowerCase().replaceAll('_', '-');
  const plain = lower.replace(/^sha-(?=\d)/, 'sha');
  return PYTHON_NAMES[plain] ?? plain;
}

/**
 * The checksum of one file out of a checksum file's text: one bare hash, `hash  [*]name` or
 * `SHA256 (name) = hash` lines, `#` comments; of several algorithms the longest hash is taken.
 * @param name the image's base name; directories in the listed names are ignored
 * @throws InvalidError when it lists none, or two that differ
 */
export function parseChecksumFile(text: string, name: string, rules: ChecksumRules): Checksum {
  const field = 'image_checksum';
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  if (lines.length === 1 && !/\s/.test(lines[0]!)) return parseValue(lines[0], undefined, field, rules);
  const found: Checksum[] = [];
  let refused: InvalidError | undefined;
  for (const line of lines) {
    const entry = parseLine(line);
    if (!entry || entry.name.slice(entry.name.lastIndexOf('/') + 1) !== name) continue;
    try {
      found.push(parseValue(entry.hash, entry.algorithm, field, rules));
    } catch (error) {
      if (!(error instanceof InvalidError)) throw error;
      refused = error; // an algorithm we may not use; another line may serve
    }
  }
  found.sort((a, b) => b.value.length - a.value.length);
  const [best] = found;
  if (!best) throw refused ?? new InvalidError(`${field}: the checksum file does not list ${name}.`);
  if (found.some((other) => other.algorithm === best.algorithm && other.value !== best.value))
    throw new InvalidError(`${field}: the checksum file lists ${name} twice, with different checksums.`);
  return best;
}

function parseLine(line: string): { name: string; hash: string; algorithm: string | undefined } | undefined {
  const bsd = /^([A-Za-z0-9_/-]+) ?\((.+)\) ?= ?([0-9a-fA-F]+)$/.exec(line);
  if (bsd) return { algorithm: bsd[1]!, name: bsd[2]!, hash: bsd[3]! };
  const gnu = /^\\?([0-9a-fA-F]{32,}) [ *]?(.+)$/.exec(line) ?? /^([0-9a-fA-F]{32,})\s+\*?(.+)$/.exec(line);
  return gnu ? { algorithm: undefined, name: gnu[2]!.trim(), hash: gnu[1]! } : undefined;
}
