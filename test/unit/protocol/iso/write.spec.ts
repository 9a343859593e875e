import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildIso9660 } from '../../../../src/protocol/iso/write.js';

const TIME = Date.UTC(2026, 10, 21, 4, 34, 23, 760);
const text = (bytes: Uint8Array) => new TextDecoder('latin1').decode(bytes);

function build(files: Record<string, string>): Uint8Array {
  const encoder = new TextEncoder();
  const map = new Map(Object.entries(files).map(([path, content]) => [path, encoder.encode(content)]));
  return buildIso9660(map, { label: 'config-2', publisher: 'FERRIC', time: TIME });
}

/** Follows a tree as a reader does: the descriptor's root record, then records of each folder. */
function readTree(image: Uint8Array, descriptor: 16 | 17): Map<string, string> {
  const view = new DataView(image.buffer);
  const found = new Map<string, string>();
  const walk = (sector: number, size: number, path: string) => {
    let at = sector * 2048;
    for (let index = 0; at < sector * 2048 + size; index++) {
      const length = image[at]!;
      if (length === 0) {
        at = (Math.floor(at / 2048) + 1) * 2048; // the rest of a sector is empty
        continue;
      }
      expect(view.getUint32(at + 2, true)).toBe(view.getUint32(at + 6, false));
      expect(view.getUint32(at + 10, true)).toBe(view.getUint32(at + 14, false));
      const [start, bytes] = [view.getUint32(at + 2, true), view.getUint32(at + 10, true)];
      const nameLength = image[at + 32]!;
      const raw = image.subarray(at + 33, at + 33 + nameLength);
      if (index > 1) {
        const name =
          descriptor === 17
            ? new TextDecoder('utf-16be').decode(raw).replace(/;1$/, '')
            : rockRidgeName(image.subarray(at + 33 + nameLength + ((nameLength + 1) % 2), at + length));
        if (image[at + 25]! & 2) walk(start, bytes, `${path}${name}/`);
        else found.set(path + name, text(image.subarray(start * 2048, start * 2048 + bytes)));
      }
      at += length;
    }
  };
  const root = descriptor * 2048 + 156;
  walk(view.getUint32(root + 2, true), view.getUint32(root + 10, true), '');
  return found;
}

function rockRidgeName(area: Uint8Array): string {
  for (let at = 0; at + 4 <= area.length && area[at + 2]; at += area[at + 2]!) {
    if (text(area.subarray(at, at + 2)) === 'NM') return text(area.subarray(at + 5, at + area[at + 2]!));
  }
  return '?';
}

describe('buildIso9660', () => {
  const image = build({ 'openstack/latest/meta_data.json': '{"a":1}', empty: '' });
  const view = new DataView(image.buffer);

  it('has the descriptors of ECMA-119 §8.4 in their places', () => {
    expect(image.length % 2048).toBe(0);
    expect(text(image.subarray(0x8000, 0x8008))).toBe('\u0001CD001\u0001\0');
    expect(text(image.subarray(0x8028, 0x8048))).toBe('config-2'.padEnd(32));
    expect(view.getUint32(0x8050, true)).toBe(image.length / 2048);
    expect(view.getUint32(0x8054, false)).toBe(image.length / 2048);
    expect(view.getUint16(0x8080, true)).toBe(2048);
    expect(text(image.subarray(0x813e, 0x814e))).toBe('FERRIC'.padEnd(16));
    expect(text(image.subarray(0x832d, 0x833e))).toBe('2026112104342376\0');
    expect(image[0x8371]).toBe(1); // file structure version, §8.4.31
    expect([...image.subarray(0x8858, 0x885b)]).toEqual([0x25, 0x2f, 0x45]); // Joliet level 3
    expect(text(image.subarray(0x9000, 0x9007))).toBe('\u00ffCD001\u0001');
  });

  it('shows the same names and bytes through Rock Ridge and Joliet', () => {
    const expected = new Map([
      ['openstack/latest/meta_data.json', '{"a":1}'],
      ['empty', ''],
    ]);
    expect(readTree(image, 16)).toEqual(expected);
    expect(readTree(image, 17)).toEqual(expected);
  });

  it('opens the root folder with SP and ER, by which Linux knows Rock Ridge', () => {
    const root = view.getUint32(0x8000 + 156 + 2, true) * 2048;
    const area = image.subarray(root + 34, root + image[root]!);
    expect([...area.subarray(0, 7)]).toEqual([0x53, 0x50, 7, 1, 0xbe, 0xef, 0]);
    expect(text(area)).toContain('ER');
    expect(text(area)).toContain('RRIP_1991A');
  });

  it('keeps any tree of files, folders longer than a sector too', () => {
    const name = fc.stringMatching(/^[a-zA-Z0-9_.-]{1,40}$/).filter((one) => !/^\.+$/.test(one));
    const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
    fc.assert(
      fc.property(fc.dictionary(path, fc.string(), { maxKeys: 60 }), (files) => {
        const paths = Object.keys(files);
        const clash = paths.some((one) => paths.some((other) => other.startsWith(`${one}/`)));
        fc.pre(!clash);
        const bytes = build(files);
        const expected = new Map(paths.map((one) => [one, text(new TextEncoder().encode(files[one]))]));
        expect(readTree(bytes, 16)).toEqual(expected);
        expect(readTree(bytes, 17)).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  it('splits a folder of many files at sector borders', () => {
    const files = Object.fromEntries(
      Array.from({ length: 200 }, (_, n) => [`file-number-${n}.txt`, String(n)]),
    );
    expect(readTree(build(files), 16).size).toBe(200);
    expect(readTree(build(files), 17).get('file-number-199.txt')).toBe('199');
  });

  it.each(['', '/a', 'a//b', '../a', 'a/./b', 'a\\b', 'a:b', 'x'.repeat(65), '1/2/3/4/5/6/7/8'])(
    'refuses %j',
    (path) => {
      expect(() => build({ [path]: '' })).toThrow(RangeError);
    },
  );

  it('refuses a file that is a folder too', () => {
    expect(() => build({ a: '1', 'a/b': '2' })).toThrow('a is a file already');
    expect(() => buildIso9660(new Map(), { label: 'x'.repeat(33), time: 0 })).toThrow('at most 32');
  });
});
