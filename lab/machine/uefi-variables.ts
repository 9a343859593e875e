// The variable store of EDK2 in a machine's flash: MdeModulePkg/Include/Guid/VariableFormat.h, and the firmware volume
// around it (PI specification, volume 3, §3.2.1).

import { readFileSync, writeFileSync } from 'node:fs';

export const EFI_GLOBAL = '8be4df61-93ca-11d2-aa0d-00e098032b8c';
/** GUID of EDK2's own switch: gEfiSecureBootEnableDisableGuid of SecurityPkg. */
export const SECURE_BOOT_SWITCH = 'f0a30bc7-af08-4556-99c4-001009c93a44';
export const NON_VOLATILE = 1;
export const BOOT_SERVICE = 2;
export const RUNTIME = 4;

const START = 0x55aa;
const ADDED = 0x3f;
const DELETED = 0xfd;
/** Size of the header before a variable's name, bytes. */
const HEADER = 60;

export interface UefiVariable {
  name: string;
  guid: string;
  attributes: number;
  data: Uint8Array;
}

interface Found extends UefiVariable {
  at: number;
  next: number;
  state: number;
}

/** The variables of a store without deleted ones. @throws Error for a file that is no store */
export function readVariables(path: string): UefiVariable[] {
  return all(readFileSync(path))
    .found.filter(({ state }) => state === ADDED)
    .map(({ name, guid, attributes, data }) => ({ name, guid, attributes, data }));
}

/**
 * Writes variables while the firmware does not run; replaces those of the same name, as the firmware would.
 * @throws Error for a file that is no store, or that is full
 */
export function writeVariables(path: string, variables: readonly UefiVariable[]): void {
  const bytes = readFileSync(path);
  for (const variable of variables) {
    const { found, end, limit } = all(bytes);
    for (const old of found) {
      if (old.state === ADDED && old.name === variable.name && old.guid === variable.guid)
        bytes[old.at + 2] = ADDED & DELETED;
    }
    const record = encode(variable);
    if (end + record.length > limit) throw new Error(`${path} has no room for the variable ${variable.name}`);
    record.copy(bytes, end);
  }
  writeFileSync(path, bytes);
}

function all(bytes: Buffer): { found: Found[]; end: number; limit: number } {
  if (bytes.toString('latin1', 40, 44) !== '_FVH') throw new Error('not a firmware volume');
  const store = bytes.readUInt16LE(48);
  const limit = store + bytes.readUInt32LE(store + 16);
  const found: Found[] = [];
  let at = aligned(store + 28);
  while (at + HEADER < limit && bytes.readUInt16LE(at) === START) {
    const [nameSize, dataSize] = [bytes.readUInt32LE(at + 36), bytes.readUInt32LE(at + 40)];
    const dataAt = at + HEADER + nameSize;
    const next = aligned(dataAt + dataSize);
    if (next > limit) throw new Error('a variable goes beyond its store');
    found.push({
      at,
      next,
      state: bytes[at + 2]!,
      attributes: bytes.readUInt32LE(at + 4),
      guid: guidOf(bytes.subarray(at + 44, at + 60)),
      name: bytes.toString('utf16le', at + HEADER, dataAt - 2),
      data: Uint8Array.from(bytes.subarray(dataAt, dataAt + dataSize)),
    });
    at = next;
  }
  return { found, end: at, limit };
}

function encode({ name, guid, attributes, data }: UefiVariable): Buffer {
  const text = Buffer.from(`${name}\0`, 'utf16le');
  const header = Buffer.alloc(HEADER);
  header.writeUInt16LE(START, 0);
  header[2] = ADDED;
  header.writeUInt32LE(attributes, 4);
  header.writeUInt32LE(text.length, 36);
  header.writeUInt32LE(data.length, 40);
  guidBytes(guid).copy(header, 44);
  return Buffer.concat([header, text, data]);
}

/** A GUID in bytes, its first three groups little-endian (UEFI 2.10, appendix A). */
function guidBytes(guid: string): Buffer {
  const hex = Buffer.from(guid.replaceAll('-', ''), 'hex');
  return Buffer.concat([
    hex.subarray(0, 4).reverse(),
    hex.subarray(4, 6).reverse(),
    hex.subarray(6, 8).reverse(),
    hex.subarray(8),
  ]);
}

function guidOf(bytes: Buffer): string {
  const hex = guidBytes(bytes.toString('hex')).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

const aligned = (at: number) => (at + 3) & ~3;
