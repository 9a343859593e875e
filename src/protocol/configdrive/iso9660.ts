// Writes ISO 9660 volumes (ECMA-119) with Rock Ridge names for Unix (RRIP 1.09 on SUSP) and Joliet names for
// Windows: both show files as they were named, where plain ISO 9660 shows upper case.

import { bothEndian16, bothEndian32, joinBytes, padded, textBytes, ucs2Bytes } from './iso-bytes.js';
import { layOutTree, type TreeDirectory, type TreeFile } from './iso-tree.js';

export interface IsoOptions {
  /** Up to 32 characters; Linux shows it as the label of the file system. */
  label: string;
  publisher?: string;
  /** Milliseconds since 1970, for the volume and every file. */
  time: number;
}

const SECTOR = 2048;
const FIRST_DESCRIPTOR = 16;
const JOLIET_LEVEL_3 = [0x25, 0x2f, 0x45];

/**
 * @param files by path, such as `openstack/latest/meta_data.json`; folders come by themselves
 * @throws RangeError for a path that cannot be written
 */
export function buildIso9660(files: ReadonlyMap<string, Uint8Array>, options: IsoOptions): Uint8Array {
  if (options.label.length > 32) throw new RangeError(`a volume label has at most 32 characters`);
  const { directories, files: leaves } = layOutTree(files);
  const plain = new Volume('plain', directories, options.time);
  const joliet = new Volume('joliet', directories, options.time);

  // Sectors: system area, two descriptors and the end mark, path tables, folders, then the files, shared by both.
  let next = FIRST_DESCRIPTOR + 3;
  for (const volume of [plain, joliet]) next = volume.place(next);
  const place = new Map<TreeFile, number>();
  for (const leaf of leaves) {
    place.set(leaf, leaf.content.length === 0 ? 0 : next);
    next += Math.ceil(leaf.content.length / SECTOR);
  }
  const image = new Uint8Array(next * SECTOR);
  image.set(descriptor(1, plain, next, options), FIRST_DESCRIPTOR * SECTOR);
  image.set(descriptor(2, joliet, next, options), (FIRST_DESCRIPTOR + 1) * SECTOR);
  image.set([255, ...textBytes('CD001'), 1], (FIRST_DESCRIPTOR + 2) * SECTOR);
  for (const volume of [plain, joliet]) volume.write(image, place);
  for (const leaf of leaves) image.set(leaf.content, place.get(leaf)! * SECTOR);
  return image;
}

type Kind = 'plain' | 'joliet';

/** One of the two trees over the same files. */
class Volume {
  pathTableSize = 0;
  littlePathTable = 0;
  bigPathTable = 0;
  private readonly extent = new Map<TreeDirectory, { sector: number; size: number }>();

  constructor(
    readonly kind: Kind,
    private readonly directories: readonly TreeDirectory[],
    private readonly time: number,
  ) {}

  /** @returns the sector behind this volume's tables and folders */
  place(first: number): number {
    this.pathTableSize = this.pathTable(false).length;
    const sectors = Math.ceil(this.pathTableSize / SECTOR);
    this.littlePathTable = first;
    this.bigPathTable = first + sectors;
    let next = first + 2 * sectors;
    for (const directory of this.directories) {
      const size = this.folder(directory, () => 0).length;
      this.extent.set(directory, { sector: next, size });
      next += size / SECTOR;
    }
    return next;
  }

  write(image: Uint8Array, place: ReadonlyMap<TreeFile, number>): void {
    image.set(this.pathTable(false), this.littlePathTable * SECTOR);
    image.set(this.pathTable(true), this.bigPathTable * SECTOR);
    for (const directory of this.directories) {
      image.set(
        this.folder(directory, (file) => place.get(file)!),
        this.extent.get(directory)!.sector * SECTOR,
      );
    }
  }

  rootRecord(): Uint8Array {
    return this.record(Uint8Array.of(0), this.at(this.directories[0]!), true, new Uint8Array(0));
  }

  private at(directory: TreeDirectory): { sector: number; size: number } {
    return this.extent.get(directory) ?? { sector: 0, size: 0 };
  }

  private name(entry: TreeDirectory | TreeFile): Uint8Array {
    if (this.kind === 'plain') return textBytes(entry.plainName);
    return ucs2Bytes('content' in entry ? `${entry.name};1` : entry.name);
  }

  /** ECMA-119 §9.4: folders in the order of their depth, each naming the number of the one it is in. */
  private pathTable(big: boolean): Uint8Array {
    const number = new Map(this.directories.map((directory, index) => [directory, index + 1]));
    return joinBytes(
      this.directories.map((directory) => {
        const name = directory.parent ? this.name(directory) : Uint8Array.of(0);
        const bytes = new Uint8Array(8 + name.length + (name.length % 2));
        const view = new DataView(bytes.buffer);
        bytes[0] = name.length;
        view.setUint32(2, this.at(directory).sector, !big);
        view.setUint16(6, number.get(directory.parent ?? directory)!, !big);
        bytes.set(name, 8);
        return bytes;
      }),
    );
  }

  /** §6.8.1: records do not cross sectors, and a folder fills whole ones. */
  private folder(directory: TreeDirectory, place: (file: TreeFile) => number): Uint8Array {
    const parent = directory.parent ?? directory;
    const records = [
      this.record(
        Uint8Array.of(0),
        this.at(directory),
        true,
        this.rockRidge(directory, directory.parent === undefined),
      ),
      this.record(Uint8Array.of(1), this.at(parent), true, this.rockRidge(parent, false)),
      ...directory.entries.map((entry) => {
        const target =
          'content' in entry ? { sector: place(entry), size: entry.content.length } : this.at(entry);
        return this.record(
          this.name(entry),
          target,
          !('content' in entry),
          this.rockRidge(entry, false, entry.name),
        );
      }),
    ];
    const sectors: Uint8Array[][] = [[]];
    let used = 0;
    for (const record of records) {
      if (used + record.length > SECTOR) {
        sectors.push([]);
        used = 0;
      }
      sectors.at(-1)!.push(record);
      used += record.length;
    }
    return joinBytes(sectors.map((sector) => padded(joinBytes(sector), SECTOR)));
  }

  /** §9.1 */
  private record(
    name: Uint8Array,
    target: { sector: number; size: number },
    directory: boolean,
    systemUse: Uint8Array,
  ): Uint8Array {
    const base = 33 + name.length + ((name.length + 1) % 2);
    const length = base + systemUse.length + (systemUse.length % 2);
    if (length > 255) throw new RangeError('a file name is too long for an ISO 9660 volume');
    const bytes = new Uint8Array(length);
    bytes[0] = length;
    bytes.set(bothEndian32(target.sector), 2);
    bytes.set(bothEndian32(target.size), 10);
    bytes.set(shortTime(this.time), 18);
    bytes[25] = directory ? 2 : 0;
    bytes.set(bothEndian16(1), 28); // volume sequence number
    bytes[32] = name.length;
    bytes.set(name, 33);
    bytes.set(systemUse, base);
    return bytes;
  }

  /** SUSP entries: SP and ER open the root folder and name the extension, PX is the mode, NM the real name. */
  private rockRidge(entry: TreeDirectory | TreeFile, root: boolean, name?: string): Uint8Array {
    if (this.kind === 'joliet') return new Uint8Array(0);
    const directory = !('content' in entry);
    const links = directory ? 2 + entry.entries.filter((child) => !('content' in child)).length : 1;
    const parts: Uint8Array[] = [];
    if (root) parts.push(Uint8Array.of(...textBytes('SP'), 7, 1, 0xbe, 0xef, 0));
    parts.push(
      joinBytes([
        Uint8Array.of(...textBytes('PX'), 36, 1),
        bothEndian32(directory ? 0o040555 : 0o100444),
        bothEndian32(links),
        bothEndian32(0), // root owns everything
        bothEndian32(0),
      ]),
    );
    if (name !== undefined) {
      const bytes = new TextEncoder().encode(name);
      parts.push(Uint8Array.of(...textBytes('NM'), 5 + bytes.length, 1, 0, ...bytes));
    }
    if (root) {
      const id = textBytes('RRIP_1991A');
      parts.push(Uint8Array.of(...textBytes('ER'), 8 + id.length, 1, id.length, 0, 0, 1, ...id));
    }
    return joinBytes(parts);
  }
}

/** §8.4 and §8.5: both descriptors have the same layout; the second names its character set. */
function descriptor(type: 1 | 2, volume: Volume, sectors: number, options: IsoOptions): Uint8Array {
  const bytes = new Uint8Array(SECTOR);
  const view = new DataView(bytes.buffer);
  const text = (value: string, at: number, length: number) => {
    const blank =
      volume.kind === 'joliet' ? ucs2Bytes(' '.repeat(length / 2)) : textBytes(' '.repeat(length));
    const content = volume.kind === 'joliet' ? ucs2Bytes(value) : textBytes(value);
    bytes.set(blank, at);
    bytes.set(content.subarray(0, length & ~(volume.kind === 'joliet' ? 1 : 0)), at);
  };
  bytes.set([type, ...textBytes('CD001'), 1]);
  text('LINUX', 8, 32);
  text(options.label, 40, 32);
  bytes.set(bothEndian32(sectors), 80);
  if (volume.kind === 'joliet') bytes.set(JOLIET_LEVEL_3, 88);
  bytes.set(bothEndian16(1), 120); // one volume in the set
  bytes.set(bothEndian16(1), 124);
  bytes.set(bothEndian16(SECTOR), 128);
  bytes.set(bothEndian32(volume.pathTableSize), 132);
  view.setUint32(140, volume.littlePathTable, true);
  view.setUint32(148, volume.bigPathTable, false);
  bytes.set(volume.rootRecord(), 156);
  for (const [at, length, value] of [
    [190, 128, ''],
    [318, 128, options.publisher ?? ''],
    [446, 128, ''],
    [574, 128, ''],
    [702, 36, ''], // copyright, abstract and bibliography files; 37 bytes each, of which UCS-2 fills 36
    [739, 36, ''],
    [776, 36, ''],
  ] as const) {
    text(value, at, length);
  }
  if (volume.kind === 'plain') for (const at of [738, 775, 812]) bytes[at] = 0x20;
  const time = longTime(options.time);
  bytes.set(time, 813);
  bytes.set(time, 830);
  bytes.set(longTime(undefined), 847); // does not expire
  bytes.set(time, 864);
  bytes[881] = 1;
  return bytes;
}

/** §9.1.5, in UTC. */
function shortTime(ms: number): Uint8Array {
  const date = new Date(ms);
  return Uint8Array.of(
    date.getUTCFullYear() - 1900,
    date.getUTCMonth() + 1,
    date.getUTCDate(),
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds(),
    0,
  );
}

/** §8.4.26.1: sixteen digits and an offset; all zeros mean no time. */
function longTime(ms: number | undefined): Uint8Array {
  if (ms === undefined) return Uint8Array.of(...textBytes('0'.repeat(16)), 0);
  const digits = new Date(ms).toISOString().replace(/\D/g, '').slice(0, 16);
  return Uint8Array.of(...textBytes(digits), 0);
}
