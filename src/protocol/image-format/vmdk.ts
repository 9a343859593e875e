// VMware sparse extents and their text descriptor. https://www.vmware.com/app/vmdk/?src=vmdk
import { hasText, isZero, textOf, viewOf } from './header.js';

const SECTOR = 512;
/** The largest descriptor that QEMU reads. */
const MAX_DESCRIPTOR = (1 << 20) - 1;
const GRAIN_DIRECTORY_AT_END = 0xffff_ffff_ffff_ffffn;
const MARKER_FOOTER = 3;
const SUBFORMATS = ['monolithicsparse', 'streamoptimized'];

interface SparseHeader {
  version: number;
  capacity: bigint; // sectors
  descriptorOffset: bigint; // sectors
  descriptorSize: bigint; // sectors
  grainDirectory: bigint;
}

function decodeSparse(bytes: Uint8Array, offset = 0): SparseHeader | undefined {
  if (!hasText(bytes, offset, 'KDMV') || bytes.length < offset + 64) return undefined;
  const view = viewOf(bytes.subarray(offset));
  return {
    version: view.getUint32(4, true),
    capacity: view.getBigUint64(12, true),
    descriptorOffset: view.getBigUint64(28, true),
    descriptorSize: view.getBigUint64(36, true),
    grainDirectory: view.getBigUint64(56, true),
  };
}

/** Also a bare descriptor, and the old COWD extents: QEMU opens both as vmdk, and they refer to other files. */
export function isVmdk(bytes: Uint8Array): boolean {
  return hasText(bytes, 0, 'KDMV') || hasText(bytes, 0, 'COWD') || isDescriptor(bytes);
}

/** As QEMU probes (comments and blanks, then `version=`), or `createType="` in a beginning that is all text. */
function isDescriptor(bytes: Uint8Array): boolean {
  const start = bytes.subarray(0, 4096);
  const end = start.indexOf(0);
  const text = textOf(start, 0, start.length).toLowerCase();
  if (hasText(bytes, 0, '# Disk DescriptorFile')) return true;
  if (/^(?:[#\s][^\n]*\n)*version=\d/.test(text)) return true;
  const printable = (end === -1 ? start : start.subarray(0, end)).every(
    (b) => (b >= 0x20 && b < 0x7f) || b === 9 || b === 10 || b === 13,
  );
  return printable && text.includes('createtype="');
}

/** Bytes from the start that hold header and descriptor; 0 without a sparse header. */
export function vmdkHeadBytes(bytes: Uint8Array): number {
  const header = decodeSparse(bytes);
  if (!header) return 0;
  const size = header.descriptorSize * BigInt(SECTOR);
  return SECTOR + (size > BigInt(MAX_DESCRIPTOR) ? MAX_DESCRIPTOR : Number(size));
}

/** @param tail the last 1536 bytes, or fewer if unknown: a missing footer is a fault. */
export function judgeVmdk(
  head: Uint8Array,
  tail: Uint8Array,
): { faults: string[]; virtualSize: number | undefined } {
  const header = decodeSparse(head);
  if (!header)
    return { faults: ['its vmdk subformat refers to other files or is too old'], virtualSize: undefined };
  const faults: string[] = [];
  if (header.version < 1 || header.version > 3)
    faults.push(`vmdk version ${header.version} is not supported`);
  if (header.descriptorOffset !== 1n) faults.push('its vmdk descriptor is not where it belongs');
  const end = vmdkHeadBytes(head);
  if (head.length < end) faults.push('its vmdk descriptor is cut off');
  else faults.push(...descriptorFaults(textOf(head, SECTOR, end)));
  if (header.grainDirectory === GRAIN_DIRECTORY_AT_END) faults.push(...footerFaults(header, tail));
  return { faults, virtualSize: Number(header.capacity) * SECTOR };
}

/** Every line must be known: a comment, `ddb…`, `key=value`, or an extent within this file. */
function descriptorFaults(descriptor: string): string[] {
  const text = descriptor.toLowerCase();
  if (/[^\x00-\x7f]/.test(text)) return ['its vmdk descriptor is not ASCII'];
  const type = /createtype="([^"]{0,63})"/.exec(text)?.[1];
  if (type === undefined || !SUBFORMATS.includes(type))
    return ['only the vmdk subformats monolithicSparse and streamOptimized are supported'];
  let extents = 0;
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#') || line.startsWith('ddb') || /^[^\s=]+=/.test(line)) continue;
    if (!/^(rw|rdonly|noaccess) /.test(line))
      return ['its vmdk descriptor has a line that is not understood'];
    if (line.includes('/')) return ['its vmdk descriptor names an extent by a path'];
    extents++;
  }
  return extents === 0 ? ['its vmdk descriptor has no extents'] : [];
}

/** The footer takes precedence over the header, so it must not contradict it. */
function footerFaults(header: SparseHeader, tail: Uint8Array): string[] {
  const last = tail.subarray(Math.max(0, tail.length - 3 * SECTOR));
  const footer = last.length === 3 * SECTOR ? decodeSparse(last, SECTOR) : undefined;
  if (!footer) return ['its vmdk footer is missing'];
  const faults: string[] = [];
  if (
    footer.version !== header.version ||
    footer.descriptorOffset !== header.descriptorOffset ||
    footer.descriptorSize !== header.descriptorSize ||
    footer.capacity !== header.capacity ||
    footer.grainDirectory === GRAIN_DIRECTORY_AT_END
  )
    faults.push('its vmdk footer contradicts its header');
  const view = viewOf(last);
  const footerMarker =
    view.getUint32(8, true) === 0 &&
    view.getUint32(12, true) === MARKER_FOOTER &&
    isZero(last.subarray(16, SECTOR));
  if (!footerMarker || !isZero(last.subarray(2 * SECTOR))) faults.push('its vmdk end markers are invalid');
  return faults;
}
