// Writes ISO 9660 volumes (ECMA-119) with Rock Ridge names for Unix (RRIP 1.09 on SUSP) and Joliet names for
// Windows: both show the original file names, where plain ISO 9660 shows upper case. Boot entries are supported.

import { type Content, type Piece, PiecedImage, sizeOf } from './content.js';
import { type DescriptorOptions, descriptor, END_OF_DESCRIPTORS } from './descriptor.js';
import { type BootImage, bootCatalog, bootRecord, withBootInfo } from './el-torito.js';
import { CYLINDER, isohybridMbr } from './isohybrid.js';
import { layOutTree, type TreeFile } from './tree.js';
import { SECTOR, Volume } from './volume.js';

export interface IsoOptions extends DescriptorOptions {
  boot?: IsoBoot;
}

/** Boot images, by paths of the volume's files. */
export interface IsoBoot {
  /** The path of the boot catalog, which is created. */
  catalog: string;
  /** isolinux.bin, which gets its boot information table. Its bytes must be in memory. */
  bios?: string;
  /** A FAT volume with EFI/BOOT in it. */
  uefi?: string;
  /** isohdpfx.bin: makes the image bootable from a USB stick or a disk. Only together with `bios`. */
  hybrid?: Uint8Array;
}

const FIRST_DESCRIPTOR = 16;
/** A file's size has 32 bits (§9.1.4). */
const MOST_FILE = 0xffffffff;
/** Blocks that firmware loads; isolinux.bin loads the rest of itself. */
const ISOLINUX_BLOCKS = 4;

/**
 * Lays out a volume: its size is known, and its bytes are read on demand.
 * @param files by path, such as `openstack/latest/meta_data.json`; folders are created as needed
 * @throws RangeError for a path that cannot be written, or a file of 4 GiB or more
 */
export function layOutIso(files: ReadonlyMap<string, Content>, options: IsoOptions): PiecedImage {
  const { boot } = options;
  checkText('volume label', options.label, 32);
  checkText('publisher', options.publisher ?? '', 128);
  const all = new Map(files);
  if (boot) {
    if (all.has(boot.catalog)) throw new RangeError(`${boot.catalog}: is there already`);
    all.set(boot.catalog, new Uint8Array(SECTOR));
  }
  for (const [path, content] of all) checkSize(path, sizeOf(content));
  const { directories, files: leaves } = layOutTree(all);
  const plain = new Volume('plain', directories, options.time);
  const joliet = new Volume('joliet', directories, options.time);

  // Sectors: system area, descriptors and the end mark, path tables, folders, then the files, shared by both.
  const descriptors = boot ? 3 : 2;
  let next = FIRST_DESCRIPTOR + descriptors + 1;
  for (const volume of [plain, joliet]) next = volume.place(next);
  const place = new Map<TreeFile, number>();
  for (const leaf of leaves) {
    const size = sizeOf(leaf.content);
    place.set(leaf, size === 0 ? 0 : next);
    next += Math.ceil(size / SECTOR);
  }
  const unit = boot?.hybrid ? CYLINDER : SECTOR;
  const size = Math.ceil((next * SECTOR) / unit) * unit;
  const at = (sector: number, content: Content): Piece => ({ at: sector * SECTOR, content });
  const sectors = size / SECTOR;
  const pieces = [
    at(FIRST_DESCRIPTOR, descriptor(1, plain, sectors, options)),
    at(FIRST_DESCRIPTOR + descriptors - 1, descriptor(2, joliet, sectors, options)),
    at(FIRST_DESCRIPTOR + descriptors, END_OF_DESCRIPTORS),
    ...[plain, joliet].flatMap((volume) => volume.pieces(place)),
  ];
  const contents = new Map(
    leaves.map((leaf) => [leaf.path, { content: leaf.content, sector: place.get(leaf)! }]),
  );
  if (boot) pieces.push(...makeBootable(boot, contents, size, options.time));
  for (const { content, sector } of contents.values()) pieces.push(at(sector, content));
  return new PiecedImage(size, pieces);
}

type Placed = Map<string, { content: Content; sector: number }>;

/** Fills in the catalog and isolinux's table. @returns the pieces outside of files */
function makeBootable(boot: IsoBoot, files: Placed, size: number, time: number): Piece[] {
  const images: BootImage[] = [];
  const bios = boot.bios === undefined ? undefined : fileOf(files, boot.bios);
  const uefi = boot.uefi === undefined ? undefined : fileOf(files, boot.uefi);
  if (bios) {
    if (!(bios.content instanceof Uint8Array))
      throw new RangeError(`${boot.bios}: its bytes must be at hand`);
    bios.content = withBootInfo(bios.content, bios.sector, FIRST_DESCRIPTOR);
    images.push({ platform: 'bios', sector: bios.sector, blocks: ISOLINUX_BLOCKS });
  }
  if (uefi) {
    const blocks = Math.ceil(sizeOf(uefi.content) / 512);
    images.push({ platform: 'uefi', sector: uefi.sector, blocks });
  }
  const catalog = fileOf(files, boot.catalog);
  catalog.content = bootCatalog(images);
  const pieces: Piece[] = [{ at: (FIRST_DESCRIPTOR + 1) * SECTOR, content: bootRecord(catalog.sector) }];
  if (boot.hybrid) {
    if (!bios) throw new RangeError('a hybrid image starts isolinux: it needs a BIOS boot image');
    const second = uefi && { sector: uefi.sector, size: sizeOf(uefi.content) };
    const signature = Math.floor(time / 1000) >>> 0;
    const parts = { code: boot.hybrid, bios: bios.sector, size, signature };
    pieces.push({ at: 0, content: isohybridMbr(second ? { ...parts, uefi: second } : parts) });
  }
  return pieces;
}

function fileOf(files: Placed, path: string): { content: Content; sector: number } {
  const file = files.get(path);
  if (!file || sizeOf(file.content) === 0)
    throw new RangeError(`${path}: a boot image that is not among the files`);
  return file;
}

function checkSize(path: string, size: number): void {
  if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`${path}: ${size} is no number of bytes`);
  if (size > MOST_FILE)
    throw new RangeError(`${path}: 4 GiB or more, which no file of an ISO 9660 volume has`);
}

function checkText(what: string, text: string, most: number): void {
  if (text.length > most) throw new RangeError(`a ${what} has at most ${most} characters`);
  if (/[^ -~]/.test(text)) throw new RangeError(`a ${what} is of printable ASCII`);
}

/** As `layOutIso`, but whole in memory, for volumes of small files. */
export function buildIso9660(files: ReadonlyMap<string, Uint8Array>, options: DescriptorOptions): Uint8Array {
  const { size, pieces } = layOutIso(files, options);
  const image = new Uint8Array(size);
  for (const { at, content } of pieces) if (content instanceof Uint8Array) image.set(content, at);
  return image;
}
