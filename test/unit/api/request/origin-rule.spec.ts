import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { type Asked, OriginRule } from '../../../../src/api/request/origin-rule.js';

const rule = new OriginRule('https://ferric.example.org/bare-metal', ['other.example.org', '2001:db8::7']);

/** What a request to `localAddress` with these headers is answered with. */
function answer(
  headers: Record<string, string>,
  localAddress = '192.0.2.1',
  more: Partial<Asked> = {},
): string {
  try {
    rule.check({ headers, rawHeaders: Object.entries(headers).flat(), socket: { localAddress }, ...more });
    return 'served';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

describe('Host', () => {
  it.each([
    ['192.0.2.1:6385', '192.0.2.1'],
    ['192.0.2.1', '::ffff:192.0.2.1'],
    ['[2001:DB8:0::1]:6385', '2001:db8::1'],
    ['localhost:6385', '127.0.0.1'],
    ['LOCALHOST.', '::1'],
    ['ferric.example.org', '192.0.2.1'],
    ['Other.Example.org.:8443', '192.0.2.1'],
    ['[2001:db8::7]', '192.0.2.1'],
    [`${hostname()}:6385`, '192.0.2.1'],
  ])('%s at %s is served', (host, localAddress) => {
    expect(answer({ host }, localAddress)).toBe('served');
  });

  it.each([
    'evil.example',
    'ferric.example.org.evil.example',
    'localhost',
    '127.0.0.1',
    '',
    // What is no authority, or an address that is none.
    'a b',
    '192.0.2.999',
    '192.0.2.1.5',
    '[::::]',
    '[192.0.2.1]',
    '192.0.2.1:99999',
    '192.0.2.1@evil.example',
    '..',
    'xn--',
  ])('%s at 192.0.2.1 is forbidden', (host) => {
    expect(answer({ host })).toBe('forbidden');
  });
});

describe('what a request says of its host besides', () => {
  const address = '192.0.2.1';

  it.each([
    ['http://evil.example/v1/nodes', address, 'forbidden'],
    ['HTTPS://evil.example', address, 'forbidden'],
    ['http://user@evil.example/', address, 'forbidden'],
    ['http://192.0.2.1:6385/v1/nodes', 'evil.example', 'served'],
    ['/v1/nodes?at=http://evil.example/', address, 'served'],
    ['*', address, 'served'],
  ])('the target %s has the say over Host %s: %s', (url, host, said) => {
    expect(answer({ host }, address, { url })).toBe(said);
  });

  it('two hosts are forbidden, even where both are ours', () => {
    const rawHeaders = ['Host', address, 'X', 'Host', 'HOST', 'evil.example'];
    expect(answer({ host: address }, address, { rawHeaders })).toBe('forbidden');
    expect(answer({ host: address }, address, { rawHeaders: ['Host', address, 'X', 'Host'] })).toBe('served');
  });
});

describe('Origin', () => {
  const host = 'ferric.example.org';

  it.each(['https://ferric.example.org', 'http://other.example.org:8080'])('%s is served', (origin) => {
    expect(answer({ host, origin })).toBe('served');
  });

  it.each(['null', '', 'https://evil.example', 'https://[::::]', 'file:///x', 'data:,'])(
    '%s is forbidden',
    (origin) => {
      expect(answer({ host, origin })).toBe('forbidden');
    },
  );
});
