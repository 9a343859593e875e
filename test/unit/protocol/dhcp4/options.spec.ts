import { describe, expect, it } from 'vitest';
import {
  encodeSubOptions,
  fromLatin1,
  getOption,
  OPTIONS,
  type OptionMap,
  optionFault,
  parseAddress,
  setOption,
  subOptions,
  userClasses,
} from '../../../../src/protocol/dhcp4/options.js';

describe('the option table', () => {
  it('has each code and each name once, and says where it comes from', () => {
    expect(new Set(OPTIONS.map((row) => row.code)).size).toBe(OPTIONS.length);
    expect(new Set(OPTIONS.map((row) => row.name)).size).toBe(OPTIONS.length);
    for (const row of OPTIONS) expect(row.rfc).toMatch(/RFC|iPXE/);
  });

  it('covers what PXE firmware, iPXE and relays need', () => {
    const codes: number[] = OPTIONS.map((row) => row.code);
    for (const code of [
      1, 3, 6, 12, 15, 43, 50, 51, 53, 54, 55, 57, 60, 61, 66, 67, 77, 82, 93, 94, 97, 150, 175,
    ]) {
      expect(codes).toContain(code);
    }
  });
});

describe('values', () => {
  it('are written as the RFCs have them', () => {
    const options: OptionMap = new Map();
    setOption(options, 'routers', ['10.0.0.1', '10.0.0.2']);
    setOption(options, 'lease_time', 3600);
    setOption(options, 'client_arch', [0, 7]);
    setOption(options, 'message_type', 5);
    setOption(options, 'boot_file_name', 'undionly.kpxe');
    expect(options.get(3)).toEqual(Uint8Array.of(10, 0, 0, 1, 10, 0, 0, 2));
    expect(options.get(51)).toEqual(Uint8Array.of(0, 0, 14, 16));
    expect(options.get(93)).toEqual(Uint8Array.of(0, 0, 0, 7));
    expect(options.get(53)).toEqual(Uint8Array.of(5));
    expect(options.get(67)).toEqual(fromLatin1('undionly.kpxe'));
    expect(getOption(options, 'routers')).toEqual(['10.0.0.1', '10.0.0.2']);
    expect(getOption(options, 'lease_time')).toBe(3600);
    expect(getOption(options, 'client_arch')).toEqual([0, 7]);
    expect(getOption(options, 'dns_servers')).toBeUndefined();
  });

  it('drops the NULs that some clients end a text with', () => {
    expect(getOption(new Map([[60, fromLatin1('PXEClient\0\0')]]), 'vendor_class')).toBe('PXEClient');
  });

  it.each([
    [53, 0],
    [53, 2],
    [50, 3],
    [54, 5],
    [51, 3],
    [57, 1],
    [93, 0],
    [93, 3],
    [3, 0],
    [3, 6],
    [94, 2],
    [97, 16],
  ])('refuses option %i of %i bytes', (code, length) => {
    expect(optionFault(code, new Uint8Array(length))).toContain(`option ${code}`);
  });

  it('has no opinion on options it does not know', () => {
    expect(optionFault(224, new Uint8Array(0))).toBeNull();
  });

  it('are refused where an option cannot have them', () => {
    const options: OptionMap = new Map();
    expect(() => setOption(options, 'routers', [])).toThrow('option 3');
    expect(() => setOption(options, 'host_name', '')).toThrow('option 12');
    expect(() => setOption(options, 'client_uuid', new Uint8Array(16))).toThrow('option 97');
    expect(() => setOption(options, 'lease_time', -1)).toThrow(RangeError);
    expect(() => setOption(options, 'lease_time', 2 ** 32)).toThrow(RangeError);
    expect(() => setOption(options, 'interface_mtu', 65_536)).toThrow(RangeError);
    expect(() => setOption(options, 'message_type', 1.5)).toThrow(RangeError);
    expect(() => setOption(options, 'parameter_list', [256])).toThrow(RangeError);
    expect(options.size).toBe(0);
  });

  it('refuses an address that is none', () => {
    for (const bad of ['', '1.2.3', '1.2.3.256', 'a.b.c.d', '1.2.3.4.5', '1.2.3.4\n']) {
      expect(() => parseAddress(bad)).toThrow(RangeError);
    }
  });
});

describe('user classes (option 77)', () => {
  it('reads the list of RFC 3004 and the bare text that iPXE sends', () => {
    expect(userClasses(fromLatin1('\x04iPXE\x02ab'))).toEqual(['iPXE', 'ab']);
    expect(userClasses(fromLatin1('iPXE'))).toEqual(['iPXE']);
    expect(userClasses(fromLatin1('\x09iPXE'))).toEqual(['\x09iPXE']);
    expect(userClasses(new Uint8Array(0))).toEqual([]);
  });
});

it('writes PXE discovery control as sub-option 6 (PXE 2.1 table 2-1)', () => {
  expect(encodeSubOptions([[6, Uint8Array.of(8)]])).toEqual(Uint8Array.of(6, 1, 8, 255));
});

it('reads sub-options up to one that is cut, of two the first', () => {
  const read = (...bytes: number[]) =>
    [...subOptions(Uint8Array.from(bytes))].map(([code, value]) => [code, ...value]);
  expect(read(1, 2, 8, 9, 0, 5, 4, 10, 0, 0, 1)).toEqual([
    [1, 8, 9],
    [5, 10, 0, 0, 1],
  ]);
  expect(read(1, 1, 8, 1, 1, 9, 5, 4, 10)).toEqual([[1, 8]]);
  expect(read(1, 0, 255, 2, 1, 1)).toEqual([[1]]);
  expect(read(1)).toEqual([]);
});
