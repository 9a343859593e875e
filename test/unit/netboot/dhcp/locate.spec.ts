import { describe, expect, it } from 'vitest';
import { netbootSection } from '../../../../src/config/section/netboot.js';
import { locate } from '../../../../src/netboot/dhcp/locate.js';
import { dhcpSettings } from '../../../../src/netboot/dhcp/settings.js';
import type { Dhcp4Packet } from '../../../../src/protocol/dhcp4/packet.js';
import { CLIENT_MAC, clientPacket } from '../../../support/netboot/dhcp-client.js';

const SHARED = '10.1.0.254';
const settings = dhcpSettings(
  netbootSection.parse({
    dhcp: {
      interface: 'eth1',
      subnets: [
        { cidr: '10.77.0.0/24' },
        { cidr: '10.78.0.0/24', relays: ['10.78.0.1', SHARED] },
        { cidr: '10.79.0.0/24', relays: [SHARED] },
        { cidr: '10.1.0.0/24', relays: [SHARED] },
      ],
      hosts: [{ mac: '02:00:00:00:00:05', ip: '10.79.0.5' }],
    },
    http: { listen: '10.77.0.1' },
  }),
  '10.77.0.1',
);
function where(
  options: Record<number, number[]>,
  fields: Partial<Dhcp4Packet> = {},
  mac = CLIENT_MAC,
): string {
  const found = locate(clientPacket('discover', options, fields), mac, settings);
  return 'silence' in found ? found.silence : `${found.subnet?.cidr}${found.routed ? ' routed' : ''}`;
}
const giaddr = SHARED;
const link = (...address: number[]) => ({ 82: [1, 1, 9, 5, 4, ...address] });

describe('the network of a client', () => {
  it.each<[string, string, string]>([
    ['our interface', where({}), '10.77.0.0/24'],
    ['its relay', where({}, { giaddr: '10.78.0.1' }), '10.78.0.0/24'],
    ['the relay’s own network, of several', where({}, { giaddr }), '10.1.0.0/24'],
    ['the link that its relay selects (82.5)', where(link(10, 79, 0, 1), { giaddr }), '10.79.0.0/24'],
    ['a link named by the network itself', where(link(10, 79, 0, 0), { giaddr }), '10.79.0.0/24'],
    ['a link that lists another relay', where(link(10, 77, 0, 1), { giaddr: '10.78.0.1' }), '10.77.0.0/24'],
    ['the network that it selects (118)', where({ 118: [10, 78, 0, 0] }), '10.78.0.0/24'],
    ['118 through a relay', where({ 118: [10, 79, 0, 0] }, { giaddr: '10.78.0.1' }), '10.79.0.0/24'],
    ['82.5 before 118', where({ ...link(10, 78, 0, 1), 118: [10, 79, 0, 0] }, { giaddr }), '10.78.0.0/24'],
    ['its address, on our wire', where({}, { ciaddr: '10.77.0.9' }), '10.77.0.0/24'],
    ['its address, behind a router', where({}, { ciaddr: '10.79.0.9' }), '10.79.0.0/24 routed'],
    ['its address, through its relay', where({}, { ciaddr: '10.79.0.9', giaddr }), '10.79.0.0/24'],
    [
      'its relay’s, whatever address it has',
      where({}, { ciaddr: '10.77.0.9', giaddr: '10.78.0.1' }),
      '10.78.0.0/24',
    ],
    ['its fixed address', where({}, { giaddr }, '02:00:00:00:00:05'), '10.79.0.0/24'],
    ['the address it asks for', where({ 50: [10, 78, 0, 9] }, { giaddr }), '10.78.0.0/24'],
    ['its interface’s, whatever it asks for', where({ 50: [10, 78, 0, 9] }), '10.77.0.0/24'],
    ['its interface’s, for an address of nowhere', where({}, { ciaddr: '192.168.1.5' }), '10.77.0.0/24'],
  ])('is that of %s', (_what, found, network) => {
    expect(found).toBe(network);
  });

  it.each<[string, string]>([
    ['relay 10.99.0.1 is not listed', where(link(10, 79, 0, 1), { giaddr: '10.99.0.1' })],
    ['relay 10.99.0.1 is not listed', where({ 118: [10, 79, 0, 0] }, { giaddr: '10.99.0.1' })],
    ['no network holds the selected link 10.99.0.0', where(link(10, 99, 0, 0), { giaddr })],
    ['no network holds the selected link 10.99.0.0', where({ 118: [10, 99, 0, 0] })],
  ])('is none: %s', (expected, found) => {
    expect(found).toBe(expected);
  });

  it('a link selected without a relay, or not by an address, is nobody’s word', () => {
    expect(where(link(10, 79, 0, 1))).toBe('10.77.0.0/24');
    expect(where({ 82: [5, 3, 10, 79, 0] }, { giaddr })).toBe('10.1.0.0/24');
    expect(where({ 82: [5, 4, 10, 79, 0] }, { giaddr })).toBe('10.1.0.0/24');
  });
});
