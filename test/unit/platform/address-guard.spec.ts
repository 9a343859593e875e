import { networkInterfaces } from 'node:os';
import { describe, expect, it } from 'vitest';
import { AddressGuard } from '../../../src/platform/address-guard.js';

const guard = (settings: object = {}) =>
  new AddressGuard({ allowedNetworks: [], refusedNetworks: [], ownPorts: [], ...settings });
/** As the client sees the host of a URL. */
const hostOf = (url: string) => new URL(url).hostname.replace(/^\[|\]$/g, '');

describe('AddressGuard', () => {
  it.each([
    'http://127.0.0.1/',
    'http://127.1/',
    'http://0x7f.1/',
    'http://2130706433/',
    'http://0177.0.0.1/',
    'http://①②⑦.⓪.⓪.①/',
    'http://0.0.0.0/',
    'http://0/',
    'http://169.254.169.254/latest/meta-data/',
    'http://169.254.1.1/',
    'http://100.100.100.200/',
    'http://192.0.0.192/',
    'http://224.0.0.1/',
    'http://255.255.255.255/',
    'http://[::1]/',
    'http://[::]/',
    'http://[::127.0.0.1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:169.254.169.254]/',
    'http://[64:ff9b::169.254.169.254]/',
    'http://[2002:7f00:1::]/',
    'http://[2002:a9fe:a9fe::1]/',
    'http://[fe80::1]/',
    'http://[ff02::1]/',
    'http://[fd00:ec2::254]/',
    'http://[fd20:ce::254]/',
    'http://[fd00:c1::a9fe:a9fe]/',
    'http://168.63.129.16/',
    'http://[64:ff9b:1::169.254.169.254]/',
    'http://[::ffff:0:169.254.169.254]/',
    'http://[::ffff:0:127.0.0.1]/',
  ])('refuses %s', (url) => {
    expect(guard().refusal(hostOf(url), 80)).toMatch(/^it is a/);
  });

  it.each([
    '10.0.0.1',
    '192.168.1.1',
    '172.16.0.1',
    '100.64.0.1',
    '203.0.113.7',
    'fd00::1',
    '2001:db8::1',
    '::ffff:10.0.0.1',
    '64:ff9b::10.0.0.1',
    '64:ff9b:1::10.0.0.1',
    '2002:a00:1::1',
  ])('lets %s pass', (address) => {
    expect(guard({ ownPorts: [6385] }).refusal(address, 80)).toBeUndefined();
  });

  it('an allowed network wins over the list, a refused one over both', () => {
    const lab = { allowedNetworks: ['127.0.0.0/8', '::1/128'] };
    expect(guard(lab).refusal('127.0.0.1', 80)).toBeUndefined();
    expect(guard(lab).refusal('::1', 80)).toBeUndefined();
    expect(guard(lab).refusal('169.254.169.254', 80)).toBeDefined();
    const bmc = {
      allowedNetworks: ['10.0.0.0/8', '127.0.0.0/8'],
      refusedNetworks: ['10.9.0.0/16', 'fd09::/16'],
    };
    expect(guard(bmc).refusal('10.9.1.1', 80)).toBe('it lies in a refused network');
    expect(guard(bmc).refusal('::ffff:10.9.1.1', 80)).toBe('it lies in a refused network');
    expect(guard(bmc).refusal('fd09::1', 80)).toBe('it lies in a refused network');
    expect(guard(bmc).refusal('10.8.1.1', 80)).toBeUndefined();
  });

  it('Ferric’s own ports are out of reach on every address of the machine, even where loopback is allowed', () => {
    const own = guard({ allowedNetworks: ['127.0.0.0/8', '::1/128'], ownPorts: [6385] });
    const mine = Object.values(networkInterfaces()).flatMap((list) => list?.map((a) => a.address) ?? []);
    for (const address of ['127.0.0.1', '127.8.8.8', '::ffff:127.0.0.1', '::1', ...mine])
      expect(own.refusal(address, 6385), address).toBe('it is a port of Ferric itself');
    expect(own.refusal('127.0.0.1', 80)).toBeUndefined();
    expect(own.refusal('203.0.113.7', 6385)).toBeUndefined();
  });
});
