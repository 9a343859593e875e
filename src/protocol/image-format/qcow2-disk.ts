// The disk inside a qcow2 image, read from its start. QEMU: docs/interop/qcow2.txt, "Cluster mapping".
import { viewOf } from './header.js';

/** What the reader needs next: bytes of the file, or bytes decompressed to one cluster. */
export type Qcow2Need =
  | { read: [offset: number, length: number] }
  | { unpack: 'deflate' | 'zstd'; bytes: Uint8Array; size: number };

const OFFSET = 0x00ff_ffff_ffff_fe00n;
const HEADER = 112;

/**
 * The first bytes of the disk; fewer if the disk is shorter. `next` takes the answers; a file that ends early gives
 * short ones. Only for images that `judgeQcow2` found safe: without backing or data file and with known features.
 * @returns undefined for invalid tables
 */
export function* qcow2Start(wanted: number): Generator<Qcow2Need, Uint8Array | undefined, Uint8Array> {
  const header = yield { read: [0, HEADER] };
  if (header.length < 72) return undefined;
  const view = viewOf(header);
  const bits = view.getUint32(20);
  const size = Number(view.getBigUint64(24));
  if (bits < 9 || bits > 21) return undefined;
  const cluster = 2 ** bits;
  const packing = view.getUint32(4) >= 3 && header.length > 104 && header[104] === 1 ? 'zstd' : 'deflate';
  const l1 = yield { read: [Number(view.getBigUint64(40)), 8] };
  const length = Math.min(wanted, size);
  const disk = new Uint8Array(length);
  if (l1.length < 8) return undefined;
  const l2At = Number(viewOf(l1).getBigUint64(0) & OFFSET);
  // Nothing was ever written there: zeros.
  if (l2At === 0) return disk;
  // One table maps at least 32 KiB (64 entries of 512 bytes): clusters beyond it are not read.
  const entries = Math.min(Math.ceil(length / cluster), cluster / 8);
  const l2 = yield { read: [l2At, 8 * entries] };
  if (l2.length < 8 * entries) return undefined;
  for (let i = 0; i < entries; i++) {
    const entry = viewOf(l2).getBigUint64(8 * i);
    const at = i * cluster;
    const need = Math.min(cluster, length - at);
    let bytes: Uint8Array | undefined;
    if (entry & (1n << 62n)) {
      const split = BigInt(62 - (bits - 8));
      const from = Number(entry & ((1n << split) - 1n));
      const sectors = Number((entry & ((1n << 62n) - 1n)) >> split);
      const packed = yield { read: [from, (sectors + 1) * 512 - (from % 512)] };
      bytes = yield { unpack: packing, bytes: packed, size: cluster };
    } else if ((entry & 1n) === 0n && (entry & OFFSET) !== 0n) {
      bytes = yield { read: [Number(entry & OFFSET), need] };
    }
    if (bytes) disk.set(bytes.subarray(0, need), at);
  }
  return disk;
}
