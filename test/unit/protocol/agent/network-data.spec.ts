import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readNetworkData } from '../../../../src/protocol/agent/network-data.js';

const MAC = '52:54:00:AA:BB:01';
const link = { id: 'port0', type: 'phy', ethernet_mac_address: MAC, mtu: 9000 };
const network = {
  id: 'net0',
  link: 'port0',
  type: 'ipv4',
  ip_address: '192.0.2.10',
  netmask: '255.255.255.0',
  routes: [{ network: '0.0.0.0', netmask: '0.0.0.0', gateway: '192.0.2.1' }],
};
const read = (data: unknown) => readNetworkData(JSON.stringify(data));
const address = (over: object) =>
  read({ links: [link], networks: [{ ...network, ...over }] }).interfaces[0]?.addresses[0];

describe('readNetworkData', () => {
  it('reads addresses, routes and nameservers of each interface by its MAC', () => {
    const v6 = {
      link: 'port0',
      type: 'ipv6',
      ip_address: '2001:db8::10',
      netmask: 'ffff:ffff:ffff:ffff::',
      gateway: '2001:db8::1',
    };
    const services = [{ type: 'dns', address: '192.0.2.53' }];
    expect(read({ links: [link], networks: [network, v6], services })).toEqual({
      interfaces: [
        {
          mac: MAC.toLowerCase(),
          mtu: 9000,
          addresses: ['192.0.2.10/24', '2001:db8::10/64'],
          routes: [
            { to: '0.0.0.0/0', via: '192.0.2.1' },
            { to: '::/0', via: '2001:db8::1' },
          ],
          dhcp: false,
        },
      ],
      nameservers: ['192.0.2.53'],
      refused: [],
    });
  });

  it.each([
    [{ netmask: '24' }, '192.0.2.10/24'],
    [{ netmask: '255.255.255.255' }, '192.0.2.10/32'],
    [{ netmask: '0.0.0.0' }, '192.0.2.10/0'],
    [{ ip_address: '192.0.2.10/26', netmask: undefined }, '192.0.2.10/26'],
    [{ netmask: '255.0.255.0' }, undefined],
    [{ netmask: '33' }, undefined],
    [{ netmask: undefined }, undefined],
    [{ ip_address: '192.0.2.300' }, undefined],
    [{ ip_address: '-h' }, undefined],
    [{ ip_address: '192.0.2.1; reboot' }, undefined],
    [
      { type: 'ipv6', ip_address: '2001:db8::1', netmask: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff' },
      '2001:db8::1/128',
    ],
  ])('reads %j as %s', (over, expected) => {
    expect(address(over)).toBe(expected);
  });

  it('reads a MAC with hyphens, too', () => {
    const links = [{ ...link, ethernet_mac_address: MAC.replaceAll(':', '-') }];
    expect(read({ links, networks: [network] }).interfaces[0]?.mac).toBe(MAC.toLowerCase());
  });

  it('leaves interfaces of DHCP to that, and says what it cannot set up', () => {
    const found = read({
      links: [link, { id: 'bond0', type: 'bond' }, { id: 'odd' }],
      networks: [
        { link: 'port0', type: 'ipv4_dhcp' },
        { id: 'lost', link: 'none' },
      ],
    });
    expect(found.interfaces).toMatchObject([{ dhcp: true, addresses: [] }]);
    expect(found.refused).toEqual([
      'link bond0: bond',
      'link odd: no MAC address',
      'network lost: its link is not there',
    ]);
    expect(readNetworkData('{').refused).toEqual(['network_data.json is not JSON']);
  });

  it('never fails, and never hands on a word that is no address', () => {
    const word = /^[0-9a-f.:]+\/\d{1,3}$/i;
    fc.assert(
      fc.property(fc.jsonValue(), fc.string(), fc.string(), (anything, ip_address, netmask) => {
        readNetworkData(JSON.stringify(anything));
        const networks = [
          {
            link: 'port0',
            ip_address,
            netmask,
            routes: [{ network: ip_address, netmask, gateway: ip_address }],
          },
        ];
        for (const { addresses, routes } of read({ links: [link], networks }).interfaces) {
          for (const one of [...addresses, ...routes.map(({ to }) => to)]) expect(one).toMatch(word);
        }
      }),
    );
  });
});
