import type { Content } from './content.js';

export interface TreeFile {
  /** From the root, as given. */
  path: string;
  name: string;
  /** The name in ISO 9660 without extensions, such as `META_DATA.JSON;1`. */
  plainName: string;
  content: Content;
}

export interface TreeDirectory {
  name: string;
  plainName: string;
  parent: TreeDirectory | undefined;
  /** Sorted by plain name, as ECMA-119 §9.3 requires. */
  entries: (TreeDirectory | TreeFile)[];
}

/** Joliet's limit; Rock Ridge would allow a little more. */
const MAX_NAME = 64;
const MAX_DEPTH = 8;
/** The limit of the path table's 16-bit numbers (ECMA-119 §9.4.4). */
const MOST_DIRECTORIES = 0xffff;

/**
 * @returns folders in path table order (the root first, then by depth, parent and name), files in the order of theirs
 * @throws RangeError for a path with empty, dotted, too long or too deep parts, or a file that is also a folder
 */
export function layOutTree(files: ReadonlyMap<string, Content>): {
  directories: TreeDirectory[];
  files: TreeFile[];
} {
  const root: TreeDirectory = { name: '', plainName: '', parent: undefined, entries: [] };
  for (const [path, content] of files) insert(root, path, content);
  const directories: TreeDirectory[] = [root];
  const leaves: TreeFile[] = [];
  // Grows during the iteration: breadth first.
  for (const directory of directories) {
    namePlainly(directory);
    for (const entry of directory.entries) {
      if ('content' in entry) leaves.push(entry);
      else directories.push(entry);
    }
  }
  if (directories.length > MOST_DIRECTORIES) throw new RangeError(`more than ${MOST_DIRECTORIES} folders`);
  return { directories, files: leaves };
}

function insert(root: TreeDirectory, path: string, content: Content): void {
  const parts = path.split('/');
  if (parts.length > MAX_DEPTH - 1) throw new RangeError(`${path}: more than ${MAX_DEPTH - 1} folders deep`);
  for (const part of parts) {
    if (!isName(part)) {
      throw new RangeError(`${path}: ${JSON.stringify(part)} is no name for a file`);
    }
  }
  let directory = root;
  for (const name of parts.slice(0, -1)) {
    let child = directory.entries.find((entry) => entry.name === name);
    if (!child) {
      child = { name, plainName: '', parent: directory, entries: [] };
      directory.entries.push(child);
    }
    if ('content' in child) throw new RangeError(`${path}: ${name} is a file already`);
    directory = child;
  }
  const name = parts.at(-1)!;
  if (directory.entries.some((entry) => entry.name === name))
    throw new RangeError(`${path}: is there already`);
  directory.entries.push({ path, name, plainName: '', content });
}

/** Lone surrogates are no characters, and have no UTF-8 encoding. */
function isName(part: string): boolean {
  if (part === '' || part === '.' || part === '..' || part.length > MAX_NAME) return false;
  return !/[\x00-\x1f\x7f*:;?\\]|\p{Surrogate}/u.test(part);
}

/** Level 2 identifiers: upper case, digits and `_`, at most 30 characters, made unique by a number. */
function namePlainly(directory: TreeDirectory): void {
  const taken = new Set<string>();
  for (const entry of directory.entries) {
    const file = 'content' in entry;
    const dot = file ? entry.name.lastIndexOf('.') : -1;
    const stem = letters(dot > 0 ? entry.name.slice(0, dot) : entry.name);
    const extension = dot > 0 ? letters(entry.name.slice(dot + 1)).slice(0, 8) : '';
    for (let count = 0; ; count++) {
      const mark = count === 0 ? '' : `_${count}`;
      const room = 29 - extension.length - mark.length;
      const name = `${stem.slice(0, room)}${mark}${file ? `.${extension};1` : ''}`;
      if (taken.has(name)) continue;
      taken.add(name);
      entry.plainName = name;
      break;
    }
  }
  directory.entries.sort((a, b) => (a.plainName < b.plainName ? -1 : 1));
}

function letters(text: string): string {
  return text.toUpperCase().replace(/[^A-Z0-9_]/g, '_') || '_';
}
