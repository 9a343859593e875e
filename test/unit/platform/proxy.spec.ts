import { expect, it } from 'vitest';
import { isProxied, proxyOfEnvironment } from '../../../src/platform/proxy.js';

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
])('%s with no_proxy %j', (url, no, proxied) => {
  expect(isProxied(new URL(url), { ...both, no })).toBe(proxied);
});

it('each scheme has its own proxy, and small letters win', () => {
  expect(isProxied(new URL('https://a/'), { http: 'http://p:1' })).toBe(false);
  const env = {
    HTTP_PROXY: 'http://a:1',
    http_proxy: 'http://b:1',
    HTTPS_PROXY: 'http://c:1',
    NO_PROXY: 'x',
  };
  expect(proxyOfEnvironment(env)).toEqual({ http: 'http://b:1', https: 'http://c:1', no: 'x' });
  expect(proxyOfEnvironment({ http_proxy: '' })).toEqual({});
});
