import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { setUpStaticNetwork } from '../../../../agent/src/static-network.js';

const DATA = {
  links: [
    { id: 'a', type: 'phy', ethernet_mac_address: '52:54:00:00:00:0A', mtu: 1400 },
    { id: 'b', type: 'phy', ethernet_mac_address: '52:54:00:00:00:0b' },
    { id: 'c', type: 'bond' },
  ],
  networks: [
    { link: 'a', type: 'ipv4', ip_address: '192.0.2.5', netmask: '255.255.255.0', gateway: '192.0.2.1' },
    { link: 'a', type: 'ipv6', ip_address: '2001:db8::5', netmask: '64' },
    { link: 'b', type: 'ipv4', ip_address: '192.0.2.6', netmask: '24' },
  ],
  services: [{ type: 'dns', address: '192.0.2.53' }],
};
let directory: string;
let asked: string[];
let said: string[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'static-network-'));
  asked = [];
  said = [];
});
afterEach(() => rmSync(directory, { recursive: true }));

const setUp = (
  data: unknown,
  nics: { name: string; mac_address: string }[],
  fails: (line: string) => boolean = () => false,
) =>
  setUpStaticNetwork(JSON.stringify(data), {
    list: () => nics,
    ip: async (args) => {
      asked.push(args.join(' '));
      if (fails(args.join(' '))) throw new Error('RTNETLINK answers: no');
    },
    say: (text) => void said.push(text),
    resolvConf: join(directory, 'resolv.conf'),
    wait: 0,
  });
const BOTH = [
  { name: 'eth1', mac_address: '52:54:00:00:00:0a' },
  { name: 'eth0', mac_address: '52:54:00:00:00:0b' },
];

describe('static addresses of a disc', () => {
  it('are set up at the interface of the MAC, which then needs no DHCP', async () => {
    expect(await setUp(DATA, BOTH)).toEqual(['eth1', 'eth0']);
    expect(asked).toEqual([
      'link set eth1 mtu 1400',
      'link set eth1 up',
      'addr add 192.0.2.5/24 dev eth1',
      'addr add 2001:db8::5/64 dev eth1 nodad',
      'route add 0.0.0.0/0 via 192.0.2.1 dev eth1',
      'link set eth0 up',
      'addr add 192.0.2.6/24 dev eth0',
    ]);
    expect(readFileSync(join(directory, 'resolv.conf'), 'utf8')).toBe('nameserver 192.0.2.53\n');
    expect(said[0]).toBe('network_data.json: link c: bond is not set up');
  });

  it('are set up as far as they can be, and what fails is told', async () => {
    expect(await setUp(DATA, [BOTH[0]!], (line) => line.includes('192.0.2.5/24'))).toEqual(['eth1']);
    expect(said).toContain(
      'network_data.json: eth1: ip addr add 192.0.2.5/24 dev eth1: RTNETLINK answers: no',
    );
    expect(said).toContain('network_data.json: no interface has the MAC 52:54:00:00:00:0b');
    expect(await setUp(DATA, BOTH, (line) => line.startsWith('addr'))).toEqual([]);
  });

  it('leave an interface of DHCP to that', async () => {
    const networks = [{ link: 'b', type: 'ipv4_dhcp' }];
    expect(await setUp({ links: DATA.links, networks }, BOTH)).toEqual([]);
  });
});
