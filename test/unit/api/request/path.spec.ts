import { describe, expect, it } from 'vitest';
import { normalisePath } from '../../../../src/api/request/path.js';

describe('normalisePath', () => {
  it.each([
    ['/', '/'],
    ['', '/'],
    ['/?a=1', '/?a=1'],
    ['/v1', '/v1'],
    ['/v1/', '/v1'],
    ['/v1/nodes/', '/v1/nodes'],
    ['/v1/nodes//', '/v1/nodes'],
    ['/nodes', '/v1/nodes'],
    ['/nodes/a/states?x=/', '/v1/nodes/a/states?x=/'],
    ['/v2/images', '/v2/images'],
    ['/v2/images/x.json', '/v2/images/x.json'],
    ['/v3/nodes', '/v1/v3/nodes'],
    ['/healthcheck', '/healthcheck'],
    ['http://host:1/v1/nodes?limit=1', '/v1/nodes?limit=1'],
    ['*', '*'],
  ])('%s is %s', (url, path) => {
    expect(normalisePath(url, false)).toEqual({ url: path, jsonSuffix: false });
  });
  it('drops .json where it means the format', () => {
    expect(normalisePath('/v1/nodes/a.json?x=.json', true)).toEqual({
      url: '/v1/nodes/a?x=.json',
      jsonSuffix: true,
    });
    expect(normalisePath('/v1/nodes/a.json', false).url).toBe('/v1/nodes/a.json');
    expect(normalisePath('/v1/nodes.json/', true)).toEqual({ url: '/v1/nodes', jsonSuffix: true });
  });
  it('takes 100 kB in no time', () => {
    const started = performance.now();
    normalisePath(`/${'/'.repeat(100_000)}a`, true);
    normalisePath('/'.repeat(100_000), true);
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});
