// Checksums of base images: the key `ferric_checksums`.
import { messageOf } from '../../src/domain/errors.js';
import { type Checksum, parseValue } from '../../src/domain/image/checksum.js';
import type { Variables } from '../template/template.js';
import { isMapping } from './yaml.js';

const BASES = [
  'artib_minimal_base_image_url',
  'artib_overcloud_base_image_url',
  'artib_undercloud_base_image_url',
] as const;

const RULES = {
  // MD5 collisions take minutes, so it proves nothing.
  allowMd5: false,
};

/** @throws InvalidError for an invalid checksum */
export function checksumOf(variables: Variables, url: string): Checksum | undefined {
  const checksums = variables['ferric_checksums'];
  const value = isMapping(checksums) ? checksums[url] : undefined;
  return value === undefined ? undefined : parseValue(value, undefined, `ferric_checksums: ${url}`, RULES);
}

/** Faults: invalid checksums, checksums of no base image, and unprotected base images (http without a checksum). */
export function checksumFaults(variables: Variables): string[] {
  const faults: string[] = [];
  const checksums = variables['ferric_checksums'];
  const bases = BASES.map((key) => ({ key, url: String(variables[key] ?? '') }));
  for (const url of Object.keys(isMapping(checksums) ? checksums : {})) {
    try {
      checksumOf(variables, url);
    } catch (error) {
      faults.push(messageOf(error));
    }
    if (!bases.some((base) => base.url === url))
      faults.push(`ferric_checksums: ${url} is no base image of this file`);
  }
  for (const { key, url } of bases) {
    if (!url.startsWith('http:') || (isMapping(checksums) && Object.hasOwn(checksums, url))) continue;
    faults.push(
      `${key}: ${url} comes without protection on its way; name its SHA-256 (ferric_checksums: {"${url}": "sha256:…"}), or take it by https`,
    );
  }
  return faults;
}
