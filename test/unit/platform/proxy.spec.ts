import { expect, it } from 'vitest';
import { proxyOfEnvironment } from '../../../src/platform/proxy.js';

it('small letters win, and an empty variable is none', () => {
  const env = {
    HTTP_PROXY: 'http://a:1',
    http_proxy: 'http://b:1',
    HTTPS_PROXY: 'http://c:1',
    NO_PROXY: 'x',
  };
  expect(proxyOfEnvironment(env)).toEqual({ http: 'http://b:1', https: 'http://c:1', no: 'x' });
  expect(proxyOfEnvironment({ http_proxy: '' })).toEqual({});
});
