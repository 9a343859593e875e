import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeAsf, encodeAsf, presencePong } from '../../../../src/protocol/ipmi/asf.js';
import { bootDeviceOf, decodeBootFlags, encodeBootFlags } from '../../../../src/protocol/ipmi/boot-flags.js';
import {
  CIPHER_SUITES,
  decodeSuiteIds,
  encodeSuiteRecords,
} from '../../../../src/protocol/ipmi/cipher-suite.js';
import { checksum, decodeMessage, encodeMessage } from '../../../../src/protocol/ipmi/message.js';
import { decodeRmcp, encodeRmcp } from '../../../../src/protocol/ipmi/rmcp.js';
import { decodeSessionV15, encodeSessionV15 } from '../../../../src/protocol/ipmi/session-header.js';
import { MalformedPacket } from '../../../../src/protocol/malformed-packet.js';

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));
const octet = fc.integer({ min: 0, max: 255 });

describe('IPMI messages', () => {
  // Sent by ipmitool 1.8.19: Get Channel Authentication Capabilities, channel 0x0e, administrator.
  const discovery = bytes('0600ff07000000000000000000092018c88100388e04b5');

  it("reads ipmitool's first packet layer by layer and writes it back", () => {
    const rmcp = decodeRmcp(discovery);
    expect(rmcp).toMatchObject({ sequence: 0xff, messageClass: 7, acknowledge: false });
    const session = decodeSessionV15(rmcp.body);
    expect(session).toMatchObject({ authType: 0, sequence: 0, sessionId: 0 });
    const message = decodeMessage(session.payload);
    expect(message).toEqual({
      kind: 'request',
      responder: { address: 0x20, lun: 0 },
      requester: { address: 0x81, lun: 0 },
      sequence: 0,
      netFn: 6,
      command: 0x38,
      data: bytes('8e04'),
    });
    const body = encodeSessionV15({ ...session, payload: encodeMessage(message) });
    expect(encodeRmcp({ ...rmcp, body })).toEqual(discovery);
  });

  it('reads the IPMI 1.5 wrapper with and without an authentication code', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(0, 2, 4),
        fc.integer({ min: 0, max: 0xffffffff }),
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        fc.uint8Array({ maxLength: 255 }),
        (authType, sessionId, authCode, payload) => {
          const session = { authType, sequence: 5, sessionId, ...(authType ? { authCode } : {}), payload };
          expect(decodeSessionV15(encodeSessionV15(session))).toEqual(session);
        },
      ),
      { numRuns: 100 },
    );
    expect(() => decodeSessionV15(bytes('06'.repeat(30)))).toThrow(MalformedPacket);
  });

  it('knows the checksum of IPMI 2.0 §13.8', () => {
    expect(checksum(bytes('2018'))).toBe(0xc8);
    expect(checksum(bytes('8100388e04'))).toBe(0xb5);
    expect(checksum(new Uint8Array())).toBe(0);
  });

  const message = fc.record({
    responder: fc.record({ address: octet, lun: fc.integer({ min: 0, max: 3 }) }),
    requester: fc.record({ address: octet, lun: fc.integer({ min: 0, max: 3 }) }),
    sequence: fc.integer({ min: 0, max: 63 }),
    netFn: fc.integer({ min: 0, max: 31 }).map((n) => n * 2),
    command: octet,
    data: fc.uint8Array({ maxLength: 60 }),
  });
  it('gives back every request and response', () => {
    fc.assert(
      fc.property(message, octet, (common, completionCode) => {
        const request = { kind: 'request' as const, ...common };
        expect(decodeMessage(encodeMessage(request))).toEqual(request);
        const response = { kind: 'response' as const, ...common, completionCode };
        expect(decodeMessage(encodeMessage(response))).toEqual(response);
      }),
      { numRuns: 200 },
    );
  });

  it('refuses a message with any byte changed', () => {
    const good = bytes('2018c88100388e04b5');
    for (let at = 0; at < good.length; at++) {
      const changed = good.slice();
      changed[at]! ^= 0x10;
      expect(() => decodeMessage(changed), `byte ${at}`).toThrow(MalformedPacket);
    }
  });
});

describe('ASF presence', () => {
  it('answers a ping as DSP0136 §3.2.4.3 lays it out', () => {
    expect(decodeAsf(bytes('000011be80420000'))).toEqual({
      type: 0x80,
      tag: 0x42,
      payload: new Uint8Array(),
    });
    expect(Buffer.from(encodeAsf(presencePong(0x42))).toString('hex')).toBe(
      '000011be40420010000011be000000008100000000000000',
    );
    expect(() => decodeAsf(bytes('000011bf80420000'))).toThrow(
      new MalformedPacket(0, 'not the ASF enterprise'),
    );
    expect(() => decodeAsf(bytes('000011be80420001'))).toThrow(MalformedPacket);
  });
});

describe('boot flags', () => {
  it('reads what ipmitool sends for pxe, efi and persistent, and the raw command for one UEFI disk boot', () => {
    expect(decodeBootFlags(bytes('e004000000'))).toMatchObject({
      valid: true,
      persistent: true,
      efi: true,
      selector: 1,
    });
    const disk = decodeBootFlags(bytes('a008000000'));
    expect(disk).toMatchObject({ valid: true, persistent: false, efi: true });
    expect(bootDeviceOf(disk.selector)).toBe('disk');
    expect(encodeBootFlags(disk)).toEqual(bytes('a008000000'));
    expect(() => decodeBootFlags(bytes('a0080000'))).toThrow(MalformedPacket);
  });
});

describe('cipher suite records', () => {
  it('are those of table 22-19', () => {
    const records = encodeSuiteRecords(CIPHER_SUITES);
    expect(Buffer.from(records).toString('hex')).toBe('c003014181' + 'c011034481');
    expect(decodeSuiteIds(records)).toEqual([3, 17]);
    expect(decodeSuiteIds(bytes('c18011223301' + 'c000004080'))).toEqual([0]);
    expect(() => decodeSuiteIds(bytes('0300'))).toThrow(MalformedPacket);
  });
});
