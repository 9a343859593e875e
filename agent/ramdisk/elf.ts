/** Reads the needed shared objects of an ELF64 little-endian file (System V gABI, ch. 5). */

export interface ElfNeeds {
  interpreter?: string;
  /** DT_NEEDED, such as `libc.so.6`. */
  needed: string[];
  /** DT_RUNPATH or DT_RPATH, split. */
  runPath: string[];
}

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const DT_NEEDED = 1n;
const DT_STRTAB = 5n;
const DT_RPATH = 15n;
const DT_RUNPATH = 29n;

/** @returns undefined when the file is not an ELF64 little-endian object */
export function readElfNeeds(file: Buffer): ElfNeeds | undefined {
  if (file.length < 64 || file.readUInt32BE(0) !== 0x7f454c46 || file[4] !== 2 || file[5] !== 1)
    return undefined;
  const table = Number(file.readBigUInt64LE(32));
  const entrySize = file.readUInt16LE(54);
  const count = file.readUInt16LE(56);
  const segments = Array.from({ length: count }, (_, index) => {
    const at = table + index * entrySize;
    return {
      type: file.readUInt32LE(at),
      offset: Number(file.readBigUInt64LE(at + 8)),
      address: file.readBigUInt64LE(at + 16),
      size: Number(file.readBigUInt64LE(at + 32)),
    };
  });
  const interp = segments.find((segment) => segment.type === PT_INTERP);
  const result: ElfNeeds = {
    interpreter: interp && cString(file, interp.offset),
    needed: [],
    runPath: [],
  };
  const dynamic = segments.find((segment) => segment.type === PT_DYNAMIC);
  if (!dynamic) return result;
  const entries: { tag: bigint; value: bigint }[] = [];
  for (let at = dynamic.offset; at < dynamic.offset + dynamic.size; at += 16) {
    entries.push({ tag: file.readBigUInt64LE(at), value: file.readBigUInt64LE(at + 8) });
  }
  const address = entries.find((entry) => entry.tag === DT_STRTAB)?.value;
  const home =
    address === undefined
      ? undefined
      : segments.find(
          (s) => s.type === PT_LOAD && address >= s.address && address < s.address + BigInt(s.size),
        );
  if (address === undefined || !home) return result;
  const strings = home.offset + Number(address - home.address);
  for (const { tag, value } of entries) {
    if (tag === DT_NEEDED) result.needed.push(cString(file, strings + Number(value)));
    if (tag === DT_RPATH || tag === DT_RUNPATH) {
      result.runPath.push(...cString(file, strings + Number(value)).split(':'));
    }
  }
  return result;
}

function cString(file: Buffer, offset: number): string {
  return file.toString('latin1', offset, file.indexOf(0, offset));
}
