import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Received } from '../../../../src/netboot/dhcp/question.js';
import { dhcpSettings } from '../../../../src/netboot/dhcp/settings.js';
import { decodeDhcp4, encodeDhcp4 } from '../../../../src/protocol/dhcp4/packet.js';
import { MalformedPacket } from '../../../../src/protocol/malformed-packet.js';
import { CLIENT_MAC, clientPacket } from '../../../support/netboot/dhcp-client.js';
import {
  ask,
  known,
  local,
  option,
  proxy,
  reply,
  section,
  server,
  silence,
} from '../../../support/netboot/dhcp-exchange.js';
import { IPXE_BIOS, OVMF_PXE, UDHCPC_PXE } from '../../../support/netboot/recorded-dhcp.js';

describe('an address', () => {
  it('is offered to a known port, with the network it is in', () => {
    const offer = reply(clientPacket('discover'));
    expect(offer.reply).toMatchObject({ op: 'reply', yiaddr: '10.77.0.101', xid: 0x1234, ciaddr: '0.0.0.0' });
    expect(offer).toMatchObject({ to: { address: '255.255.255.255', port: 68 }, binds: null });
    expect(Object.fromEntries(offer.reply.options)).toEqual({
      53: Uint8Array.of(2),
      54: Uint8Array.of(10, 77, 0, 1),
      51: Uint8Array.of(0, 0, 2, 88),
      58: Uint8Array.of(0, 0, 1, 44),
      59: Uint8Array.of(0, 0, 2, 13),
      1: Uint8Array.of(255, 255, 255, 0),
      28: Uint8Array.of(10, 77, 0, 255),
      3: Uint8Array.of(10, 77, 0, 1),
      6: Uint8Array.of(10, 77, 0, 2, 10, 77, 0, 3),
      15: Uint8Array.from(Buffer.from('rack.example')),
      12: Uint8Array.from(Buffer.from('bm-1')),
    });
  });

  it('is acknowledged when it is the one asked for, and bound', () => {
    const ack = reply(clientPacket('request', { 50: [10, 77, 0, 101], 54: [10, 77, 0, 1] }));
    expect(option(ack, 'message_type')).toBe(5);
    expect(ack.binds).toBe('10.77.0.101');
  });

  it('renewed: answered at the address itself', () => {
    const ack = reply(clientPacket('request', {}, { ciaddr: '10.77.0.101' }));
    expect(ack.to).toEqual({ address: '10.77.0.101', port: 68 });
    expect(ack.reply).toMatchObject({ ciaddr: '10.77.0.101', yiaddr: '10.77.0.101' });
  });

  it.each([
    ['another address (init-reboot)', clientPacket('request', { 50: [10, 77, 0, 102] })],
    ['an address of another network', clientPacket('request', {}, { ciaddr: '192.168.1.5' })],
  ])('%s is refused with NAK, by broadcast', (_what, packet) => {
    const nak = reply(packet);
    expect(option(nak, 'message_type')).toBe(6);
    expect(nak).toMatchObject({ to: { address: '255.255.255.255' }, binds: null });
    expect(nak.reply).toMatchObject({ yiaddr: '0.0.0.0', ciaddr: '0.0.0.0' });
    expect(nak.reply.options.has(51)).toBe(false);
  });

  it('sends the client id back (RFC 6842)', () => {
    expect(option(reply(clientPacket('discover', { 61: [1, 2, 3] })), 'client_id')).toEqual(
      Uint8Array.of(1, 2, 3),
    );
  });

  it('inform: the network without an address or a lease', () => {
    const ack = reply(clientPacket('inform', {}, { ciaddr: '10.77.0.50' }), { ...known, address: null });
    expect(ack.reply.yiaddr).toBe('0.0.0.0');
    expect(option(ack, 'lease_time')).toBeUndefined();
    expect(option(ack, 'subnet_mask')).toBe('255.255.255.0');
    expect(ack.to.address).toBe('10.77.0.50');
  });
});

describe('silence', () => {
  const to = (id: number[]) => clientPacket('request', { 50: [10, 77, 0, 101], 54: id });
  it.each<[string, ReturnType<typeof ask> | string]>([
    ['unknown MAC', silence(clientPacket('discover'), { ...known, port: null })],
    ['meant for the server 10.77.0.9', silence(to([10, 77, 0, 9]))],
    ['no address is free for it', silence(clientPacket('discover'), { ...known, address: null })],
    ['not a request', silence(clientPacket('discover', {}, { op: 'reply' }))],
    ['not an Ethernet client', silence(clientPacket('discover', {}, { htype: 32 }))],
    ['not an Ethernet client', silence(clientPacket('discover', {}, { chaddr: new Uint8Array(8) }))],
    ['request without an address', silence(clientPacket('request', { 54: [10, 77, 0, 1] }))],
    ['inform without an address', silence(clientPacket('inform'))],
    ['inform from outside of our networks', silence(clientPacket('inform', {}, { ciaddr: '8.8.8.8' }))],
    ["a server's message: offer", silence(clientPacket('offer'))],
    ['relay 10.99.0.1 is not listed', silence(clientPacket('discover', {}, { giaddr: '10.99.0.1' }))],
    [
      'no network is configured for it',
      silence(clientPacket('discover'), known, dhcpSettings(section(), '10.50.0.1')),
    ],
  ])('%s', (expected, got) => {
    expect(got).toBe(expected);
  });

  it('plain BOOTP', () => {
    const packet = clientPacket('discover');
    packet.options.delete(53);
    expect(silence(packet)).toBe('plain BOOTP');
  });

  const at = (address: string): Received => ({ ...local, address });

  it.each<[string, ReturnType<typeof ask>]>([
    [
      'from another address',
      ask(
        clientPacket('release', { 54: [10, 77, 0, 1] }, { ciaddr: '10.77.0.101' }),
        known,
        server,
        at('10.77.0.66'),
      ),
    ],
    ['from no address', ask(clientPacket('release', { 54: [10, 77, 0, 1] }, { ciaddr: '10.77.0.101' }))],
    [
      'through a relay',
      ask(
        clientPacket('release', { 54: [10, 77, 0, 1] }, { ciaddr: '10.78.0.7', giaddr: '10.78.0.1' }),
        known,
        server,
        at('10.78.0.1'),
      ),
    ],
    [
      'of an address of no network',
      ask(
        clientPacket('release', { 54: [10, 77, 0, 1] }, { ciaddr: '10.99.0.7' }),
        known,
        server,
        at('10.99.0.7'),
      ),
    ],
    [
      'declined: of another network',
      ask(clientPacket('decline', { 50: [10, 78, 0, 7], 54: [10, 77, 0, 1] })),
    ],
    [
      'declined: of another network than its relay’s',
      ask(clientPacket('decline', { 50: [10, 77, 0, 101], 54: [10, 77, 0, 1] }, { giaddr: '10.78.0.1' })),
    ],
    [
      'declined: by one that uses an address',
      ask(clientPacket('decline', { 50: [10, 77, 0, 101], 54: [10, 77, 0, 1] }, { ciaddr: '10.77.0.101' })),
    ],
  ])('what is given back %s counts for nothing', (_what, got) => {
    expect(got).toHaveProperty('silence');
    expect(got).not.toHaveProperty('effect');
  });

  it('a release comes through a router from the address itself', () => {
    const packet = clientPacket('release', { 54: [10, 77, 0, 1] }, { ciaddr: '10.78.0.7' });
    expect(ask(packet, known, server, at('10.78.0.7'))).toMatchObject({
      effect: { kind: 'release', ip: '10.78.0.7' },
    });
  });

  it('decline and release are remembered, for our own server id only', () => {
    const declined = clientPacket('decline', { 50: [10, 77, 0, 101], 54: [10, 77, 0, 1] });
    expect(ask(declined)).toMatchObject({ effect: { kind: 'decline', mac: CLIENT_MAC, ip: '10.77.0.101' } });
    const released = clientPacket('release', { 54: [10, 77, 0, 1] }, { ciaddr: '10.77.0.101' });
    expect(ask(released, known, server, at('10.77.0.101'))).toMatchObject({
      effect: { kind: 'release', ip: '10.77.0.101' },
    });
    for (const type of ['decline', 'release'] as const) {
      expect(ask(clientPacket(type, { 50: [10, 77, 0, 101] }, { ciaddr: '10.77.0.101' }))).not.toHaveProperty(
        'effect',
      );
      expect(ask(clientPacket(type, { 50: [10, 77, 0, 101], 54: [9, 9, 9, 9] }))).not.toHaveProperty(
        'effect',
      );
    }
  });
});

it('whatever is decoded is answered or passed over, without a throw; fifty thousand of them', () => {
  const options = [...Array(256).keys()];
  let seed = 7;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed % below;
  };
  let answered = 0;
  for (let i = 0; i < 50_000; i++) {
    const original = [UDHCPC_PXE, IPXE_BIOS, OVMF_PXE][i % 3] as Uint8Array;
    const bytes = original.slice();
    for (let n = random(5); n > 0; n--)
      bytes[random(3) ? random(44) : 240 + random(60)] = options[random(256)] as number;
    const settings = random(2) ? server : proxy;
    try {
      const result = ask(decodeDhcp4(bytes), random(4) ? known : { ...known, port: null }, settings, {
        ...local,
        localPort: random(2) ? 67 : 4011,
      });
      if ('silence' in result) continue;
      answered++;
      encodeDhcp4(result.reply);
      expect(
        ['255.255.255.255', '0.0.0.0'].includes(result.to.address) || result.to.address.startsWith('10.7'),
      ).toBe(true);
    } catch (error) {
      if (!(error instanceof MalformedPacket)) throw error;
    }
  }
  expect(answered).toBeGreaterThan(5_000);
}, 60_000);

it('no client text ever comes back in a reply but its own id, uuid and relay option', () => {
  fc.assert(
    fc.property(
      fc.stringMatching(/^[A-Z]{12,40}$/),
      fc.constantFrom(12, 15, 43, 66, 67, 77),
      (text, code) => {
        const offer = reply(clientPacket('discover', { 60: 'PXEClient', 93: [0, 0], [code]: text }));
        expect(Buffer.from(encodeDhcp4(offer.reply)).toString('latin1')).not.toContain(text);
      },
    ),
    { numRuns: 300 },
  );
});
