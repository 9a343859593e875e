// Finds the checksum of one image in a checksum file.
import { InvalidError } from '../errors.js';
import { type Checksum, type ChecksumRules, parseValue } from './checksum.js';
import { type ChecksumLine, parseChecksumLine } from './checksum-line.js';
import { algorithmName, algorithmOfFile } from './digest-algorithm.js';

const FIELD = 'image_checksum';
const STANDARD_INPUT = ['-', 'stdin'];
const LONE_HASH = /^(?:[A-Za-z0-9_/-]+ ?[:=] ?)?[0-9a-fA-F]{32,}$/;
/** `# SHA512 HASH` of Gentoo's DIGESTS, `[SHA256]`, `SHA-256 checksums:`, `== BLAKE2b ==`. */
const HEADING =
  /^[#=[*\s-]*([A-Za-z][A-Za-z0-9_/-]{1,15}?)(?:[\s_-]?(?:hash(?:es)?|(?:check)?sums?|digests?))?[\]=:*\s-]*$/i;
const OTHER_ALGORITHM =
  /^(?:whirlpool|tiger|streebog|skein|haval|gost|crc|blake|shake)[\w/-]*$|^(?:sha|md|sm|b|rmd|ripemd|xxh)[-_]?\d/i;
/** certutil's heading, before a line with the hash alone. */
const NAMED_HEADING = /^([A-Za-z0-9_/-]+) hash of (?:file )?(.+):$/i;

interface Entry extends ChecksumLine {
  /** How well the entry's name matches the image's. */
  rank: number;
}

/**
 * Reads one bare hash, or lines of `parseChecksumLine`; with `#` comments, sections with a heading, and PGP signatures.
 * The algorithm follows from the line or its section, else from the checksum file's name, else from the length. Of
 * several algorithms the longest hash is taken; of several files with the image's name the one whose folders match its
 * URL.
 * @param image URL, path or name of the image
 * @param file URL of the checksum file
 * @throws InvalidError when it lists none, or two that differ
 */
export function parseChecksumFile(text: string, image: string, rules: ChecksumRules, file = ''): Checksum {
  const lines = bodyOf(text);
  const only = lines.filter((line) => !line.startsWith('#'));
  const fileAlgorithm = algorithmOfFile(foldersOf(file).at(-1) ?? '');
  if (only.length === 1 && isNameless(only[0]!))
    return parseValue(only[0], undefined, FIELD, rules, fileAlgorithm);
  const wanted = foldersOf(image);
  const entries = entriesOf(lines).map((entry) => ({ ...entry, rank: rankOf(entry.name, wanted, file) }));
  const best = Math.max(0, ...entries.map(({ rank }) => rank));
  const name = wanted.at(-1) ?? '';
  if (best === 0) throw new InvalidError(`${FIELD}: the checksum file does not list ${name}.`);
  return choose(
    entries.filter(({ rank }) => rank === best),
    { name, fileAlgorithm, rules },
  );
}

function choose(
  entries: readonly Entry[],
  from: { name: string; fileAlgorithm: string | undefined; rules: ChecksumRules },
): Checksum {
  const found: Checksum[] = [];
  let refused: InvalidError | undefined;
  for (const { algorithm, hash } of entries) {
    try {
      found.push(parseValue(hash, algorithm, FIELD, from.rules, from.fileAlgorithm));
    } catch (error) {
      if (!(error instanceof InvalidError)) throw error;
      refused = error; // an algorithm that is not allowed; another line may have another
    }
  }
  found.sort((a, b) => b.value.length - a.value.length);
  const [best] = found;
  if (!best) throw refused!;
  if (found.some((other) => other.algorithm === best.algorithm && other.value !== best.value))
    throw new InvalidError(
      `${FIELD}: the checksum file lists ${from.name} twice, with different checksums, and the image's URL does not tell which.`,
    );
  return best;
}

/** The signed text, without the PGP armor around it (RFC 9580 §7). */
function bodyOf(text: string): string[] {
  let lines = text.split(/\r\n|\r|\n/).map((line) => line.trim());
  const begin = lines.indexOf('-----BEGIN PGP SIGNED MESSAGE-----');
  if (begin !== -1) {
    const blank = lines.indexOf('', begin);
    lines = lines.slice((blank === -1 ? begin : blank) + 1).map((line) => line.replace(/^- /, ''));
    const end = lines.indexOf('-----BEGIN PGP SIGNATURE-----');
    if (end !== -1) lines = lines.slice(0, end);
  }
  return lines.filter((line) => line !== '');
}

function isNameless(line: string): boolean {
  if (!/\s/.test(line) || LONE_HASH.test(line)) return true;
  const entry = parseChecksumLine(line);
  return entry !== undefined && STANDARD_INPUT.includes(entry.name);
}

function entriesOf(lines: readonly string[]): ChecksumLine[] {
  const entries: ChecksumLine[] = [];
  let section: string | undefined;
  let named: { algorithm: string; name: string } | undefined;
  for (const line of lines) {
    const entry = parseChecksumLine(line);
    if (entry && !line.startsWith('#')) {
      entries.push({ ...entry, algorithm: entry.algorithm ?? section });
    } else if (named && /^(?:[0-9a-f]{2} ?){16,}$/i.test(line)) {
      entries.push({ ...named, hash: line.replaceAll(' ', '') });
    }
    const [, algorithm, name] = NAMED_HEADING.exec(line) ?? [];
    named = algorithm === undefined ? undefined : { algorithm, name: name! };
    section = sectionOf(line) ?? section;
  }
  return entries;
}

/** An unknown algorithm starts a section, too: its entries must not be taken for another algorithm's. */
function sectionOf(line: string): string | undefined {
  const word = HEADING.exec(line)?.[1];
  if (word === undefined) return undefined;
  return algorithmName(word) !== undefined || OTHER_ALGORITHM.test(word) ? word : undefined;
}

/** 0: another file. More: its folders match better; most when name and checksum file's folder give the image's URL. */
function rankOf(name: string, wanted: readonly string[], file: string): number {
  if (wanted.length === 0) return 0;
  const listed = name
    .split(/[/\\]/)
    .filter((folder, at, all) => folder !== '' && (folder !== '.' || at === all.length - 1));
  let fitting = 0;
  while (
    fitting < Math.min(listed.length, wanted.length) &&
    listed.at(-1 - fitting) === wanted.at(-1 - fitting)
  )
    fitting++;
  if (fitting === 0) return 0;
  const beside = [...foldersOf(file).slice(0, -1), ...listed];
  if (beside.length === wanted.length && beside.every((folder, at) => folder === wanted[at])) return 3000;
  return fitting + (fitting === listed.length ? 1000 : 0);
}

/** Folders and name of a URL, a path or a bare name; a URL's are percent-decoded. */
function foldersOf(place: string): string[] {
  const isUrl = /^[a-z][a-z0-9+.-]*:\/\//i.test(place) && URL.canParse(place);
  const folders = (isUrl ? new URL(place).pathname : place).split('/').filter((folder) => folder !== '');
  return isUrl ? folders.map(decoded) : folders;
}

function decoded(folder: string): string {
  try {
    return decodeURIComponent(folder);
  } catch {
    return folder; // a stray percent sign is part of the name
  }
}
