// One line of a checksum file, in the formats of common programs.
import { algorithmName, digestBytes } from './digest-algorithm.js';

export interface ChecksumLine {
  /** As spelled in the line. */
  algorithm: string | undefined;
  /** Hex. */
  hash: string;
  /** Name of the file, with its folders. */
  name: string;
}

const HEX = '[0-9a-fA-F]{32,}';
/** `SHA256 (name) = hash` of BSD and `--tag`, `SHA2-256(name)= hash` of OpenSSL; also base64, as cksum(1) prints it. */
const TAGGED = /^\\?([A-Za-z0-9_/-]+) ?\((.+)\) ?= ?([0-9a-zA-Z+/]+=*)$/;
/** `hash  name`, `hash *name`, also with the algorithm first: `sha256:hash name`. */
const LISTED = new RegExp(`^\\\\?(?:([A-Za-z0-9_/-]+):)?(${HEX})(?: [ *]?|\\s+\\*?)(\\S.*)$`);
/** A row of PowerShell's Get-FileHash. */
const TABLED = new RegExp(`^([A-Za-z0-9]+)\\s+(${HEX})\\s+(\\S.*)$`);

/** @returns undefined for a line in another format, including a bare hash */
export function parseChecksumLine(line: string): ChecksumLine | undefined {
  const tagged = TAGGED.exec(line);
  if (tagged) {
    const [, algorithm, name, digest] = tagged;
    return { algorithm, name: named(name!, line), hash: hexOf(digest!, algorithm!) };
  }
  const [, algorithm, hash, name] = LISTED.exec(line) ?? TABLED.exec(line) ?? [];
  return hash === undefined ? undefined : { algorithm, hash, name: named(name!.trim(), line) };
}

function named(name: string, line: string): string {
  // A backslash at the start of the line: `\\` and `\n` in the name are escapes (coreutils).
  if (!line.startsWith('\\')) return name;
  return name.replaceAll(/\\(.)/g, (_escape, letter: string) =>
    letter === 'n' ? '\n' : letter === 'r' ? '\r' : letter,
  );
}

function hexOf(digest: string, algorithm: string): string {
  const bytes = digestBytes(algorithmName(algorithm) ?? '');
  if (bytes === undefined || digest.length !== 4 * Math.ceil(bytes / 3)) return digest;
  return [...atob(digest)].map((letter) => letter.charCodeAt(0).toString(16).padStart(2, '0')).join('');
}
