// Detects the format of an image and checks it while its bytes stream by; see `Inspection`.

import type { HeaderVerdict } from './header.js';
import { hasText, viewOf } from './header.js';
import { type Compression, HEAD_BYTES, type ImageFormat, type Inspection, TAIL_BYTES } from './inspection.js';
import { isPartitioned, partitionFaults, tableOf } from './partition-table.js';
import { isQcow2, judgeQcow2 } from './qcow2.js';
import { fixedVhdSize, isVhdFooter, judgeVhd } from './vhd.js';
import { type ByteRange, isVhdx, judgeVhdx } from './vhdx.js';
import { isVmdk, judgeVmdk, vmdkHeadBytes } from './vmdk.js';

const SIGNATURES: readonly [ImageFormat, (head: Uint8Array) => boolean][] = [
  ['qcow2', isQcow2],
  ['vhd', isVhdFooter],
  ['vhdx', isVhdx],
  ['vmdk', isVmdk],
  ['vdi', (head) => head.length >= 512 && viewOf(head).getUint32(0x40, true) === 0xbeda107f],
  ['qed', (head) => hasText(head, 0, 'QED\0')],
  ['luks', (head) => hasText(head, 0, 'LUKS\u00ba\u00be')],
  ['iso', (head) => ['CD001', 'NSR02', 'NSR03'].some((id) => hasText(head, 0x8001, id))],
  ['gpt', isPartitioned],
];

const COMPRESSIONS: readonly [Compression, string][] = [
  ['gzip', '\x1f\x8b\x08'],
  ['bzip2', 'BZh'],
  ['xz', '\u00fd7zXZ\0'],
  ['zstd', '\u0028\u00b5\u002f\u00fd'],
];

export interface ImageInspector {
  /** Takes the next bytes of the image, in chunks of any size. */
  push(chunk: Uint8Array): void;
  /** The verdict, after the last byte. No push is allowed afterwards. */
  result(): Inspection;
}

/** Keeps at most about 1 MiB (a vmdk descriptor); 34 KiB for every other format. */
export function createInspector(): ImageInspector {
  const tail = new RollingTail();
  let size = 0;
  let verdict: Verdict | undefined;
  const reading = judge(() => ({ tail: tail.bytes(), size }));
  let wanted: ByteRange | undefined;
  let buffer = new Uint8Array(0);
  let filled = 0;
  const ask = (answer?: Uint8Array) => {
    const next = answer === undefined ? reading.next() : reading.next(answer);
    if (next.done) {
      verdict = next.value;
      wanted = undefined;
    } else {
      wanted = next.value;
      buffer = new Uint8Array(next.value[1]);
      filled = 0;
    }
  };
  ask();
  let ended = false;
  return {
    push(chunk) {
      if (ended) throw new Error('the inspection has ended');
      const from = size;
      size += chunk.length;
      tail.push(chunk);
      while (wanted) {
        const [offset, length] = wanted;
        const start = offset + filled - from;
        if (start >= chunk.length) break;
        const part = chunk.subarray(start, Math.min(chunk.length, offset + length - from));
        buffer.set(part, filled);
        filled += part.length;
        if (filled < length) break;
        ask(buffer);
      }
    },
    result() {
      ended = true;
      while (!verdict) ask(buffer.subarray(0, filled));
      return verdict(true);
    },
  };
}

/**
 * The verdict on a whole image of which only parts are in memory.
 * @param head its first bytes: all of it, or at least `HEAD_BYTES` (a vmdk or vhdx may need more: then a fault)
 * @param tail its last `TAIL_BYTES`; a stream-optimized vmdk needs them
 * @param size bytes of the whole image, if known; it is a raw image's virtual size
 */
export function inspectImage(head: Uint8Array, tail?: Uint8Array, size?: number): Inspection {
  const reading = judge(() => ({ tail: tail ?? new Uint8Array(0), size: size ?? 0 }));
  let next = reading.next();
  while (!next.done) {
    const [offset, length] = next.value;
    next = reading.next(head.subarray(Math.min(offset, head.length), Math.min(offset + length, head.length)));
  }
  return next.value(size !== undefined);
}

type End = () => { tail: Uint8Array; size: number };
/** Called at the end of the image; the flag says whether its size is known. */
type Verdict = (sizeKnown: boolean) => Inspection;

function* judge(end: End): Generator<ByteRange, Verdict, Uint8Array> {
  let head: Uint8Array = yield [0, HEAD_BYTES];
  const found = SIGNATURES.filter(([, matches]) => matches(head)).map(([format]) => format);
  const matches: ImageFormat[] = found.length === 0 ? ['raw'] : found;
  const format = formatOf(matches);
  const compression = COMPRESSIONS.find(([, magic]) => hasText(head, 0, magic))?.[0];
  const partitionTable = found.includes('gpt') ? tableOf(head) : undefined;
  const answer = (verdict: HeaderVerdict): Inspection => ({
    format,
    matches,
    faults: verdict.faults,
    virtualSize: verdict.virtualSize,
    partitionTable,
    compression,
  });
  let verdict: HeaderVerdict | undefined;
  if (format === 'vhdx') {
    verdict = yield* judgeVhdx();
  } else if (format === 'vmdk') {
    const missing = vmdkHeadBytes(head) - head.length;
    if (missing > 0 && head.length === HEAD_BYTES) head = join(head, yield [HEAD_BYTES, missing]);
    return () => answer(judgeVmdk(head, end().tail));
  } else if (format !== undefined) {
    verdict = judgeHead(format, head);
  } else {
    verdict = {
      faults: [`it looks like several formats at once (${matches.join(', ')})`],
      virtualSize: undefined,
    };
  }
  const judged = verdict;
  return (sizeKnown) => {
    if (!sizeKnown || (format !== 'raw' && format !== 'gpt')) return answer(judged);
    const { tail, size } = end();
    const fixed = fixedVhdSize(tail, size);
    if (fixed === undefined) return answer({ ...judged, virtualSize: size });
    return { ...answer({ ...judged, virtualSize: fixed }), matches: [...matches, 'vhd'] };
  };
}

/** A bootable ISO may contain a partition table for USB sticks; any other pair of signatures is an attack. */
function formatOf(matches: readonly ImageFormat[]): ImageFormat | undefined {
  if (matches.length === 1) return matches[0];
  return matches.length === 2 && matches.includes('iso') && matches.includes('gpt') ? 'iso' : undefined;
}

function judgeHead(format: Exclude<ImageFormat, 'vhdx' | 'vmdk'>, head: Uint8Array): HeaderVerdict {
  switch (format) {
    case 'raw':
      return { faults: [], virtualSize: undefined };
    case 'gpt':
      return { faults: partitionFaults(head), virtualSize: undefined };
    case 'qcow2':
      return judgeQcow2(head);
    case 'iso': {
      // Primary volume descriptor, ECMA-119 §8.4: block count at 80, block size at 128.
      const volume = viewOf(head.subarray(0x8000));
      const primary = head[0x8000] === 1 && volume.byteLength >= 132;
      const size = primary ? volume.getUint32(80, true) * volume.getUint16(128, true) : undefined;
      return { faults: [], virtualSize: size };
    }
    case 'vhd':
      return judgeVhd(head);
    case 'vdi':
      return { faults: [], virtualSize: Number(viewOf(head).getBigUint64(0x170, true)) };
    case 'qed':
      return { faults: ['the qed format is not supported'], virtualSize: undefined };
    case 'luks':
      return { faults: ['it is encrypted'], virtualSize: undefined };
  }
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}

/** The last `TAIL_BYTES` of a stream. */
class RollingTail {
  private readonly kept = new Uint8Array(TAIL_BYTES);
  private length = 0;

  push(chunk: Uint8Array): void {
    const part = chunk.subarray(Math.max(0, chunk.length - TAIL_BYTES));
    const keep = Math.min(this.length, TAIL_BYTES - part.length);
    this.kept.copyWithin(0, this.length - keep, this.length);
    this.kept.set(part, keep);
    this.length = keep + part.length;
  }

  bytes(): Uint8Array {
    return this.kept.subarray(0, this.length);
  }
}
