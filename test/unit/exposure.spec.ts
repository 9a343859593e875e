import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.js';
import { checkExposure } from '../../src/start/daemon.js';

const check = (env: Record<string, string>) => () => checkExposure(loadConfig({ env }));

describe('an API without login', () => {
  it.each(['127.0.0.1', '127.1.2.3', '::1'])('may be on %s', (address) => {
    expect(check({ FERRIC_API__LISTEN__ADDRESS: `"${address}"` })).not.toThrow();
  });

  it.each(['0.0.0.0', '192.0.2.1', '::', 'localhost.example.org'])(
    'is refused on %s, with the way out',
    (address) => {
      const env = { FERRIC_API__LISTEN__ADDRESS: `"${address}"` };
      for (const words of [address, 'everybody who reaches', 'auth.strategy', 'auth.noauth_on_network']) {
        expect(check(env)).toThrow(words);
      }
      expect(check({ ...env, FERRIC_AUTH__NOAUTH_ON_NETWORK: 'true' })).not.toThrow();
      const users = { FERRIC_AUTH__STRATEGY: 'http_basic', FERRIC_AUTH__HTTP_BASIC__USER_FILE: '/etc/users' };
      expect(check({ ...env, ...users })).not.toThrow();
    },
  );

  it('needs a file of users where users log in', () => {
    expect(check({ FERRIC_AUTH__STRATEGY: 'http_basic' })).toThrow('auth.http_basic.user_file: is needed');
  });
});
