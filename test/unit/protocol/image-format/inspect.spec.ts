import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkDeclared } from '../../../../src/protocol/image-format/check.js';
import { createInspector, inspectImage } from '../../../../src/protocol/image-format/inspect.js';
import { HEAD_BYTES, type Inspection } from '../../../../src/protocol/image-format/inspection.js';
import {
  be,
  DESCRIPTOR,
  GD_AT_END,
  gpt,
  image,
  iso,
  KiB,
  le,
  linux,
  mbr,
  protective,
  qcow2,
  streamOptimized,
  vhdx,
  vmdk,
} from '../../../support/image-samples.js';

const PERMITTED = ['raw', 'gpt', 'qcow2', 'iso'];

function whole(bytes: Uint8Array): Inspection {
  return inspectImage(bytes, bytes.subarray(Math.max(0, bytes.length - 1536)), bytes.length);
}
function refusal(bytes: Uint8Array, declared?: string, permitted = PERMITTED): string {
  try {
    checkDeclared(whole(bytes), declared, permitted);
  } catch (error) {
    return `${(error as { fault: string }).fault}: ${(error as Error).message}`;
  }
  return 'accepted';
}

describe('formats and sizes', () => {
  it.each<[string, Uint8Array, Partial<Inspection>]>([
    ['empty', new Uint8Array(0), { format: 'raw', virtualSize: 0 }],
    ['three bytes', image(3, [0, 'QFI']), { format: 'raw', virtualSize: 3 }],
    ['raw', image(100 * KiB, [4 * KiB, 'x']), { format: 'raw', virtualSize: 100 * KiB }],
    ['qcow2', qcow2(), { format: 'qcow2', virtualSize: 10 << 20, faults: [] }],
    ['mbr', mbr([linux]), { format: 'gpt', partitionTable: 'mbr', virtualSize: 64 * KiB, faults: [] }],
    ['gpt', gpt(512), { format: 'gpt', partitionTable: 'gpt', faults: [] }],
    ['gpt of 4096', gpt(4096), { format: 'gpt', partitionTable: 'gpt', faults: [] }],
    ['a cover alone', mbr([protective]), { format: 'gpt', partitionTable: undefined }],
    ['iso', iso(), { format: 'iso', virtualSize: 174 * 2048, faults: [] }],
    ['udf', image(64 * KiB, [0x8001, 'NSR02']), { format: 'iso', virtualSize: undefined }],
    [
      'iso with a table',
      iso([
        [446, linux],
        [510, [0x55, 0xaa]],
      ]),
      { format: 'iso', faults: [] },
    ],
    ['vmdk', vmdk(DESCRIPTOR), { format: 'vmdk', virtualSize: 10 << 20, faults: [] }],
    ['streamOptimized', streamOptimized(), { format: 'vmdk', virtualSize: 10 << 20, faults: [] }],
    ['vhd', image(4 * KiB, [0, 'conectix'], [40, be(10 << 20, 8)]), { format: 'vhd', virtualSize: 10 << 20 }],
    ['vhdx', vhdx(), { format: 'vhdx', virtualSize: 10 << 20, faults: [] }],
    [
      'vdi',
      image(4 * KiB, [0x40, le(0xbeda107f, 4)], [0x170, le(10 << 20, 8)]),
      { format: 'vdi', virtualSize: 10 << 20 },
    ],
    ['qed', image(4 * KiB, [0, 'QED\0']), { format: 'qed' }],
    ['luks', image(4 * KiB, [0, 'LUKS\u00ba\u00be']), { format: 'luks' }],
    // A FAT file system ends its boot sector with 55AA too, but no table is there.
    [
      'fat',
      image(64 * KiB, [0, '\xeb\x3c\x90mkfs.fat'], [0x10, [2]], [0x15, [0xf8]], [510, [0x55, 0xaa]]),
      { format: 'raw' },
    ],
  ])('%s', (_name, bytes, expected) => {
    expect(whole(bytes)).toMatchObject(expected);
  });
});

describe('refusals', () => {
  const bit = (n: number): [number, number[]] => [72, be(1n << BigInt(n), 8)];
  it.each<[string, Uint8Array, string | undefined, RegExp]>([
    [
      'qcow2 backing file',
      qcow2([
        [8, be(0x70, 8)],
        [16, be(11, 4)],
      ]),
      'qcow2',
      /^unsafe: .*backing file/,
    ],
    ['qcow2 data file', qcow2([bit(2)]), 'qcow2', /^unsafe: .*external data file/],
    ['qcow2 extended L2', qcow2([bit(4)]), 'qcow2', /^unsafe: .*unknown qcow2 features/],
    ['qcow2 feature 5', qcow2([bit(5)]), 'qcow2', /^unsafe: .*unknown qcow2 features/],
    ['qcow2 feature 63', qcow2([bit(63)]), 'qcow2', /^unsafe: .*unknown qcow2 features/],
    ['qcow2 corrupt', qcow2([bit(1)]), 'qcow2', /^unsafe: .*corrupt/],
    ['qcow2 encrypted', qcow2([[32, be(2, 4)]]), 'qcow2', /^unsafe: .*encrypted/],
    ['qcow version 1', qcow2([[4, be(1, 4)]]), 'qcow2', /^unsafe: qcow version 1|^unsafe: .*qcow version 1/],
    ['qcow version 4', qcow2([[4, be(4, 4)]]), 'qcow2', /version 4 is not supported/],
    ['qcow2 cut off', qcow2().subarray(0, 80), 'qcow2', /cut off/],
    ['qcow2 of 2 MiB clusters too many', qcow2([[20, be(22, 4)]]), 'qcow2', /cluster size/],
    ['declared raw, really qcow2', qcow2(), 'raw', /^mismatch: .*declared as raw, but it is qcow2/],
    ['declared qcow2, really raw', image(64 * KiB), 'qcow2', /^mismatch/],
    [
      'declared raw, really iso and table',
      iso([
        [446, linux],
        [510, [0x55, 0xaa]],
      ]),
      'raw',
      /^mismatch/,
    ],
    ['declared nonsense', image(64 * KiB), 'json:{}', /^mismatch: .*no known disk format/],
    ['qcow2 and iso', qcow2([[0x8001, 'CD001']]), undefined, /^ambiguous: .*qcow2, iso/],
    ['qcow2 and table', qcow2([[510, [0x55, 0xaa]]]), 'qcow2', /^ambiguous/],
    [
      'iso, table and luks',
      iso([
        [0, 'LUKS\u00ba\u00be'],
        [510, [0x55, 0xaa]],
      ]),
      'iso',
      /^ambiguous/,
    ],
    ['vmdk not permitted', vmdk(DESCRIPTOR), 'vmdk', /^not-permitted/],
    [
      'vmlinuz: 55AA without a table',
      image(64 * KiB, [510, [0x55, 0xaa]]),
      'raw',
      /^unsafe: .*no partitions/,
    ],
    ['hybrid MBR', mbr([protective, linux]), 'raw', /^unsafe: .*hybrid/],
    ['protective MBR second', mbr([Array<number>(16).fill(0), protective]), undefined, /^unsafe: .*hybrid/],
    ['boot flag', mbr([[0x7f, ...linux.slice(1)]]), undefined, /^unsafe: .*boot flag/],
    ['protective CHS', mbr([[0, 0, 1, ...protective.slice(3)]]), undefined, /^unsafe: .*CHS/],
    [
      'protective LBA',
      mbr([[...protective.slice(0, 8), ...le(2, 4), ...le(9, 4)]]),
      undefined,
      /^unsafe: .*LBA/,
    ],
    ['protective MBR alone', mbr([protective]), 'raw', /^unsafe: .*no readable GPT/],
    ['a GPT whose checksum is wrong', gpt(512).with(512 + 88, 1), 'raw', /^unsafe: .*no readable GPT/],
    ['a GPT whose entries are others', gpt(512).with(1024, 1), 'raw', /^unsafe: .*no readable GPT/],
    ['gzip', image(64 * KiB, [0, '\x1f\x8b\x08']), undefined, /^unsafe: .*compressed \(gzip\)/],
    ['zstd', image(64 * KiB, [0, '\u0028\u00b5\u002f\u00fd']), 'raw', /^unsafe: .*compressed \(zstd\)/],
  ])('%s', (_name, bytes, declared, expected) => {
    expect(refusal(bytes, declared)).toMatch(expected);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['monolithicFlat', vmdk(DESCRIPTOR.replace('monolithicSparse', 'monolithicFlat')), /subformats/],
    ['descriptor alone', image(64 * KiB, [0, DESCRIPTOR]), /refers to other files/],
    ['descriptor after comments', image(4 * KiB, [0, '#\n\n #x\nversion=1\n']), /refers to other files/],
    [
      'descriptor without a version',
      image(300, [0, 'CID=1\ncreateType="vmfs"\nRW 1 FLAT "/etc/passwd"\n']),
      /other files/,
    ],
    ['COWD', image(4 * KiB, [0, 'COWD']), /too old/],
    ['extent by path', vmdk(DESCRIPTOR.replace('disk.vmdk', '/etc/passwd')), /extent by a path/],
    ['no extents', vmdk(DESCRIPTOR.replace(/^RW.*$/m, '')), /no extents/],
    ['strange line', vmdk(`${DESCRIPTOR}\nexec something\n`), /not understood/],
    ['not ASCII', vmdk(`${DESCRIPTOR}\u00e9`), /not ASCII/],
    ['no type', vmdk(DESCRIPTOR.replace(/createType.*/, '')), /subformats/],
    ['descriptor elsewhere', vmdk(DESCRIPTOR, [[28, le(9, 8)]]), /not where it belongs/],
    ['descriptor cut off', vmdk(DESCRIPTOR, [[36, le(4096, 8)]]), /cut off/],
    ['version 9', vmdk(DESCRIPTOR, [[4, le(9, 4)]]), /version 9/],
    ['footer missing', vmdk(DESCRIPTOR, [[56, GD_AT_END]]), /footer is missing/],
    ['footer points elsewhere', streamOptimized([[540, le(99, 8)]]), /contradicts/],
    ['footer points to a footer', streamOptimized([[568, GD_AT_END]]), /contradicts/],
    ['footer marker', streamOptimized([[12, le(7, 4)]]), /end markers/],
    ['end of stream', streamOptimized([[1030, [1]]]), /end markers/],
    ['qed', image(4 * KiB, [0, 'QED\0']), /qed format is not supported/],
    ['luks', image(4 * KiB, [0, 'LUKS\u00ba\u00be']), /encrypted/],
    ['vhdx without tables', image(300 * KiB, [0, 'vhdxfile']), /region table is missing/],
    ['vhdx cut off', vhdx().subarray(0, 2 << 20), /metadata table is missing/],
  ])('%s, even where its format is permitted', (_name, bytes, expected) => {
    expect(refusal(bytes, undefined, ['vmdk', 'vhdx', 'qed', 'luks', 'raw'])).toMatch(expected);
  });

  it('a bomb by its virtual size: 1 PiB in 64 KiB', () => {
    const bomb = whole(qcow2([[24, be(1n << 50n, 8)]]));
    expect(bomb.virtualSize).toBe(2 ** 50);
    expect(() => checkDeclared(bomb, 'qcow2', PERMITTED, 2 ** 45)).toThrow(
      /1125899906842624 bytes; the limit/,
    );
    expect(() => checkDeclared(bomb, 'qcow2', PERMITTED, 2 ** 50)).not.toThrow();
  });
});

describe('declarations', () => {
  it.each<[string, Uint8Array, string | undefined, string[]]>([
    ['raw covers gpt', gpt(512), 'raw', ['raw']],
    ['gpt as gpt', mbr([linux]), 'gpt', ['gpt']],
    ['nothing declared', qcow2(), undefined, PERMITTED],
    ['qcow2 0.10', qcow2([[4, be(2, 4)]]), 'qcow2', PERMITTED],
    [
      'zstd clusters',
      qcow2([
        [72, be(8, 8)],
        [104, [1]],
      ]),
      'qcow2',
      PERMITTED,
    ],
    ['dirty', qcow2([[72, be(1, 8)]]), 'qcow2', PERMITTED],
    ['kernel', image(64 * KiB, [510, [0x55, 0xaa]]), 'aki', PERMITTED],
    ['ramdisk', image(64 * KiB, [0, '\x1f\x8b\x08']), 'ari', PERMITTED],
  ])('%s', (_name, bytes, declared, permitted) => {
    expect(refusal(bytes, declared, permitted)).toBe('accepted');
  });
});

describe('streaming', () => {
  const samples = [
    qcow2(),
    mbr([protective]),
    iso(),
    vmdk(DESCRIPTOR, [[36, le(100, 8)]], 128 * KiB),
    streamOptimized(),
    vhdx(),
    vhdx().subarray(0, 2 << 20),
    image(HEAD_BYTES - 1, [0x8001, 'CD00']),
    image(700),
    qcow2().subarray(0, 80),
  ];

  it('says the same however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...samples),
        fc.array(fc.integer({ min: 0, max: 40_000 }), { maxLength: 12 }),
        (bytes, cuts) => {
          const inspector = createInspector();
          let at = 0;
          for (const cut of cuts) {
            inspector.push(bytes.slice(at, at + cut));
            at += cut;
          }
          inspector.push(bytes.slice(at));
          expect(inspector.result()).toEqual(whole(bytes));
        },
      ),
      { numRuns: 200 },
    );
  });

  it('byte by byte', () => {
    for (const bytes of samples.filter((b) => b.length < 100_000)) {
      const inspector = createInspector();
      for (let i = 0; i < bytes.length; i++) inspector.push(bytes.subarray(i, i + 1));
      expect(inspector.result()).toEqual(whole(bytes));
    }
  });

  it('judges from the head alone, with the size left open', () => {
    expect(inspectImage(qcow2().subarray(0, HEAD_BYTES))).toMatchObject({ format: 'qcow2', faults: [] });
    expect(inspectImage(image(HEAD_BYTES))).toMatchObject({ format: 'raw', virtualSize: undefined });
    expect(inspectImage(streamOptimized().subarray(0, HEAD_BYTES)).faults).toEqual([
      'its vmdk footer is missing',
    ]);
  });

  it('reuses of a chunk buffer do no harm, and nothing can follow the result', () => {
    const bytes = iso();
    const chunk = new Uint8Array(1000);
    const inspector = createInspector();
    for (let at = 0; at < bytes.length; at += 1000) {
      const part = bytes.subarray(at, at + 1000);
      chunk.set(part);
      inspector.push(chunk.subarray(0, part.length));
      chunk.fill(0xff);
    }
    expect(inspector.result()).toEqual(whole(bytes));
    expect(() => inspector.push(chunk)).toThrow('ended');
  });

  it('never throws, whatever the bytes', () => {
    const magics = [
      'QFI\u00fb',
      'KDMV',
      'COWD',
      'vhdxfile',
      'conectix',
      'QED\0',
      'LUKS\u00ba\u00be',
      '# Disk DescriptorFile',
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...magics),
        fc.uint8Array({ maxLength: 2_000 }),
        fc.boolean(),
        (magic, noise, table) => {
          const bytes = image(noise.length + 600, [magic.length, Array.from(noise)], [0, magic]);
          if (table) bytes.set([0x55, 0xaa], 510);
          const seen = whole(bytes);
          expect(seen.matches.length).toBeGreaterThan(0);
          expect(seen.format === undefined).toBe(seen.matches.length > 1);
        },
      ),
      { numRuns: 500 },
    );
  });
});
