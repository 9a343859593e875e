import { bothEndian16, bothEndian32, joinBytes, padded, textBytes, ucs2Bytes } from './bytes.js';
import { type Piece, sizeOf } from './content.js';
import type { TreeDirectory, TreeFile } from './tree.js';

/** Bytes of a logical sector (ECMA-119 §6.1.2). */
export const SECTOR = 2048;

export type VolumeKind = 'plain' | 'joliet';

/** One of the two trees over the same files. */
export class Volume {
  pathTableSize = 0;
  littlePathTable = 0;
  bigPathTable = 0;
  private readonly extent = new Map<TreeDirectory, { sector: number; size: number }>();

  constructor(
    readonly kind: VolumeKind,
    private readonly directories: readonly TreeDirectory[],
    private readonly time: number,
  ) {}

  /** @returns the sector after this volume's tables and folders */
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

  /** Its path tables and folders. */
  pieces(place: ReadonlyMap<TreeFile, number>): Piece[] {
    return [
      { at: this.littlePathTable * SECTOR, content: this.pathTable(false) },
      { at: this.bigPathTable * SECTOR, content: this.pathTable(true) },
      ...this.directories.map((directory) => ({
        at: this.extent.get(directory)!.sector * SECTOR,
        content: this.folder(directory, (file) => place.get(file)!),
      })),
    ];
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

  /** ECMA-119 §9.4: folders ordered by depth, each with the number of its parent. */
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

  /** §6.8.1: records do not cross sectors, and a folder fills whole sectors. */
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
          'content' in entry ? { sector: place(entry), size: sizeOf(entry.content) } : this.at(entry);
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
