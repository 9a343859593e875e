// Names in an ext2, ext3 or ext4 file system, read without mounting it. Linux: Documentation/filesystems/ext4/.

/** Bytes that the reader needs next, from the start of the file system; an answer may be shorter at its end. */
export type ByteRange = readonly [offset: number, length: number];

/** No file system, a damaged one, or one with a feature that this reader does not support. */
export class UnreadableFileSystem extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'UnreadableFileSystem';
  }
}

type Reading<T> = Generator<ByteRange, T, Uint8Array>;

const ROOT_INODE = 2;
const MAGIC = 0xef53;
const EXTENT_MAGIC = 0xf30a;
const INCOMPAT = { compression: 0x1, journalDevice: 0x8, metaGroups: 0x10, wide: 0x80 } as const;
const FLAG = { encrypted: 0x800, extents: 0x80000, inline: 0x1000_0000 } as const;
const TYPE = { mask: 0xf000, directory: 0x4000, link: 0xa000 } as const;
/** A directory of 4 MiB has some hundred thousand names; a larger tree of links and blocks is an attack. */
const MOST_DIRECTORY = 4 * 2 ** 20;
const MOST_READS = 20_000;
const MOST_LINKS = 16;

interface Geometry {
  blockSize: number;
  inodeSize: number;
  inodesPerGroup: number;
  inodes: number;
  descriptors: number;
  descriptorSize: number;
}

interface Inode {
  mode: number;
  size: number;
  flags: number;
  /** The 60 bytes of i_block. */
  map: DataView;
}

/** Whether these bytes, at least the first 2 KiB, begin an ext2, ext3 or ext4 file system. */
export function isExt(head: Uint8Array): boolean {
  return head.length >= 1082 && viewOf(head).getUint16(1080, true) === MAGIC;
}

/**
 * Which of these absolute paths exist; links are followed inside of the file system.
 * @throws UnreadableFileSystem
 */
export function* findInExt(paths: readonly string[]): Reading<Set<string>> {
  const budget = { reads: MOST_READS };
  const geometry = yield* readGeometry();
  const found = new Set<string>();
  for (const path of paths) {
    if ((yield* lookUp(geometry, path, budget)) !== undefined) found.add(path);
  }
  return found;
}

function* readGeometry(): Reading<Geometry> {
  const bytes = yield [1024, 1024];
  const view = viewOf(bytes);
  if (bytes.length < 1024 || view.getUint16(56, true) !== MAGIC)
    throw new UnreadableFileSystem('it is not ext');
  const incompat = view.getUint32(96, true);
  if (incompat & (INCOMPAT.compression | INCOMPAT.journalDevice | INCOMPAT.metaGroups))
    throw new UnreadableFileSystem('it has features that are not read here');
  const blockSize = 1024 * 2 ** view.getUint32(24, true);
  const inodeSize = view.getUint32(76, true) === 0 ? 128 : view.getUint16(88, true);
  const wide = (incompat & INCOMPAT.wide) !== 0;
  const inodesPerGroup = view.getUint32(40, true);
  if (blockSize > 65_536 || inodesPerGroup === 0 || inodeSize < 128 || inodeSize > blockSize)
    throw new UnreadableFileSystem('its superblock is damaged');
  return {
    blockSize,
    inodeSize,
    inodesPerGroup,
    inodes: view.getUint32(0, true),
    descriptors: (view.getUint32(20, true) + 1) * blockSize,
    descriptorSize: wide ? Math.max(64, view.getUint16(254, true)) : 32,
  };
}

/** @returns the inode's number, undefined if the name does not exist */
function* lookUp(geometry: Geometry, path: string, budget: { reads: number }): Reading<number | undefined> {
  const left = path.split('/').filter(Boolean);
  const way = [ROOT_INODE];
  let links = 0;
  while (left.length > 0) {
    const part = left.shift()!;
    if (part === '.') continue;
    if (part === '..') {
      if (way.length > 1) way.pop();
      continue;
    }
    const directory = yield* readInode(geometry, way.at(-1)!, budget);
    if ((directory.mode & TYPE.mask) !== TYPE.directory) return undefined;
    const number = yield* entryOf(geometry, directory, part, budget);
    if (number === undefined) return undefined;
    const inode = yield* readInode(geometry, number, budget);
    if ((inode.mode & TYPE.mask) !== TYPE.link) {
      way.push(number);
      continue;
    }
    if (++links > MOST_LINKS) throw new UnreadableFileSystem('its links go in circles');
    const target = yield* linkOf(geometry, inode, budget);
    if (target.startsWith('/')) way.length = 1;
    left.unshift(...target.split('/').filter(Boolean));
  }
  return way.at(-1);
}

function* readInode(geometry: Geometry, number: number, budget: { reads: number }): Reading<Inode> {
  const { inodesPerGroup, descriptors, descriptorSize, inodeSize, blockSize, inodes } = geometry;
  if (number < 1 || number > inodes) throw new UnreadableFileSystem('a name leads to no inode');
  const group = Math.floor((number - 1) / inodesPerGroup);
  const descriptor = viewOf(yield* read(descriptors + group * descriptorSize, descriptorSize, budget));
  const high = descriptorSize >= 64 ? descriptor.getUint32(40, true) : 0;
  const table = high * 2 ** 32 + descriptor.getUint32(8, true);
  const at = table * blockSize + ((number - 1) % inodesPerGroup) * inodeSize;
  const view = viewOf(yield* read(at, 128, budget));
  const flags = view.getUint32(32, true);
  if (flags & FLAG.encrypted) throw new UnreadableFileSystem('it is encrypted');
  const mode = view.getUint16(0, true);
  const large = view.getUint32(108, true) * 2 ** 32;
  return {
    mode,
    size: view.getUint32(4, true) + large,
    flags,
    map: new DataView(view.buffer, view.byteOffset + 40, 60),
  };
}

function* entryOf(
  geometry: Geometry,
  directory: Inode,
  name: string,
  budget: { reads: number },
): Reading<number | undefined> {
  if (directory.flags & FLAG.inline)
    throw new UnreadableFileSystem('it keeps small directories in their inodes');
  if (directory.size > MOST_DIRECTORY) throw new UnreadableFileSystem('a directory is too large');
  const count = Math.ceil(directory.size / geometry.blockSize);
  for (let index = 0; index < count; index++) {
    const block = yield* blockOf(geometry, directory, index, budget);
    if (block === 0) continue;
    const bytes = yield* read(block * geometry.blockSize, geometry.blockSize, budget);
    const view = viewOf(bytes);
    // Blocks of a hash tree look like entries without a name: reading them as a list is valid, too.
    for (let at = 0; at + 8 <= bytes.length; ) {
      const length = view.getUint16(at + 4, true);
      if (length < 8 || length % 4 !== 0 || at + length > bytes.length) break;
      const inode = view.getUint32(at, true);
      if (inode !== 0 && textOf(bytes, at + 8, view.getUint8(at + 6)) === name) return inode;
      at += length;
    }
  }
  return undefined;
}

function* linkOf(geometry: Geometry, inode: Inode, budget: { reads: number }): Reading<string> {
  const { size, map } = inode;
  if (size < 60) return textOf(new Uint8Array(map.buffer, map.byteOffset, 60), 0, size);
  const block = yield* blockOf(geometry, inode, 0, budget);
  return textOf(yield* read(block * geometry.blockSize, geometry.blockSize, budget), 0, size);
}

/** The block number on the disk of a file's block; 0: a hole. */
function* blockOf(
  geometry: Geometry,
  inode: Inode,
  index: number,
  budget: { reads: number },
): Reading<number> {
  if (inode.flags & FLAG.extents) return yield* extentBlock(geometry, inode.map, index, budget);
  const { map } = inode;
  if (index < 12) return map.getUint32(4 * index, true);
  const perBlock = geometry.blockSize / 4;
  let rest = index - 12;
  // Single and double indirection cover more than any directory that is read here.
  for (const [slot, depth] of [
    [12, 1],
    [13, 2],
  ] as const) {
    const span = perBlock ** depth;
    if (rest >= span) {
      rest -= span;
      continue;
    }
    let block = map.getUint32(4 * slot, true);
    for (let level = depth - 1; level >= 0 && block !== 0; level--) {
      const at = Math.floor(rest / perBlock ** level) % perBlock;
      block = viewOf(yield* read(block * geometry.blockSize + 4 * at, 4, budget)).getUint32(0, true);
    }
    return block;
  }
  throw new UnreadableFileSystem('a directory is too large');
}

function* extentBlock(
  geometry: Geometry,
  top: DataView,
  index: number,
  budget: { reads: number },
): Reading<number> {
  let node = top;
  for (let turn = 0; turn <= 5; turn++) {
    const entries = node.getUint16(2, true);
    if (node.getUint16(0, true) !== EXTENT_MAGIC || 12 + 12 * entries > node.byteLength)
      throw new UnreadableFileSystem('an extent tree is damaged');
    const depth = node.getUint16(6, true);
    let next: number | undefined;
    for (let at = 12; at < 12 + 12 * entries; at += 12) {
      const first = node.getUint32(at, true);
      if (first > index) break;
      if (depth > 0) {
        next = node.getUint16(at + 8, true) * 2 ** 32 + node.getUint32(at + 4, true);
        continue;
      }
      const length = node.getUint16(at + 4, true);
      if (length > 32_768) continue; // allocated, never written
      if (index < first + length)
        return node.getUint16(at + 6, true) * 2 ** 32 + node.getUint32(at + 8, true) + (index - first);
    }
    if (depth === 0 || next === undefined) return 0;
    node = viewOf(yield* read(next * geometry.blockSize, geometry.blockSize, budget));
  }
  throw new UnreadableFileSystem('an extent tree is too deep');
}

function* read(offset: number, length: number, budget: { reads: number }): Reading<Uint8Array> {
  if (--budget.reads < 0) throw new UnreadableFileSystem('it leads too far');
  const bytes = yield [offset, length];
  if (bytes.length < length) throw new UnreadableFileSystem('it ends before what it refers to');
  return bytes;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function textOf(bytes: Uint8Array, start: number, length: number): string {
  let text = '';
  for (let i = start; i < start + length && i < bytes.length; i++) text += String.fromCharCode(bytes[i]!);
  return text;
}
