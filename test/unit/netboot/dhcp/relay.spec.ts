import { describe, expect, it } from 'vitest';
import { type Received } from '../../../../src/netboot/dhcp/question.js';
import { clientPacket } from '../../../support/netboot/dhcp-client.js';
import { known, option, reply, server, silence } from '../../../support/netboot/dhcp-exchange.js';

describe('relays', () => {
  const relayed = (giaddr = '10.78.0.1') =>
    clientPacket('discover', { 82: [1, 4, 1, 2, 3, 4], 60: 'PXEClient' }, { giaddr, hops: 1 });
  const memory = { ...known, address: '10.78.0.7' };

  it('a listed one gets the answer, option 82 as the last of its own', () => {
    const offer = reply(relayed(), memory, server, { address: '10.78.0.1', port: 67, localPort: 67 });
    expect(offer.to).toEqual({ address: '10.78.0.1', port: 67 });
    expect(offer.reply.giaddr).toBe('10.78.0.1');
    expect([...offer.reply.options.keys()].at(-1)).toBe(82);
    expect(offer.reply.options.get(82)).toEqual(Uint8Array.of(1, 4, 1, 2, 3, 4));
    expect(option(offer, 'routers')).toEqual(['10.78.0.1']);
  });

  it('NAK goes through the relay with the broadcast flag', () => {
    const packet = clientPacket('request', { 50: [10, 78, 0, 99] }, { giaddr: '10.78.0.1' });
    const nak = reply(packet, memory);
    expect(nak.to.address).toBe('10.78.0.1');
    expect(nak.reply.flags).toBe(0x8000);
  });

  it('option 82 without giaddr, from a switch, comes back as it was (RFC 3046 §2.2)', () => {
    for (const type of ['discover', 'request'] as const) {
      const got = reply(clientPacket(type, { 82: [1, 1, 1], 50: [10, 77, 0, 101] }));
      expect([...got.reply.options.keys()].at(-1)).toBe(82);
      expect(got.reply.options.get(82)).toEqual(Uint8Array.of(1, 1, 1));
      expect(got.to.address).toBe('255.255.255.255');
    }
  });

  it('an override of the server identifier (RFC 5107) is followed, where there is a relay', () => {
    const override = { 82: [11, 4, 10, 78, 0, 1] };
    expect(
      option(reply(clientPacket('discover', override, { giaddr: '10.78.0.1' }), memory), 'server_id'),
    ).toBe('10.78.0.1');
    const request = { ...override, 50: [10, 78, 0, 7], 54: [10, 78, 0, 1] };
    const ack = reply(clientPacket('request', request, { giaddr: '10.78.0.1' }), memory);
    expect(option(ack, 'message_type')).toBe(5);
    expect(option(reply(clientPacket('discover', override)), 'server_id')).toBe('10.77.0.1');
    expect(silence(clientPacket('request', request))).toBe('meant for the server 10.78.0.1');
  });
});

describe('a client behind a router that is heard without its relay', () => {
  const from = (address: string): Received => ({ address, port: 68, localPort: 67 });

  it('renews at its own address', () => {
    const packet = clientPacket('request', {}, { ciaddr: '10.78.0.7' });
    const ack = reply(packet, { ...known, address: '10.78.0.7' }, server, from('10.78.0.7'));
    expect(ack.to).toEqual({ address: '10.78.0.7', port: 68 });
    expect(option(ack, 'message_type')).toBe(5);
    expect(option(ack, 'routers')).toEqual(['10.78.0.1']);
    expect(ack.reply).toMatchObject({ yiaddr: '10.78.0.7', ciaddr: '10.78.0.7' });
  });

  it('is told that it lost its lease where it is, not on our wire', () => {
    const packet = clientPacket('request', {}, { ciaddr: '10.78.0.9' });
    const nak = reply(packet, { ...known, address: '10.78.0.7' }, server, from('10.78.0.9'));
    expect(option(nak, 'message_type')).toBe(6);
    expect(nak.to).toEqual({ address: '10.78.0.9', port: 68 });
    // No address there is ours to give: another server's.
    expect(silence(packet, { ...known, address: null })).toBe('no address is configured for it');
  });

  it('informs itself of its own network', () => {
    const ack = reply(clientPacket('inform', {}, { ciaddr: '10.78.0.7' }), { ...known, address: null });
    expect(ack.to).toEqual({ address: '10.78.0.7', port: 68 });
    expect(option(ack, 'routers')).toEqual(['10.78.0.1']);
    expect(option(ack, 'lease_time')).toBeUndefined();
  });
});
