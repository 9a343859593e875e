// Reads the files of an ISO 9660 volume (ECMA-119) under the names that Linux shows: Rock Ridge names (RRIP 1.12
// on SUSP), else Joliet names, else the plain ones in lower case.

const SECTOR = 2048;
const FIRST_DESCRIPTOR = 16;
const MOST_DESCRIPTORS = 64;
const DEEPEST = 32;
const MOST_ENTRIES = 10_000;

export class UnreadableVolume extends Error {
  override name = 'UnreadableVolume';
}

interface Extent {
  sector: number;
  size: number;
}
type Names = { kind: 'rock-ridge'; skip: number } | { kind: 'joliet' } | { kind: 'plain' };

/**
 * @returns files by path, such as `openstack/latest/meta_data.json`; folders without files are omitted
 * @throws UnreadableVolume for anything else, a truncated volume, or one with entries other than files and folders
 */
export function readIso9660(volume: Uint8Array): Map<string, Uint8Array> {
  const primary = rootOf(volume, (at) => volume[at] === 1);
  if (!primary) throw new UnreadableVolume('it has no primary volume descriptor');
  const skip = suspSkip(volume, primary);
  // Joliet is recognized by its escape sequences for UCS-2.
  const joliet = rootOf(
    volume,
    (at) => volume[at] === 2 && volume[at + 88] === 0x25 && volume[at + 89] === 0x2f,
  );
  const files = new Map<string, Uint8Array>();
  let entries = 0;
  const walk = (folder: Extent, path: string, depth: number, names: Names) => {
    if (depth > DEEPEST) throw new UnreadableVolume('its folders are too deep, or go in a circle');
    for (const record of records(volume, folder)) {
      if (++entries > MOST_ENTRIES) throw new UnreadableVolume('it has too many files');
      const name = nameOf(volume, record, names);
      if (name === '' || name.includes('/') || name === '.' || name === '..')
        throw new UnreadableVolume(`it has a file of the name ${JSON.stringify(name)}`);
      const extent = extentOf(record);
      if ((record[25]! & 2) !== 0) walk(extent, `${path}${name}/`, depth + 1, names);
      else if ((record[25]! & 0x80) !== 0) throw new UnreadableVolume(`${path}${name} is in several pieces`);
      else files.set(path + name, extent.size === 0 ? new Uint8Array(0) : bytesOf(volume, extent));
    }
  };
  if (skip !== undefined) walk(primary, '', 0, { kind: 'rock-ridge', skip });
  else if (joliet) walk(joliet, '', 0, { kind: 'joliet' });
  else walk(primary, '', 0, { kind: 'plain' });
  return files;
}

function rootOf(volume: Uint8Array, wanted: (at: number) => boolean): Extent | undefined {
  for (let n = FIRST_DESCRIPTOR; n < FIRST_DESCRIPTOR + MOST_DESCRIPTORS; n++) {
    const at = n * SECTOR;
    if (at + SECTOR > volume.length || latin(volume.subarray(at + 1, at + 6)) !== 'CD001') return undefined;
    if (volume[at] === 255) return undefined;
    if (wanted(at)) return extentOf(volume.subarray(at + 156, at + 190));
  }
  return undefined;
}

/** §9.1: the little-endian copies of both numbers. */
function extentOf(record: Uint8Array): Extent {
  const view = viewOf(record);
  return { sector: view.getUint32(2, true), size: view.getUint32(10, true) };
}

function bytesOf(volume: Uint8Array, { sector, size }: Extent): Uint8Array {
  const bytes = volume.subarray(sector * SECTOR, sector * SECTOR + size);
  if (bytes.length < size) throw new UnreadableVolume('it is cut off');
  return bytes;
}

/** The records of a folder except those of itself and its parent. */
function records(volume: Uint8Array, folder: Extent): Uint8Array[] {
  return allRecords(volume, folder).filter((record) => record[32] !== 1 || record[33]! > 1);
}

function allRecords(volume: Uint8Array, folder: Extent): Uint8Array[] {
  const bytes = bytesOf(volume, folder);
  const found: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes[at]!;
    // §6.8.1: no record crosses a sector; zeros fill the rest of it.
    if (length === 0) {
      at = (Math.floor(at / SECTOR) + 1) * SECTOR;
      continue;
    }
    const record = bytes.subarray(at, at + length);
    if (length < 34 || record.length < length || 33 + record[32]! > length)
      throw new UnreadableVolume('a folder of it is malformed');
    found.push(record);
    at += length;
  }
  return found;
}

/** SUSP §5.3: the root's own record begins with "SP" if the protocol is in use. */
function suspSkip(volume: Uint8Array, root: Extent): number | undefined {
  const own = allRecords(volume, root)[0];
  if (!own) return undefined;
  const use = systemUse(own, 0);
  return use.length >= 7 && latin(use.subarray(0, 2)) === 'SP' && use[4] === 0xbe && use[5] === 0xef
    ? use[6]!
    : undefined;
}

function systemUse(record: Uint8Array, skip: number): Uint8Array {
  const name = record[32]!;
  return record.subarray(33 + name + (name % 2 === 0 ? 1 : 0) + skip);
}

function nameOf(volume: Uint8Array, record: Uint8Array, names: Names): string {
  const own = record.subarray(33, 33 + record[32]!);
  switch (names.kind) {
    case 'joliet': {
      let text = '';
      for (let i = 0; i + 1 < own.length; i += 2) text += String.fromCharCode(own[i]! * 256 + own[i + 1]!);
      return text.replace(/;\d+$/, '');
    }
    case 'rock-ridge': {
      const name = rockRidgeName(volume, systemUse(record, names.skip));
      if (name !== undefined) return name;
      return plainName(own);
    }
    case 'plain':
      return plainName(own);
  }
}

/** As Linux shows it: fs/isofs/dir.c, isofs_name_translate. */
function plainName(own: Uint8Array): string {
  return latin(own).toLowerCase().replace(/;\d+$/, '').replace(/\.$/, '').replaceAll(';', '.');
}

function rockRidgeName(volume: Uint8Array, first: Uint8Array): string | undefined {
  const parts: number[] = [];
  let found = false;
  let area: Uint8Array | undefined = first;
  for (let areas = 0; area; areas++) {
    if (areas > MOST_DESCRIPTORS) throw new UnreadableVolume('its names go in a circle');
    let next: Uint8Array | undefined;
    for (let at = 0; at + 4 <= area.length && area[at + 2]! >= 4; at += area[at + 2]!) {
      const entry: Uint8Array = area.subarray(at, at + area[at + 2]!);
      const kind = latin(entry.subarray(0, 2));
      if (['SL', 'CL', 'RE', 'SF'].includes(kind))
        throw new UnreadableVolume('it holds links, moved folders or sparse files');
      if (kind === 'NM' && entry.length > 5) {
        parts.push(...entry.subarray(5));
        found = true;
      }
      if (kind === 'CE' && entry.length >= 28) {
        const view = viewOf(entry);
        const start = view.getUint32(4, true) * SECTOR + view.getUint32(12, true);
        next = volume.subarray(start, start + view.getUint32(20, true));
      }
      if (kind === 'ST') break;
    }
    area = next;
  }
  return found ? new TextDecoder().decode(Uint8Array.from(parts)) : undefined;
}

function latin(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
