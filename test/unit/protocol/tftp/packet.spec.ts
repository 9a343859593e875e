import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MalformedPacket } from '../../../../src/protocol/malformed-packet.js';
import {
  decodeTftp,
  encodeTftp,
  putDataHeader,
  type TftpPacket,
} from '../../../../src/protocol/tftp/packet.js';

const bytes = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));

describe('the packets that the RFCs show', () => {
  it('RFC 2348 §3: RRQ foobar octet blksize 1432', () => {
    const wire = bytes('\x00\x01foobar\0octet\0blksize\x001432\0');
    const packet = decodeTftp(wire);
    expect(packet).toEqual({
      op: 'rrq',
      filename: 'foobar',
      mode: 'octet',
      options: new Map([['blksize', '1432']]),
    });
    expect(encodeTftp(packet)).toEqual(wire);
  });

  it('RFC 7440 §3: windowsize, and its answer', () => {
    const wire = bytes('\x00\x06windowsize\x0016\0');
    expect(decodeTftp(wire)).toEqual({ op: 'oack', options: new Map([['windowsize', '16']]) });
    expect(encodeTftp({ op: 'oack', options: new Map([['windowsize', '16']]) })).toEqual(wire);
  });

  it('RFC 1350 §5: DATA, ACK, ERROR, WRQ', () => {
    expect(decodeTftp(bytes('\x00\x03\x01\x02xyz'))).toEqual({ op: 'data', block: 258, bytes: bytes('xyz') });
    expect(decodeTftp(bytes('\x00\x04\xff\xfe'))).toEqual({ op: 'ack', block: 65534 });
    expect(decodeTftp(bytes('\x00\x05\x00\x01File not found\0'))).toEqual({
      op: 'error',
      code: 1,
      message: 'File not found',
    });
    expect(decodeTftp(bytes('\x00\x02f\0octet\0'))).toMatchObject({ op: 'wrq', filename: 'f' });
    expect(encodeTftp({ op: 'ack', block: 65534 })).toEqual(bytes('\x00\x04\xff\xfe'));
    expect(encodeTftp({ op: 'data', block: 258, bytes: bytes('xyz') })).toEqual(bytes('\x00\x03\x01\x02xyz'));
    expect(encodeTftp({ op: 'error', code: 1, message: 'no' })).toEqual(bytes('\x00\x05\x00\x01no\0'));
  });

  it('writes a block header before content that is in place', () => {
    const buffer = bytes('....abc');
    putDataHeader(buffer, 0, 65535);
    expect(buffer).toEqual(bytes('\x00\x03\xff\xffabc'));
  });
});

describe('what clients really send', () => {
  it('capital letters in mode and option names', () => {
    expect(decodeTftp(bytes('\x00\x01f\0OCTET\0BlkSize\x00512\0'))).toMatchObject({
      mode: 'octet',
      options: new Map([['blksize', '512']]),
    });
  });

  it('NULs after the request, and an error text without its NUL', () => {
    expect(decodeTftp(bytes('\x00\x01f\0octet\0\0\0'))).toMatchObject({ options: new Map() });
    expect(decodeTftp(bytes('\x00\x01f\0octet\0\0'))).toMatchObject({ options: new Map() });
    expect(decodeTftp(bytes('\x00\x05\x00\x08gone'))).toMatchObject({ message: 'gone' });
  });

  it('an empty option value', () => {
    expect(decodeTftp(bytes('\x00\x01f\0octet\0tsize\0\0'))).toMatchObject({
      options: new Map([['tsize', '']]),
    });
  });
});

describe('a request that is not quite one', () => {
  it.each<[string, string, Record<string, string>]>([
    ['without its last NUL', 'f\0octet', {}],
    ['without its last NUL, behind an option', 'f\0octet\0blksize\x001432', { blksize: '1432' }],
    ['an option without value', 'f\0octet\0tsize\x000\0blksize\0', { tsize: '0' }],
    ['an option without value or NUL', 'f\0octet\0tsize\x000\0blksize', { tsize: '0' }],
    ['a nameless option', 'f\0octet\0\x00512\0tsize\x000\0', { tsize: '0' }],
    ['an option twice', 'f\0octet\0tsize\x000\0blksize\x001432\0TSIZE\x001\0', { blksize: '1432' }],
    ['an option three times', 'f\0octet\0tsize\x000\0tsize\x000\0tsize\x000\0', {}],
    ['trailing bytes', 'f\0octet\0tsize\x000\0\xff\xff\xfe', { tsize: '0' }],
  ])('%s is read, and what cannot be is left out', (_what, rest, options) => {
    expect(decodeTftp(bytes(`\x00\x01${rest}`))).toEqual({
      op: 'rrq',
      filename: 'f',
      mode: 'octet',
      options: new Map(Object.entries(options)),
    });
  });
});

describe('bad packets', () => {
  it.each([
    ['empty', ''],
    ['one byte', '\x00'],
    ['opcode 0', '\x00\x00'],
    ['opcode 7', '\x00\x07aaaa'],
    ['opcode 256', '\x01\x00aaaa'],
    ['RRQ without NUL', '\x00\x01file'],
    ['RRQ without mode', '\x00\x01file\0'],
    ['ACK cut', '\x00\x04\x00'],
    ['DATA cut', '\x00\x03\x00'],
    ['ERROR cut', '\x00\x05\x00'],
    ['request over 512 bytes', `\x00\x01${'a'.repeat(520)}\0octet\0`],
  ])('%s', (_what, wire) => {
    expect(() => decodeTftp(bytes(wire))).toThrow(MalformedPacket);
  });
});

const name = fc.stringMatching(/^[a-z0-9._/-]{1,60}$/);
const options = fc
  .uniqueArray(fc.tuple(fc.stringMatching(/^[a-z]{1,12}$/), fc.stringMatching(/^[0-9]{1,6}$/)), {
    selector: ([key]) => key,
    maxLength: 5,
  })
  .map((rows) => new Map(rows));
const packets: fc.Arbitrary<TftpPacket> = fc.oneof(
  fc.record({
    op: fc.constantFrom('rrq' as const, 'wrq' as const),
    filename: name,
    mode: fc.constant('octet'),
    options,
  }),
  fc.record({ op: fc.constant('oack' as const), options }),
  fc.record({ op: fc.constant('ack' as const), block: fc.nat({ max: 65535 }) }),
  fc.record({
    op: fc.constant('data' as const),
    block: fc.nat({ max: 65535 }),
    bytes: fc.uint8Array({ maxLength: 100 }),
  }),
  fc.record({ op: fc.constant('error' as const), code: fc.nat({ max: 65535 }), message: name }),
);

describe('properties', () => {
  it('decode(encode(packet)) is the packet', () => {
    fc.assert(
      fc.property(packets, (packet) => {
        expect(decodeTftp(encodeTftp(packet))).toEqual(packet);
      }),
    );
  });

  it('any bytes are a packet or a MalformedPacket', () => {
    const shaped = fc.tuple(fc.nat({ max: 7 }), fc.uint8Array({ maxLength: 80 })).map(([opcode, rest]) => {
      const wire = new Uint8Array(2 + rest.length);
      wire[1] = opcode;
      wire.set(rest, 2);
      return wire;
    });
    fc.assert(
      fc.property(shaped, (wire) => {
        try {
          decodeTftp(wire);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedPacket);
        }
      }),
      { numRuns: 20_000 },
    );
  });
});
