import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CIPHER_SUITES } from '../../../../src/protocol/ipmi/cipher-suite.js';
import { CHASSIS, NET_FN } from '../../../../src/protocol/ipmi/command.js';
import { decodeMessage } from '../../../../src/protocol/ipmi/message.js';
import {
  decodeOpenSessionRequest,
  decodeOpenSessionResponse,
  decodeRakp1,
  decodeRakp2,
  decodeRakp3,
  decodeRakp4,
  encodeOpenSessionRequest,
  encodeOpenSessionResponse,
  encodeRakp1,
  encodeRakp2,
  encodeRakp3,
  encodeRakp4,
} from '../../../../src/protocol/ipmi/rakp.js';
import { decodeRmcp } from '../../../../src/protocol/ipmi/rmcp.js';
import {
  type IpmiCrypto,
  openPacket,
  rakp2Code,
  rakp3Code,
  rakp4Check,
  sealPacket,
  sessionKeys,
} from '../../../../src/protocol/ipmi/security.js';
import { decodeSessionV20, PAYLOAD } from '../../../../src/protocol/ipmi/session-header.js';
import { MalformedPacket } from '../../../../src/protocol/malformed-packet.js';

const crypto: IpmiCrypto = {
  hmac: (hash, key, message) => createHmac(hash, key).update(message).digest(),
  encrypt: (key, iv, plain) => {
    const cipher = createCipheriv('aes-128-cbc', key, iv).setAutoPadding(false);
    return Buffer.concat([cipher.update(plain), cipher.final()]);
  },
  decrypt: (key, iv, sealed) => {
    const decipher = createDecipheriv('aes-128-cbc', key, iv).setAutoPadding(false);
    return Buffer.concat([decipher.update(sealed), decipher.final()]);
  },
  random: (length) => new Uint8Array(length).fill(7),
};

// `ipmitool 1.8.19 -I lanplus -U admin -C n power status`, password "secret": what it sent, and the codes and
// keys that it computed itself (RAKP 3 and K1 are its own; RAKP 2 and 4 it checked).
const SESSIONS = [
  {
    suite: 3,
    open: '0600ff0706100000000000000000200000000000a4a3a2a0000000080100000001000008010000000200000801000000',
    opened:
      '0600ff0706110000000000000000240000000400a4a3a2a0eae6e513000000080100000001000008010000000200000801000000',
    rakp1:
      '0600ff0706120000000000000000210000000000eae6e513af36952d13ee5b2ce547c3bafd62e41b1400000561646d696e',
    rakp2:
      '0600ff07061300000000000000003c0000000000a4a3a2a01e420b98db3521684708c8d5de88f0e400112233445566778899aabbccddeeff03c1b5ab9147e6da4c53bed6229e46ad88b38dd8',
    rakp3: '0600ff07061400000000000000001c0000000000eae6e513ba70a24b44507155a561e32c537aa27c784d1446',
    rakp4: '0600ff0706150000000000000000140000000000a4a3a2a05f6ae468e7626e4139247f27',
    status:
      '0600ff0706c0eae6e513080000002000ced5c85e5a91b8cbac35214f843c41b026a3c15ec4c5bed9383123eb261f5831ffff0207f70e17ff81567bede29cf688',
    k1: undefined,
    k2: undefined,
  },
  {
    suite: 17,
    open: '0600ff0706100000000000000000200000000000a4a3a2a0000000080300000001000008040000000200000801000000',
    opened:
      '0600ff0706110000000000000000240000000400a4a3a2a0e149ecc2000000080300000001000008040000000200000801000000',
    rakp1:
      '0600ff0706120000000000000000210000000000e149ecc2bb6da39119a2d35b4c422c9ad2c6f78d1400000561646d696e',
    rakp2:
      '0600ff0706130000000000000000480000000000a4a3a2a0b78ede82a70e857e55129e144a9e3dd200112233445566778899aabbccddeeff4b0556f9242d1a0409e772ef1f15a30a8bccf19ec834dbdeec5a815c4bef0540',
    rakp3:
      '0600ff0706140000000000000000280000000000e149ecc256424409878e3db57133d0cb2c071b1e62f98c835a20c0b8a685a1aa614c9d0c',
    rakp4: '0600ff0706150000000000000000180000000000a4a3a2a0709bac1ca9fdfb1155d5539542133b32',
    status:
      '0600ff0706c0e149ecc20800000020007ec2f0f01a6134cfee936e79a16466eada9ebc5e6c2aec2f48e0754b10edd8a1ffff0207f0b4ee7aac311cb9379cfdf0c456d07e',
    k1: '24c423c7483a2d410e7e20cd7297b5bfa72ee09994985c9f9912ff6b5367daf0',
    k2: '041d69240b5ddfe2836b3569300bf90c9896707732ddc6f831de7199213947ad',
  },
] as const;

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));
const hex = (octets: Uint8Array) => Buffer.from(octets).toString('hex');
const payloadOf = (packet: string) => decodeSessionV20(decodeRmcp(bytes(packet)).body).payload;

describe.each(SESSIONS)('a session of ipmitool with suite $suite', (session) => {
  const suite = CIPHER_SUITES.find((candidate) => candidate.id === session.suite)!;
  const password = new TextEncoder().encode('secret');
  const open = decodeOpenSessionRequest(payloadOf(session.open));
  const rakp1 = decodeRakp1(payloadOf(session.rakp1));
  const rakp2 = decodeRakp2(payloadOf(session.rakp2));
  const handshake = {
    consoleSessionId: open.consoleSessionId,
    managedSessionId: rakp1.managedSessionId,
    consoleRandom: rakp1.consoleRandom,
    managedRandom: rakp2.managedRandom,
    guid: rakp2.guid,
    role: rakp1.role,
    username: rakp1.username,
  };
  const keys = sessionKeys(crypto, suite, password, handshake);

  it('reads and writes the five set-up messages byte by byte', () => {
    expect(open).toMatchObject({
      consoleSessionId: 0xa0a2a3a4,
      algorithms: { authentication: suite.authentication, integrity: suite.integrity, confidentiality: 1 },
    });
    expect(new TextDecoder().decode(rakp1.username)).toBe('admin');
    expect(rakp1.role).toBe(0x14);
    expect(hex(rakp2.guid)).toBe('00112233445566778899aabbccddeeff');
    expect(encodeOpenSessionRequest(open)).toEqual(payloadOf(session.open));
    expect(encodeOpenSessionResponse(decodeOpenSessionResponse(payloadOf(session.opened)))).toEqual(
      payloadOf(session.opened),
    );
    expect(encodeRakp1(rakp1)).toEqual(payloadOf(session.rakp1));
    expect(encodeRakp2(rakp2)).toEqual(payloadOf(session.rakp2));
    expect(encodeRakp3(decodeRakp3(payloadOf(session.rakp3)))).toEqual(payloadOf(session.rakp3));
    expect(encodeRakp4(decodeRakp4(payloadOf(session.rakp4)))).toEqual(payloadOf(session.rakp4));
  });

  it('computes the codes and keys that ipmitool computed', () => {
    expect(hex(rakp2Code(crypto, suite, password, handshake))).toBe(hex(rakp2.authCode));
    const rakp3 = decodeRakp3(payloadOf(session.rakp3));
    expect(hex(rakp3Code(crypto, suite, password, handshake))).toBe(hex(rakp3.authCode));
    const rakp4 = decodeRakp4(payloadOf(session.rakp4));
    expect(hex(rakp4Check(crypto, suite, keys, handshake))).toBe(hex(rakp4.integrityCheck));
    if (session.k1 !== undefined) expect([hex(keys.k1), hex(keys.k2)]).toEqual([session.k1, session.k2]);
  });

  it("opens ipmitool's encrypted Get Chassis Status", () => {
    const { body } = decodeRmcp(bytes(session.status));
    const message = decodeMessage(openPacket(crypto, suite, keys, body, decodeSessionV20(body)));
    expect(message).toMatchObject({ kind: 'request', netFn: NET_FN.chassis, command: CHASSIS.getStatus });
    expect(message.responder).toEqual({ address: 0x20, lun: 0 });
    expect(message.requester).toEqual({ address: 0x81, lun: 0 });
  });

  it('refuses the same packet with any byte changed', () => {
    const { body } = decodeRmcp(bytes(session.status));
    for (let at = 0; at < body.length; at++) {
      const changed = body.slice();
      changed[at]! ^= 0x01;
      const read = () => openPacket(crypto, suite, keys, changed, decodeSessionV20(changed));
      expect(read, `byte ${at}`).toThrow(MalformedPacket);
    }
  });

  it('opens what it sealed, whatever the length', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 80 }),
        fc.integer({ min: 1, max: 0xffffffff }),
        (payload, sequence) => {
          const header = { payloadType: PAYLOAD.ipmi, sessionId: 0xfffffffe, sequence, payload };
          const sealed = sealPacket(crypto, suite, keys, header);
          expect(sealed.length % 4).toBe(suite.integrityLength % 4);
          const packet = decodeSessionV20(sealed);
          expect(packet).toMatchObject({ sessionId: 0xfffffffe, sequence });
          expect(openPacket(crypto, suite, keys, sealed, packet)).toEqual(Buffer.from(payload));
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('hostile bytes', () => {
  const decoders = {
    decodeRmcp,
    decodeSessionV20,
    decodeMessage,
    decodeOpenSessionRequest,
    decodeOpenSessionResponse,
    decodeRakp1,
    decodeRakp2,
    decodeRakp3,
    decodeRakp4,
  };
  const valid = SESSIONS.flatMap((s) => [s.open, s.opened, s.rakp1, s.rakp2, s.rakp3, s.rakp4, s.status]);
  it.each(Object.entries(decoders))('%s answers or throws MalformedPacket, nothing else', (_, decode) => {
    const mangled = fc
      .tuple(fc.constantFrom(...valid), fc.nat(80), fc.nat(80), fc.uint8Array({ maxLength: 8 }))
      .map(([packet, from, length, patch]) => {
        const start = bytes(packet).slice(from, from + length);
        start.set(patch.subarray(0, start.length));
        return start;
      });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), mangled), (input) => {
        try {
          decode(input);
        } catch (error) {
          if (!(error instanceof MalformedPacket)) throw error;
          expect(error.offset).toBeLessThanOrEqual(input.length);
        }
      }),
      { numRuns: 400 },
    );
  });
});
