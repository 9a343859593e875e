import { request as httpRequest, type IncomingMessage } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { KeystoneAccess } from '../../../../src/api/auth/keystone/keystone-access.js';
import { authSection } from '../../../../src/config/section/auth.js';
import { startApi } from '../../../support/api.js';
import { startFakeKeystone } from '../../../support/auth/fake-keystone.js';
import { startTestDatabase, type TestDatabase } from '../../../support/database.js';
import { collectedLog } from '../../../support/log.js';
import { startSecureServer } from '../../../support/private-authority.js';

const PASSWORD = 'canary-own-password';
const ADMIN = ['admin', 'manager', 'member', 'reader'];

let database: TestDatabase;
let keystone: Awaited<ReturnType<typeof startFakeKeystone>>;
let server: Awaited<ReturnType<typeof startApi>>;
const log = collectedLog();
/** Added to the clock, ms. */
let later = 0;
beforeAll(async () => {
  [database, keystone] = await Promise.all([startTestDatabase(), startFakeKeystone(PASSWORD)]);
  const settings = authSection.parse({
    strategy: 'keystone',
    keystone: { url: `${keystone.url}/v3/`, username: 'ferric', password: PASSWORD, timeout: 1 },
  });
  const access = new KeystoneAccess(settings, log, () => performance.now() + later);
  server = await startApi(database, { access });
  keystone.tokens.set('system', { system: true, roles: ADMIN });
});
afterEach(() => {
  keystone.state.fault = null;
  later += 3_600_000; // every test asks anew
});
afterAll(async () => {
  await server?.stop();
  await keystone?.stop();
  await database?.stop();
});

const nodes = (token: string) => server.api.get('/v1/nodes', { 'x-auth-token': token });
const validations = () => keystone.validated.length;

describe('a Keystone token', () => {
  it('lets in, and is asked about once', async () => {
    const before = validations();
    const answers = await Promise.all(Array.from({ length: 20 }, () => nodes('system')));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect((await nodes('system')).status).toBe(200);
    expect(validations() - before).toBe(1);
    expect(keystone.logins).toHaveLength(1);
    expect(keystone.logins[0]).toEqual({
      auth: {
        identity: {
          methods: ['password'],
          password: { user: { name: 'ferric', domain: { name: 'Default' }, password: PASSWORD } },
        },
        scope: { project: { name: 'service', domain: { name: 'Default' } } },
      },
    });
  });

  it('that is none is refused in keystonemiddleware’s words', async () => {
    const before = validations();
    for (const token of ['nosuch', 'nosuch', 'two words', 'x'.repeat(9000)]) {
      const answer = await nodes(token);
      expect(answer.status).toBe(401);
      expect(answer.json).toEqual({
        error: {
          code: 401,
          title: 'Unauthorized',
          message: 'The request you have made requires authentication.',
        },
      });
      expect(answer.headers.get('www-authenticate')).toBe(`Keystone uri="${keystone.url}/v3/"`);
    }
    expect((await server.api.get('/v1/nodes')).status).toBe(401);
    expect(validations() - before).toBe(1);
  });

  it('needs none where Ironic asks for none', async () => {
    for (const path of ['/', '/v1', '/healthcheck']) expect((await server.api.get(path)).status).toBe(200);
  });

  it('of a domain, or of nothing, is in and may do nothing', async () => {
    keystone.tokens.set('domain', { roles: ADMIN });
    for (const [method, path] of [
      ['GET', '/v1/nodes'],
      ['GET', '/v1/drivers'],
      ['POST', '/v1/nodes'],
    ] as const) {
      const body = method === 'POST' ? { driver: 'fake-hardware' } : undefined;
      const answer = await server.api.send(method, path, body, { 'x-auth-token': 'domain' });
      expect([path, answer.status]).toEqual([path, 403]);
    }
  });

  it('ends when it ends, not when the cache does', async () => {
    keystone.tokens.set('short', { system: true, roles: ADMIN, lives: 30 });
    expect((await nodes('short')).status).toBe(200);
    keystone.tokens.delete('short');
    later += 28_000;
    expect((await nodes('short')).status).toBe(200);
    later += 3_000;
    expect((await nodes('short')).status).toBe(401);
  });

  it('of a revoked login of our own is asked about with a new one', async () => {
    const before = keystone.logins.length;
    keystone.own.clear();
    expect((await nodes('system')).status).toBe(200);
    expect(keystone.logins.length - before).toBe(1);
  });

  it('of the service project is as good as the system’s only where that is configured', async () => {
    keystone.tokens.set('nova', { project: { id: 'p9', name: 'service' }, roles: ['service'] });
    expect((await nodes('nova')).json).toEqual({ nodes: [] });
    expect((await server.api.get('/v1/conductors', { 'x-auth-token': 'nova' })).status).toBe(403);
  });
});

describe('a Keystone that does not answer well', () => {
  const away = async () => {
    const answer = await nodes('system');
    expect(answer.fault).toContain('The Identity service (Keystone) is temporarily unavailable');
    expect(answer.headers.get('retry-after')).toBeNull();
    return answer.status;
  };

  it.each([
    ['breaks off', (_: unknown, response) => response.destroy()],
    ['is silent', () => undefined],
    ['fails', (_: unknown, response) => response.writeHead(500).end()],
    ['forbids us to ask', (_: unknown, response) => response.writeHead(403).end()],
    ['talks nonsense', (_: unknown, response) => response.writeHead(200).end('<html>')],
    [
      'sends us elsewhere',
      (_: unknown, response) => response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end(),
    ],
    ['says too much', (_: unknown, response) => response.writeHead(200).end('x'.repeat(2_000_000))],
  ] satisfies [string, NonNullable<typeof keystone.state.fault>][])(
    'and %s: 503, until it is back',
    async (_name, fault) => {
      keystone.state.fault = fault;
      expect(await away()).toBe(503);
      keystone.state.fault = null;
      later += 1_000; // it is left in peace for a second
      expect((await nodes('system')).status).toBe(200);
    },
  );

  it('is not asked again at once, and what is known of tokens stays', async () => {
    expect((await nodes('system')).status).toBe(200);
    let asked = 0;
    keystone.state.fault = (_, response) => {
      asked += 1;
      response.destroy();
    };
    for (const token of ['a', 'b', 'c']) expect((await nodes(token)).status).toBe(503);
    expect(asked).toBe(1);
    expect((await nodes('system')).status).toBe(200);
  });

  it('that refuses our own password is named in the log', async () => {
    keystone.own.clear();
    keystone.state.fault = (_, response) => response.writeHead(401).end();
    expect(await away()).toBe(503);
    expect(log.text()).toContain('Keystone refused Ferric’s own login (auth.keystone) with status 401');
  });
});

it('writes no token and no password anywhere', () => {
  expect(log.text()).toContain('tokens cannot be validated');
  for (const secret of ['canary', 'nosuch', 'x-auth-token']) expect(log.text()).not.toContain(secret);
});

describe('a Keystone of a private authority', () => {
  it('is trusted when auth.keystone.ca_file names it, and only then', async () => {
    const { hostname, port } = new URL(keystone.url);
    const secure = await startSecureServer((request, response) => {
      const { url: path, method, headers } = request;
      const inner = httpRequest({ hostname, port, path, method, headers }, (answer) => {
        response.writeHead(answer.statusCode!, answer.headers);
        answer.pipe(response);
      });
      request.pipe(inner);
    });
    const asked = async (more: object) => {
      const own = {
        url: `${secure.url}/identity`,
        username: 'ferric',
        password: PASSWORD,
        timeout: 5,
        ...more,
      };
      const settings = authSection.parse({ strategy: 'keystone', keystone: own });
      const access = new KeystoneAccess(settings, log, () => performance.now());
      const request = { headers: { 'x-auth-token': 'system' } } as unknown as IncomingMessage;
      return access.login(request).finally(() => access.close());
    };
    await expect(asked({})).rejects.toThrow('temporarily unavailable');
    expect(await asked({ ca_file: secure.authority })).toMatchObject({ subject: { system: true } });
    await secure.close();
  });
});
