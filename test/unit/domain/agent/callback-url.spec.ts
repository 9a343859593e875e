import { describe, expect, it } from 'vitest';
import { canonicalAddress, checkCallbackUrl } from '../../../../src/domain/agent/callback-url.js';

const rules = { source: '192.0.2.7', requireTls: true, ports: [9999] };

describe('checkCallbackUrl', () => {
  it.each([
    ['https://192.0.2.7:9999', rules],
    ['https://192.0.2.7:9999/', rules],
    ['http://192.0.2.7:9999', { ...rules, requireTls: false }],
    ['https://192.0.2.7', { ...rules, ports: [] }],
    ['https://[2001:db8::7]:9999', { ...rules, source: '2001:DB8:0::7' }],
    ['https://192.0.2.7:9999', { ...rules, source: '::ffff:192.0.2.7' }],
    ['https://127.0.0.1:9999', { ...rules, source: '127.0.0.1' }],
  ])('takes %s', (url, given) => {
    expect(checkCallbackUrl(url, given)).toBe(new URL(url).origin);
  });

  it.each([
    ['http://192.0.2.7:9999', 'TLS is required'],
    ['ftp://192.0.2.7:9999', 'neither https nor http'],
    ['javascript:alert(1)', 'neither https nor http'],
    ['not a url', 'not a URL'],
    ['', 'not a URL'],
    ['https://192.0.2.8:9999', 'not the address'],
    ['https://127.0.0.1:9999', 'not the address'],
    ['https://127.1:9999', 'not the address'],
    ['https://2130706433:9999', 'not the address'],
    ['https://localhost:9999', 'not the address'],
    ['https://ironic.example:9999', 'not the address'],
    ['https://192.0.2.7:22', 'port 22'],
    ['https://192.0.2.7', 'port 443'],
    ['https://user:pw@192.0.2.7:9999', 'user name'],
    ['https://@192.0.2.7:9999', 'user name'],
    ['https://192.0.2.7:9999/v1', 'path'],
    ['https://192.0.2.7:9999?', 'path'],
    ['https://192.0.2.7:9999#x', 'path'],
    [`https://192.0.2.7:9999/${'a'.repeat(300)}`, '255'],
  ])('refuses %s', (url, reason) => {
    expect(() => checkCallbackUrl(url, rules)).toThrow(reason);
  });

  it('refuses link-local hosts even when the request came from there', () => {
    for (const source of ['169.254.169.254', 'fe80::1%eth0']) {
      const host = source.includes(':') ? '[fe80::1]' : source;
      expect(() => checkCallbackUrl(`https://${host}:9999`, { ...rules, source })).toThrow('link-local');
    }
  });
});

describe('canonicalAddress', () => {
  it.each([
    ['::ffff:7f00:1', '127.0.0.1'],
    ['::FFFF:192.0.2.7', '192.0.2.7'],
    ['2001:db8:0:0:0:0:0:1', '2001:db8::1'],
    ['[::1]', '::1'],
    ['example.org', null],
    ['127.1', null],
    ['999.1.1.1', null],
    ['::g', null],
  ])('%s is %s', (text, address) => {
    expect(canonicalAddress(text)).toBe(address);
  });
});
