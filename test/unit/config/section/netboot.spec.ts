import { describe, expect, it } from 'vitest';
import {
  addressNumber,
  bootRoots,
  bootUrl,
  netbootSection,
  parseCidr,
} from '../../../../src/config/section/netboot.js';

const faults = (value: unknown) => {
  const parsed = netbootSection.safeParse(value);
  return parsed.success ? [] : parsed.error.issues.map((issue) => issue.path.join('.'));
};

describe('defaults', () => {
  it('leave DHCP and TFTP off and HTTP on loopback', () => {
    const section = netbootSection.parse(undefined);
    expect(section.dhcp.interface).toBeNull();
    expect(section.tftp.listen).toBeNull();
    expect(section.http.listen).toBe('127.0.0.1');
    expect(bootUrl(section)).toBe('http://127.0.0.1:8080');
    expect(bootRoots(section, '/var/lib/ferric')).toEqual({
      http: '/var/lib/ferric/httpboot',
      tftp: '/var/lib/ferric/tftpboot',
    });
  });

  it('describe every key', () => {
    const shape = netbootSection.unwrap().shape;
    for (const [key, schema] of Object.entries(shape))
      expect({ key, text: schema.description }).not.toHaveProperty('text', undefined);
  });
});

describe('faults', () => {
  it.each([
    ['an unknown key', { dhpc: {} }],
    ['a range that leaves the network', net({ range_start: '10.78.0.5', range_end: '10.78.0.9' })],
    ['the broadcast address in the range', net({ range_start: '10.77.0.5', range_end: '10.77.0.255' })],
    ['half a range', net({ range_start: '10.77.0.5' })],
    ['a range backwards', net({ range_start: '10.77.0.9', range_end: '10.77.0.5' })],
    ['a MAC that is none', { dhcp: { hosts: [{ mac: 'aa:bb', ip: '10.77.0.9' }] } }],
    [
      'one address for two hosts',
      { dhcp: { hosts: ['aa', 'bb'].map((x) => ({ mac: `${x}:00:00:00:00:01`, ip: '10.77.0.9' })) } },
    ],
    ['a wildcard address without a public URL', { http: { listen: '0.0.0.0' } }],
    ['DHCP that sends machines to loopback', { dhcp: { interface: 'eth1' } }],
    [
      'the same for TFTP',
      { dhcp: { interface: 'eth1' }, http: { listen: '10.77.0.1' }, tftp: { listen: '127.0.0.1' } },
    ],
    ['a public URL that does not fit option 67', { http: { public_url: `http://${'a'.repeat(60)}` } }],
    ['a public URL with a query', { http: { public_url: 'http://a/?x' } }],
    ['a name with ..', { files: { 'a/../b': '/x' } }],
    ['a name with a leading slash', { files: { '/a': '/x' } }],
    ['a relative path', { files: { a: 'x' } }],
    ['a boot file of 65 characters', { first_stage: { bios: 'a'.repeat(65) } }],
    ['a boot file that could end a line', { first_stage: { bios: 'a\nb' } }],
  ])('%s', (_what, value) => {
    expect(faults(value)).not.toEqual([]);
  });

  it('and a full section has none', () => {
    expect(
      faults({
        dhcp: {
          interface: 'eth1',
          subnets: [
            {
              cidr: '10.77.0.0/24',
              range_start: '10.77.0.100',
              range_end: '10.77.0.200',
              routers: ['10.77.0.1'],
              domain_name: 'rack.example',
              relays: ['10.77.0.2'],
            },
            { cidr: '10.78.0.0/24', relays: ['10.77.0.2'] },
          ],
          hosts: [{ mac: 'AA:BB:CC:DD:EE:01', ip: '10.77.0.9', hostname: 'bm-1' }],
        },
        tftp: { listen: '10.77.0.1' },
        http: { listen: '10.77.0.1' },
      }),
    ).toEqual([]);
  });
});

function net(range: object) {
  return { dhcp: { subnets: [{ cidr: '10.77.0.0/24', ...range }] } };
}

it('reads networks', () => {
  expect(addressNumber('255.255.255.255')).toBe(2 ** 32 - 1);
  expect(parseCidr('10.77.3.9/22')).toEqual({
    first: addressNumber('10.77.0.0'),
    last: addressNumber('10.77.3.255'),
    mask: addressNumber('255.255.252.0'),
  });
});
