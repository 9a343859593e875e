import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  fromLatin1,
  getOption,
  OPTIONS,
  type OptionMap,
  optionFault,
  userClasses,
} from '../../../../src/protocol/dhcp4/options.js';
import {
  type Dhcp4Packet,
  decodeDhcp4,
  encodeDhcp4,
  formatMac,
} from '../../../../src/protocol/dhcp4/packet.js';
import { MalformedPacket } from '../../../../src/protocol/malformed-packet.js';
import { DHCLIENT, IPXE_BIOS, OVMF_PXE, UDHCPC_PXE } from '../../../support/netboot/recorded-dhcp.js';

/** A header with the magic cookie and the given options. */
function message(options: number[], change: (bytes: Uint8Array) => void = () => undefined): Uint8Array {
  const bytes = new Uint8Array(240 + options.length);
  bytes.set([1, 1, 6, 0]);
  bytes.set([0x63, 0x82, 0x53, 0x63], 236);
  bytes.set(options, 240);
  change(bytes);
  return bytes;
}

function fault(bytes: Uint8Array): MalformedPacket {
  try {
    decodeDhcp4(bytes);
  } catch (error) {
    if (error instanceof MalformedPacket) return error;
    throw error;
  }
  throw new Error('was decoded');
}

describe('datagrams recorded from clients', () => {
  it('udhcpc with PXE options', () => {
    const packet = decodeDhcp4(UDHCPC_PXE);
    expect(packet).toMatchObject({ op: 'request', htype: 1, xid: 0x27f4433e, flags: 0, ciaddr: '0.0.0.0' });
    expect(formatMac(packet.chaddr)).toBe('e2:5f:4f:0b:37:a8');
    expect(getOption(packet.options, 'message_type')).toBe(1);
    expect(getOption(packet.options, 'max_message_size')).toBe(576);
    expect(getOption(packet.options, 'parameter_list')).toEqual([1, 3, 6, 12, 15, 28, 42, 66, 67]);
    expect(getOption(packet.options, 'host_name')).toBe('bm1');
    expect(getOption(packet.options, 'vendor_class')).toBe('PXEClient:Arch:00007:UNDI:003000');
    expect(getOption(packet.options, 'client_arch')).toEqual([7]);
    expect(getOption(packet.options, 'client_uuid')).toHaveLength(17);
    expect(userClasses(getOption(packet.options, 'user_class') as Uint8Array)).toEqual(['iPXE']);
  });

  it('dhclient, padded to the BOOTP length', () => {
    const packet = decodeDhcp4(DHCLIENT);
    expect(DHCLIENT).toHaveLength(300);
    expect(packet.secs).toBe(3);
    expect([...packet.options.keys()]).toEqual([53, 55]);
  });

  it('iPXE in a BIOS machine', () => {
    const packet = decodeDhcp4(IPXE_BIOS);
    expect(getOption(packet.options, 'client_arch')).toEqual([0]);
    expect(getOption(packet.options, 'ipxe')).toHaveLength(48);
    expect(getOption(packet.options, 'client_id')).toEqual(Uint8Array.of(1, 0x52, 0x54, 0, 0x11, 0x22, 0x33));
  });

  it('OVMF, which asks for broadcast answers', () => {
    const packet = decodeDhcp4(OVMF_PXE);
    expect(packet.flags).toBe(0x8000);
    expect(getOption(packet.options, 'client_arch')).toEqual([7]);
    expect(getOption(packet.options, 'client_interface')).toEqual(Uint8Array.of(1, 3, 0));
  });

  it.each([
    ['udhcpc', UDHCPC_PXE],
    ['dhclient', DHCLIENT],
    ['iPXE', IPXE_BIOS],
    ['OVMF', OVMF_PXE],
  ])('%s: written again it is the same, byte by byte', (_name, bytes) => {
    const again = encodeDhcp4(decodeDhcp4(bytes));
    expect(Buffer.from(again.subarray(0, bytes.length))).toEqual(Buffer.from(bytes));
  });
});

describe('option overload (52) and split options', () => {
  it('reads options in file and sname, joined in the order of RFC 3396', () => {
    const packet = decodeDhcp4(
      message([52, 1, 3, 60, 2, 65, 66, 255], (bytes) => {
        bytes.set([60, 1, 67, 255], 108); // file
        bytes.set([60, 1, 68, 12, 1, 104, 255], 44); // sname
      }),
    );
    expect(getOption(packet.options, 'vendor_class')).toBe('ABCD');
    expect(getOption(packet.options, 'host_name')).toBe('h');
    expect(packet.file).toBe('');
    expect(packet.sname).toBe('');
  });

  it('leaves the fields alone without option 52', () => {
    const packet = decodeDhcp4(message([255], (bytes) => bytes.set(fromLatin1('pxelinux.0'), 108)));
    expect(packet.file).toBe('pxelinux.0');
  });

  it('reads a field that fills its whole length', () => {
    expect(decodeDhcp4(message([255], (bytes) => bytes.fill(65, 108, 236))).file).toHaveLength(128);
  });

  it('does not loop: 52 inside an overloaded field is passed over', () => {
    const packet = decodeDhcp4(
      message([53, 1, 1, 52, 1, 1, 255], (bytes) => {
        bytes.set([52, 1, 2, 12, 1, 65, 255], 108);
        bytes.set([12, 1, 66, 255], 44);
      }),
    );
    expect(packet.faults).toEqual(['option 52 (overload) inside the overloaded field at byte 108']);
    expect(packet.options).toEqual(
      new Map([
        [53, Uint8Array.of(1)],
        [52, Uint8Array.of(1)],
        [12, Uint8Array.of(65)],
      ]),
    );
  });

  it.each([
    ['0', [52, 1, 0]],
    ['4', [52, 1, 4]],
    ['two bytes', [52, 2, 1, 1]],
    ['no byte', [52, 0]],
    ['twice', [52, 1, 1, 52, 1, 1]],
  ])('passes over 52 with %s', (_what, options) => {
    const packet = decodeDhcp4(message([53, 1, 1, ...options, 255], (bytes) => bytes.set([65], 108)));
    expect(packet.faults).toEqual(['option 52 (overload) is not 1, 2 or 3']);
    expect(packet).toMatchObject({ file: 'A', options: new Map([[53, Uint8Array.of(1)]]) });
  });
});

describe('an option that cannot be read is passed over and noted, and the rest is read', () => {
  const sound = [53, 1, 3, 61, 3, 1, 2, 3];
  const fits = (row: (typeof OPTIONS)[number], length: number) =>
    optionFault(row.code, new Uint8Array(length)) === null;

  it.each(OPTIONS.filter((row) => row.code !== 52 && row.code !== 53))(
    '$code $name, of every length',
    (row) => {
      const faulty = Array.from({ length: 40 }, (_, length) => length).filter((length) => !fits(row, length));
      expect(faulty).toContain(0);
      for (const length of faulty) {
        const packet = decodeDhcp4(
          message([row.code, length, ...Array(length).fill(1), ...sound.slice(0, 3), 255]),
        );
        expect(packet.faults).toEqual([`option ${row.code} (${row.name}) has ${length} bytes`]);
        expect([...packet.options.keys()]).toEqual([53]);
        expect(getOption(packet.options, row.name)).toBeUndefined();
      }
    },
  );

  it.each([
    ['without a length', [12]],
    ['without a value', [12, 9]],
    ['with half of its value', [12, 9, 65]],
    ['that is a list', [6, 8, 10, 0, 0, 1]],
  ])('a cut last option %s', (_what, cut) => {
    const packet = decodeDhcp4(message([...sound, ...cut]));
    expect(packet.faults).toEqual([`option ${cut[0]} at byte 248 runs over the end`]);
    expect([...packet.options.keys()]).toEqual([53, 61]);
  });

  it('a cut option in an overloaded field', () => {
    const packet = decodeDhcp4(
      message([...sound, 52, 1, 3, 255], (b) => {
        b.set([12, 200], 108);
        b.set([60, 1, 65, 255], 44);
      }),
    );
    expect(packet.faults).toEqual(['option 12 at byte 108 runs over the end']);
    expect(getOption(packet.options, 'vendor_class')).toBe('A');
  });

  it('one that is repeated and cannot be split counts as it first stood', () => {
    const packet = decodeDhcp4(message([53, 1, 1, 57, 2, 2, 64, 53, 1, 3, 57, 2, 4, 0, 255]));
    expect(getOption(packet.options, 'message_type')).toBe(1);
    expect(getOption(packet.options, 'max_message_size')).toBe(576);
    expect(packet.faults).toHaveLength(2);
  });

  it('a sound packet has none', () => {
    for (const bytes of [UDHCPC_PXE, DHCLIENT, IPXE_BIOS, OVMF_PXE]) {
      expect(decodeDhcp4(bytes)).not.toHaveProperty('faults');
    }
  });
});

describe('bad datagrams name the byte', () => {
  it.each([
    ['empty', new Uint8Array(0), 0],
    ['header cut', message([]).subarray(0, 239), 239],
    ['op 3', message([255], (b) => b.set([3])), 0],
    ['hlen 17', message([255], (b) => b.set([17], 2)), 2],
    ['hlen 255', message([255], (b) => b.set([255], 2)), 2],
    ['no cookie', message([255], (b) => b.set([0], 236)), 236],
  ])('%s', (_what, bytes, offset) => {
    expect(fault(bytes).offset).toBe(offset);
  });

  it('takes options that end with the datagram, without End', () => {
    expect(getOption(decodeDhcp4(message([53, 1, 1])).options, 'message_type')).toBe(1);
  });

  it('keeps options it does not know', () => {
    expect(decodeDhcp4(message([224, 2, 1, 2, 255])).options.get(224)).toEqual(Uint8Array.of(1, 2));
  });
});

describe('encode', () => {
  it('splits a value over 255 bytes and pads to 300', () => {
    const base = decodeDhcp4(DHCLIENT);
    const long: OptionMap = new Map([[43, new Uint8Array(300).fill(7)]]);
    const bytes = encodeDhcp4({ ...base, options: long });
    expect([...bytes.subarray(240, 242)]).toEqual([43, 255]);
    expect([...bytes.subarray(497, 499)]).toEqual([43, 45]);
    expect(encodeDhcp4({ ...base, options: new Map() })).toHaveLength(300);
  });

  it('refuses texts that do not fit', () => {
    const base = decodeDhcp4(DHCLIENT);
    expect(() => encodeDhcp4({ ...base, file: 'x'.repeat(128) })).toThrow(RangeError);
    expect(() => encodeDhcp4({ ...base, sname: 'x'.repeat(64) })).toThrow(RangeError);
    expect(() => encodeDhcp4({ ...base, yiaddr: '300.1.1.1' })).toThrow(RangeError);
  });

  it('refuses options of a length that they cannot have', () => {
    const base = decodeDhcp4(DHCLIENT);
    for (const [code, length] of [
      [1, 3],
      [6, 0],
      [51, 5],
      [61, 1],
      [97, 16],
    ] as const) {
      const options = new Map([[code, new Uint8Array(length)]]);
      expect(() => encodeDhcp4({ ...base, options })).toThrow(`option ${code}`);
    }
  });
});

const address = fc.ipV4();
const packets: fc.Arbitrary<Dhcp4Packet> = fc.record({
  op: fc.constantFrom('request' as const, 'reply' as const),
  htype: fc.integer({ min: 0, max: 255 }),
  hops: fc.integer({ min: 0, max: 255 }),
  xid: fc.nat({ max: 0xffffffff }),
  secs: fc.nat({ max: 0xffff }),
  flags: fc.nat({ max: 0xffff }),
  ciaddr: address,
  yiaddr: address,
  siaddr: address,
  giaddr: address,
  chaddr: fc.uint8Array({ maxLength: 16 }),
  sname: fc.stringMatching(/^[a-z0-9.]{0,63}$/),
  file: fc.stringMatching(/^[a-z0-9./]{0,127}$/),
  // Codes of the table have lengths of their own; 128 and up are free but for 150 and 175.
  options: fc
    .uniqueArray(fc.tuple(fc.integer({ min: 200, max: 254 }), fc.uint8Array({ maxLength: 600 })), {
      selector: ([code]) => code,
      maxLength: 8,
    })
    .map((rows) => new Map(rows)),
});

describe('properties', () => {
  it('decode(encode(packet)) is the packet', () => {
    fc.assert(
      fc.property(packets, (packet) => {
        expect(decodeDhcp4(encodeDhcp4(packet))).toEqual(packet);
      }),
      { numRuns: 500 },
    );
  });

  it('any bytes are either a packet or a MalformedPacket, nothing else', () => {
    const shaped = fc
      .tuple(fc.uint8Array({ minLength: 240, maxLength: 600 }), fc.constantFrom(52, 53, 82, 93, 97))
      .map(([bytes, code]) => {
        bytes.set([1, 1, 6], 0);
        bytes.set([0x63, 0x82, 0x53, 0x63], 236);
        if (bytes.length > 250) bytes.set([code], 240);
        return bytes;
      });
    fc.assert(
      fc.property(fc.oneof(shaped, fc.uint8Array({ maxLength: 600 })), (bytes) => {
        try {
          decodeDhcp4(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedPacket);
        }
      }),
      { numRuns: 10_000 },
    );
  });

  it('real datagrams with bytes changed or cut, ten thousand of each', () => {
    let refused = 0;
    let seed = 1;
    const random = (below: number) => {
      seed = (seed * 1103515245 + 12345) & 0x7fffffff;
      return seed % below;
    };
    for (const original of [UDHCPC_PXE, DHCLIENT, IPXE_BIOS, OVMF_PXE]) {
      for (let i = 0; i < 10_000; i++) {
        const bytes = original.slice(0, random(4) === 0 ? random(original.length) : undefined);
        for (let n = 1 + random(4); n > 0 && bytes.length > 0; n--) {
          bytes[random(2) ? random(bytes.length) : Math.min(bytes.length - 1, 240 + random(60))] =
            random(256);
        }
        try {
          decodeDhcp4(bytes);
        } catch (error) {
          if (!(error instanceof MalformedPacket)) throw error;
          refused++;
        }
      }
    }
    expect(refused).toBeGreaterThan(1_000);
  });
});
