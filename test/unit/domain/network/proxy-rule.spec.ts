import { expect, it } from 'vitest';
import { isProxied } from '../../../../src/domain/network/proxy-rule.js';

const both = { http: 'http://p:1', https: 'http://p:1' };

it.each<[string, string, boolean]>([
  ['http://a.example.org/x', '', true],
  ['https://a.example.org/x', '', true],
  ['http://a.example.org/x', 'example.org', false],
  ['http://a.example.org/x', '.example.org', false],
  ['http://a.example.org/x', '*.example.org', false],
  ['http://A.Example.org/x', 'b, a.EXAMPLE.org', false],
  ['http://an-example.org/x', 'example.org', true],
  ['http://a.example.org:8080/x', 'example.org:8080', false],
  ['http://a.example.org/x', 'example.org:8080', true],
  ['https://a.example.org/x', 'example.org:443', false],
  ['http://10.1.2.3/x', '10.0.0.0/8', false],
  ['http://11.1.2.3/x', '10.0.0.0/8', true],
  ['http://10.1.2.3/x', '2.3', true],
  ['http://[fd00::1]/x', 'fd00::/8', false],
  ['http://[fd00::1]:80/x', '[fd00::1]:80', false],
  ['http://a/x', '*', false],
  ['http://a/x', '10.0.0.0/99, nonsense/1', true],
  ['http://10.0.0.0/x', '10.0.0.0/99', true],
  ['http://example.org/x', '.example.org', false],
  ['http://example.org/x', '*.example.org', false],
  ['http://a.example.org./x', 'example.org', false],
  ['http://a.example.org/x', 'example.org.', false],
  ['http://example.org/x', 'a.example.org', true],
  ['http://a.example.org/x', 'example.org:080', false],
  ['http://a.example.org:8080/x', '.example.org:8080', false],
  ['https://a.example.org/x', 'example.org:80', true],
  ['http://10.1.2.3/x', '10.1.2.3', false],
  ['http://10.1.2.3:8080/x', '10.1.2.3:8080', false],
  ['http://10.1.2.3/x', '10.1.2.3:8080', true],
  ['http://10.1.2.3/x', '.1.2.3', true],
  ['http://10.1.2.3/x', '10.1.2.3/32', false],
  ['http://10.1.2.3/x', '0.0.0.0/0', false],
  ['http://a.example.org/x', '0.0.0.0/0', true],
  ['http://[fd00::1]/x', 'fd00::1', false],
  ['http://[fd00::1]/x', 'FD00:0:0::1', false],
  ['http://[fd00::1]/x', '[fd00::1]', false],
  ['http://[fd00::1]/x', '[fd00::1]:8080', true],
  ['http://[fd00::1]/x', '[fd00::]/8', false],
  ['http://[fd00::1]/x', '10.0.0.0/8', true],
  ['http://[::ffff:10.1.2.3]/x', '10.0.0.0/8', false],
  ['http://[::1]/x', '::1', false],
  ['http://a/x', '.', true],
  ['http://a/x', '*.', true],
  ['http://a/x', ':80', true],
  ['http://a/x', ' b\n a ', false],
  ['http://a/x', 'b,*', false],
])('%s with no_proxy %j', (url, no, proxied) => {
  expect(isProxied(new URL(url), { ...both, no })).toBe(proxied);
});

it('each scheme has its own proxy', () => {
  expect(isProxied(new URL('https://a/'), { http: 'http://p:1' })).toBe(false);
  expect(isProxied(new URL('http://a/'), { http: 'http://p:1' })).toBe(true);
  expect(isProxied(new URL('http://a/'), { https: 'http://p:1' })).toBe(false);
});
