import { describe, expect, it } from 'vitest';
import { readToken } from '../../../../../src/api/auth/keystone/token.js';

const DATE = 'Thu, 01 Jan 2026 00:00:00 GMT';
const body = (more: object) =>
  JSON.stringify({
    token: {
      methods: ['password'],
      user: {
        domain: { id: 'default', name: 'Default' },
        id: 'u1',
        name: 'alice',
        password_expires_at: null,
      },
      audit_ids: ['x'],
      expires_at: '2026-01-01T01:00:00.000000Z',
      issued_at: '2026-01-01T00:00:00.000000Z',
      ...more,
    },
  });

describe('Keystone’s description of a token', () => {
  it('tells user, project and roles', () => {
    const project = { domain: { id: 'default', name: 'Default' }, id: 'p1', name: 'demo' };
    const text = body({ project, is_domain: false, roles: [{ id: 'r', name: 'Member' }] });
    expect(readToken(text, DATE, 0)).toEqual({
      user: 'u1',
      project: { id: 'p1', name: 'demo' },
      system: false,
      roles: ['member'],
      lifetime: 3_600_000,
    });
  });

  it('tells system scope, and that there is none', () => {
    const system = readToken(body({ system: { all: true }, roles: [] }), DATE, 0);
    expect(system).toMatchObject({ project: null, system: true });
    const unscoped = readToken(body({}), DATE, 0);
    expect(unscoped).toMatchObject({ project: null, system: false, roles: [] });
    const domain = readToken(body({ domain: { id: 'd', name: 'd' } }), DATE, 0);
    expect(domain).toMatchObject({ project: null, system: false });
  });

  it('reckons the end on Keystone’s clock, and on ours where it tells none', () => {
    expect(readToken(body({}), 'Thu, 01 Jan 2026 00:59:59 GMT', 0)!.lifetime).toBe(1000);
    expect(readToken(body({}), undefined, Date.UTC(2026, 0, 1, 0, 30))!.lifetime).toBe(1_800_000);
    expect(readToken(body({}), 'nonsense', Date.UTC(2026, 0, 1, 2))!.lifetime).toBeLessThan(0);
  });

  it.each(['', '{', '[]', '{"token":{}}', body({ expires_at: 'soon' }), body({ user: null })])(
    'is not %.40s',
    (text) => {
      expect(readToken(text, DATE, 0)).toBeNull();
    },
  );
});
