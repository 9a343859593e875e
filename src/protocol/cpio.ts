/** Writer of "newc" cpio archives, as the kernel unpacks them (Documentation/driver-api/early-userspace/buffer-format). */

export type CpioEntry =
  | { path: string; kind: 'directory'; mode?: number }
  | { path: string; kind: 'file'; mode: number; content: Uint8Array }
  | { path: string; kind: 'symlink'; target: string }
  | { path: string; kind: 'character'; mode: number; major: number; minor: number };

const TYPE = { directory: 0o040000, file: 0o100000, symlink: 0o120000, character: 0o020000 } as const;

/**
 * Owner root, time 0 and sorted paths: equal content gives equal bytes. Parent directories are added.
 * @param entries paths without a leading slash; of equal paths the last is used
 */
export function* cpioArchive(entries: Iterable<CpioEntry>): Generator<Uint8Array> {
  const byPath = new Map<string, CpioEntry>();
  for (const entry of entries) byPath.set(entry.path, entry);
  for (const path of [...byPath.keys()]) {
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      const parent = path.slice(0, slash);
      if (!byPath.has(parent)) byPath.set(parent, { path: parent, kind: 'directory' });
    }
  }
  let inode = 1;
  // A directory sorts before its content, since its path is a prefix.
  for (const [path, entry] of [...byPath].sort(([one], [other]) => (one < other ? -1 : 1))) {
    const content =
      entry.kind === 'file'
        ? entry.content
        : entry.kind === 'symlink'
          ? bytesOf(entry.target)
          : new Uint8Array();
    const mode = entry.kind === 'symlink' ? 0o777 : (entry.mode ?? 0o755);
    const device = entry.kind === 'character' ? { major: entry.major, minor: entry.minor } : undefined;
    yield header(path, inode++, TYPE[entry.kind] | mode, content.length, device);
    if (content.length > 0) {
      yield content;
      yield padding(content.length);
    }
  }
  yield header('TRAILER!!!', 0, 0, 0);
}

function header(
  path: string,
  inode: number,
  mode: number,
  size: number,
  device?: { major: number; minor: number },
): Uint8Array {
  const name = bytesOf(`${path}\0`);
  const fields = [
    inode,
    mode,
    0, // uid
    0, // gid
    (mode & 0o170000) === TYPE.directory ? 2 : 1,
    0, // mtime
    size,
    0,
    0, // device of the file system
    device?.major ?? 0,
    device?.minor ?? 0,
    name.length,
    0, // checksum, unused in newc
  ];
  const text = bytesOf(`070701${fields.map((n) => n.toString(16).toUpperCase().padStart(8, '0')).join('')}`);
  return Uint8Array.of(...text, ...name, ...padding(text.length + name.length));
}

function padding(length: number): Uint8Array {
  return new Uint8Array((4 - (length % 4)) % 4);
}

const bytesOf = (text: string) => new TextEncoder().encode(text);
