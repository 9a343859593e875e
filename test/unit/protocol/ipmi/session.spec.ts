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
import { RECORDED } from './recorded-sessions.js';

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

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));
const hex = (octets: Uint8Array) => Buffer.from(octets).toString('hex');
const payloadOf = (packet: string) => decodeSessionV20(decodeRmcp(bytes(packet)).body).payload;

describe.each(RECORDED)('a session of ipmitool with suite $suite', (session) => {
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
  const valid = RECORDED.flatMap((s) => [s.open, s.opened, s.rakp1, s.rakp2, s.rakp3, s.rakp4, s.status]);
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
