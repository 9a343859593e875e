// Memory modules as the firmware lists them: SMBIOS type 17 (DSP0134 3.7 §7.18).

const TYPE = 17;
/** Values of "memory type" that are not RAM: ROM, flash, EEPROM, FEPROM, EPROM, and a persistent logical device. */
const NO_MEMORY = [0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x1f];
/** Values of "memory technology" (since 3.2): the kinds of NVDIMM, and Intel's persistent memory. */
const PERSISTENT = [0x04, 0x05, 0x06, 0x07];
const UNKNOWN = 0xffff;
/** Value of the old size field that refers to the new one (since 2.7). */
const EXTENDED = 0x7fff;

/**
 * Whole MiB of RAM in all modules.
 * @param structures with the strings behind them; a field beyond the structure's own length must not be read from these
 * @returns undefined when no module gives its size
 */
export function memoryMebibytes(structures: readonly Uint8Array[]): number | undefined {
  const sizes = structures.map(kibibytesOf).filter((size) => size !== undefined);
  const sum = sizes.reduce((total, size) => total + size, 0);
  return sum >= 1024 ? Math.floor(sum / 1024) : undefined;
}

function kibibytesOf(structure: Uint8Array): number | undefined {
  const length = Math.min(structure[1] ?? 0, structure.length);
  if (structure[0] !== TYPE || length < 0x0e) return undefined;
  const view = new DataView(structure.buffer, structure.byteOffset, length);
  const byte = (at: number) => (at < length ? view.getUint8(at) : undefined);
  if (NO_MEMORY.includes(byte(0x12) ?? 0) || PERSISTENT.includes(byte(0x28) ?? 0)) return undefined;
  const size = view.getUint16(0x0c, true);
  if (size === 0 || size === UNKNOWN) return undefined;
  if (size === EXTENDED && length >= 0x20) return (view.getUint32(0x1c, true) & 0x7fffffff) * 1024;
  return size & 0x8000 ? size & 0x7fff : size * 1024;
}
