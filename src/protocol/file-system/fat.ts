// Writes FAT volumes with long names: Microsoft, "FAT: General Overview of On-Disk Format", 1.03.

export interface FatOptions {
  /** Up to 11 characters, kept as they are: readers of config drives look for lower case too. */
  label: string;
  /** Bytes of a logical sector of the disk: 512 to 4096. */
  sector: number;
  /** Milliseconds since 1970, for every file. */
  time: number;
}

interface Entry {
  name: string;
  content: Uint8Array | Entry[];
  /** First cluster; 0 for an empty file. */
  cluster: number;
}

const RECORD = 32;
const ROOT_RECORDS = 512;
const MIB = 2 ** 20;
/** The number of clusters alone decides a volume's FAT type ("FAT Type Determination"). */
const MOST_FAT12 = 4084;
const MOST_FAT16 = 65_524;
const DIRECTORY = 0x10;
const VOLUME_LABEL = 0x08;
const LONG_NAME = 0x0f;
const CHARACTERS_PER_RECORD = 13;

/**
 * @param files by path; folders are created as needed
 * @returns a volume of whole MiB
 * @throws RangeError for names that FAT does not allow, or cannot distinguish
 */
export function buildFat(files: ReadonlyMap<string, Uint8Array>, options: FatOptions): Uint8Array {
  const { sector, label } = options;
  if (label.length > 11) throw new RangeError('a volume label has at most 11 characters');
  const root = treeOf(files);
  const clusters = placeAll(root, sector);
  // One sector a cluster: config drives are small files.
  const table = (count: number) => Math.ceil(((count + 2) * (count > MOST_FAT12 ? 2 : 1.5)) / sector);
  const rootSectors = (ROOT_RECORDS * RECORD) / sector;
  const before = (count: number) => 1 + 2 * table(count) + rootSectors;
  const size = Math.ceil(((before(clusters) + clusters) * sector + 1) / MIB) * MIB;
  const sectors = size / sector;
  let count = sectors - rootSectors - 1;
  while (before(count) + count > sectors) count--;
  if (count > MOST_FAT16) throw new RangeError(`the volume has ${count} clusters, more than FAT16 can count`);
  const bits = count > MOST_FAT12 ? 16 : 12;
  const image = new Uint8Array(size);
  image.set(bootSector(sectors, table(count), bits, options));
  const volume = new Volume(image, sector, before(count) * sector, bits);
  volume.mark(0, bits === 16 ? 0xfff8 : 0xff8);
  volume.mark(1, bits === 16 ? 0xffff : 0xfff);
  const rootAt = (1 + 2 * table(count)) * sector;
  const records = [
    record(padded(label, 11), VOLUME_LABEL, 0, 0, options.time),
    ...folder(root, options.time),
  ];
  if (records.length > ROOT_RECORDS) throw new RangeError('the root folder has too many files');
  image.set(joined(records), rootAt);
  writeAll(root, 0, volume, options.time);
  image.copyWithin((1 + table(count)) * sector, sector, (1 + table(count)) * sector);
  return image;
}

class Volume {
  constructor(
    private readonly image: Uint8Array,
    private readonly sector: number,
    private readonly dataAt: number,
    private readonly bits: 12 | 16,
  ) {}

  /** Sets an entry of the first table. */
  mark(cluster: number, value: number): void {
    const { image, sector } = this;
    if (this.bits === 16) {
      image.set([value & 0xff, value >> 8], sector + 2 * cluster);
      return;
    }
    const at = sector + Math.floor(cluster * 1.5);
    if (cluster % 2 === 0) {
      image[at] = value & 0xff;
      image[at + 1] = (image[at + 1]! & 0xf0) | (value >> 8);
    } else {
      image[at] = (image[at]! & 0x0f) | ((value & 0xf) << 4);
      image[at + 1] = value >> 4;
    }
  }

  /** Writes content into a chain of consecutive clusters. */
  put(first: number, bytes: Uint8Array): void {
    const count = Math.ceil(bytes.length / this.sector);
    this.image.set(bytes, this.dataAt + (first - 2) * this.sector);
    for (let i = 0; i < count; i++)
      this.mark(first + i, i === count - 1 ? 0xffff >> (16 - this.bits) : first + i + 1);
  }
}

function treeOf(files: ReadonlyMap<string, Uint8Array>): Entry[] {
  const root: Entry[] = [];
  for (const [path, content] of files) {
    const parts = path.split('/');
    const name = parts.pop()!;
    let folder = root;
    for (const part of parts) {
      let below = folder.find((entry) => entry.name === part);
      if (!below) {
        below = { name: checked(part, folder), content: [], cluster: 0 };
        folder.push(below);
      }
      if (!Array.isArray(below.content)) throw new RangeError(`${part} is a file and a folder`);
      folder = below.content;
    }
    folder.push({ name: checked(name, folder), content, cluster: 0 });
  }
  return root;
}

function checked(name: string, folder: readonly Entry[]): string {
  if (name === '' || name.length > 255 || /[\x00-\x1f"*/:<>?\\|]/.test(name) || /[. ]$/.test(name))
    throw new RangeError(`FAT has no file of the name ${JSON.stringify(name)}`);
  if (folder.some((entry) => entry.name.toLowerCase() === name.toLowerCase()))
    throw new RangeError(`FAT cannot tell two files of the name ${JSON.stringify(name)} apart`);
  return name;
}

/** Assigns clusters to every file and folder. @returns the number of clusters */
function placeAll(root: readonly Entry[], sector: number): number {
  let next = 2;
  const place = (entries: readonly Entry[]) => {
    for (const entry of entries) {
      const { content } = entry;
      const bytes = Array.isArray(content)
        ? (2 + folder(content, 0).length) * RECORD // "." and ".."
        : content.length;
      if (bytes === 0) continue;
      entry.cluster = next;
      next += Math.ceil(bytes / sector);
    }
    for (const { content } of entries) if (Array.isArray(content)) place(content);
  };
  place(root);
  return next - 2;
}

function writeAll(entries: readonly Entry[], parent: number, volume: Volume, time: number): void {
  for (const { content, cluster } of entries) {
    if (cluster === 0) continue;
    if (!Array.isArray(content)) {
      volume.put(cluster, content);
      continue;
    }
    const own = record(padded('.', 11), DIRECTORY, cluster, 0, time);
    const above = record(padded('..', 11), DIRECTORY, parent, 0, time);
    volume.put(cluster, joined([own, above, ...folder(content, time)]));
    writeAll(content, cluster, volume, time);
  }
}

/** The records of a folder: each file's long name, last part first, then its short name. */
function folder(entries: readonly Entry[], time: number): Uint8Array[] {
  return entries.flatMap(({ name, content, cluster }, index) => {
    const short = shortName(name, index);
    const isFolder = Array.isArray(content);
    return [
      ...(SHORT_NAME.test(name) ? [] : longName(name, short)),
      record(short, isFolder ? DIRECTORY : 0, cluster, isFolder ? 0 : content.length, time),
    ];
  });
}

function record(name: Uint8Array, kind: number, cluster: number, size: number, time: number): Uint8Array {
  const bytes = new Uint8Array(RECORD);
  const view = new DataView(bytes.buffer);
  const at = new Date(Math.max(time, Date.UTC(1980, 0, 1)));
  const day = ((at.getUTCFullYear() - 1980) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate();
  const clock = (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1);
  bytes.set(name);
  bytes[11] = kind;
  view.setUint16(22, clock, true);
  view.setUint16(24, day, true);
  view.setUint16(26, cluster, true);
  view.setUint32(28, size, true);
  return bytes;
}

/** A name that is a valid short name needs no long one: firmware looks for EFI/BOOT/BOOTX64.EFI by it. */
const SHORT_NAME = /^[A-Z0-9_]{1,8}(\.[A-Z0-9_]{1,3})?$/;

/** Unique in its folder through the number at its end. */
function shortName(name: string, index: number): Uint8Array {
  if (SHORT_NAME.test(name)) {
    const [base = '', extension = ''] = name.split('.');
    return padded(padText(base, 8) + extension, 11);
  }
  const clean = (text: string) => text.toUpperCase().replaceAll(/[^A-Z0-9]/g, '');
  const dot = name.lastIndexOf('.');
  const tail = `~${index + 1}`;
  const base = clean(dot > 0 ? name.slice(0, dot) : name).slice(0, 8 - tail.length);
  return padded(padText(base + tail, 8) + (dot > 0 ? clean(name.slice(dot + 1)).slice(0, 3) : ''), 11);
}

function longName(name: string, short: Uint8Array): Uint8Array[] {
  const sum = short.reduce((total, byte) => ((((total & 1) << 7) | (total >> 1)) + byte) & 0xff, 0);
  const count = Math.ceil(name.length / CHARACTERS_PER_RECORD);
  return Array.from({ length: count }, (_, i) => {
    const number = count - i;
    const bytes = new Uint8Array(RECORD);
    const view = new DataView(bytes.buffer);
    bytes[0] = number | (i === 0 ? 0x40 : 0);
    bytes[11] = LONG_NAME;
    bytes[13] = sum;
    for (let at = 0; at < CHARACTERS_PER_RECORD; at++) {
      const place = (number - 1) * CHARACTERS_PER_RECORD + at;
      const code = place < name.length ? name.charCodeAt(place) : place === name.length ? 0 : 0xffff;
      view.setUint16(at < 5 ? 1 + 2 * at : at < 11 ? 14 + 2 * (at - 5) : 28 + 2 * (at - 11), code, true);
    }
    return bytes;
  });
}

function bootSector(
  sectors: number,
  table: number,
  bits: 12 | 16,
  { sector, label, time }: FatOptions,
): Uint8Array {
  const bytes = new Uint8Array(sector);
  const view = new DataView(bytes.buffer);
  bytes.set([0xeb, 0x3c, 0x90]);
  bytes.set(padded('FERRIC', 8), 3);
  view.setUint16(11, sector, true);
  bytes[13] = 1; // sectors per cluster
  view.setUint16(14, 1, true); // reserved: this one
  bytes[16] = 2; // tables
  view.setUint16(17, ROOT_RECORDS, true);
  if (sectors < 0x10000) view.setUint16(19, sectors, true);
  else view.setUint32(32, sectors, true);
  bytes[21] = 0xf8; // medium: fixed disk
  view.setUint16(22, table, true);
  view.setUint16(24, 63, true);
  view.setUint16(26, 255, true);
  bytes[36] = 0x80; // drive number
  bytes[38] = 0x29; // the three fields below are there
  view.setUint32(39, Math.floor(time / 1000) >>> 0, true);
  bytes.set(padded(label, 11), 43);
  bytes.set(padded(`FAT${bits}`, 8), 54);
  bytes.set([0x55, 0xaa], 510);
  return bytes;
}

function padText(text: string, length: number): string {
  return text.padEnd(length, ' ');
}

function padded(text: string, length: number): Uint8Array {
  return Uint8Array.from(padText(text, length), (character) => character.charCodeAt(0));
}

function joined(records: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(records.length * RECORD);
  for (const [index, one] of records.entries()) bytes.set(one, index * RECORD);
  return bytes;
}
