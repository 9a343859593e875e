// QCOW2 header. https://gitlab.com/qemu-project/qemu/-/blob/master/docs/interop/qcow2.txt
import { type HeaderVerdict, hasText, viewOf } from './header.js';

/** Offsets and sizes in bytes; big-endian in the file. */
export interface Qcow2Header {
  version: number;
  backingFileOffset: bigint;
  clusterBits: number;
  /** Bytes of the disk inside. */
  size: bigint;
  cryptMethod: number;
  /** Entries of the active L1 table. */
  l1Size: number;
  l1TableOffset: bigint;
  incompatibleFeatures: bigint;
  headerLength: number;
  compressionType: 'zlib' | 'zstd' | 'unknown';
}

const DATA_FILE = 1n << 2n;
const COMPRESSION_TYPE = 1n << 3n;
/** dirty, corrupt, external data file, compression type; bit 4 is extended L2 entries. */
const KNOWN_FEATURES = 0xfn;
const CORRUPT = 1n << 1n;

export function isQcow2(bytes: Uint8Array): boolean {
  return hasText(bytes, 0, 'QFI\u00fb');
}

/** Undefined if the bytes are not QCOW2 version 2 or 3, or end before the header does. */
export function decodeQcow2Header(bytes: Uint8Array): Qcow2Header | undefined {
  if (!isQcow2(bytes) || bytes.length < 72) return undefined;
  const view = viewOf(bytes);
  const version = view.getUint32(4);
  if (version !== 2 && version !== 3) return undefined;
  if (version === 3 && bytes.length < 104) return undefined;
  const features = version === 3 ? view.getBigUint64(72) : 0n;
  const headerLength = version === 3 ? view.getUint32(100) : 72;
  const compression = headerLength > 104 && bytes.length > 104 ? view.getUint8(104) : 0;
  return {
    version,
    backingFileOffset: view.getBigUint64(8),
    clusterBits: view.getUint32(20),
    size: view.getBigUint64(24),
    cryptMethod: view.getUint32(32),
    l1Size: view.getUint32(36),
    l1TableOffset: view.getBigUint64(40),
    incompatibleFeatures: features,
    headerLength,
    compressionType: compression === 0 ? 'zlib' : compression === 1 ? 'zstd' : 'unknown',
  };
}

export function judgeQcow2(bytes: Uint8Array): HeaderVerdict {
  const header = decodeQcow2Header(bytes);
  if (!header) {
    const version = bytes.length >= 8 ? viewOf(bytes).getUint32(4) : 0;
    const faults = [
      version === 2 || version === 3
        ? 'the qcow2 header is cut off'
        : `qcow version ${version} is not supported`,
    ];
    return { faults, virtualSize: undefined };
  }
  const faults: string[] = [];
  if (header.backingFileOffset !== 0n) faults.push('it has a backing file');
  if (header.incompatibleFeatures & DATA_FILE) faults.push('it has an external data file');
  if (header.incompatibleFeatures & ~KNOWN_FEATURES) faults.push('it uses unknown qcow2 features');
  if (header.incompatibleFeatures & CORRUPT) faults.push('it is marked as corrupt');
  if (header.cryptMethod !== 0) faults.push('it is encrypted');
  if (header.clusterBits < 9 || header.clusterBits > 21) faults.push('its qcow2 cluster size is invalid');
  if (header.version === 3 && (header.headerLength < 104 || header.headerLength % 8 !== 0))
    faults.push('its qcow2 header length is invalid');
  if (header.incompatibleFeatures & COMPRESSION_TYPE && header.compressionType === 'unknown')
    faults.push('its qcow2 compression type is unknown');
  return { faults, virtualSize: Number(header.size) };
}
