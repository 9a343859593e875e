import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApi } from '../../../support/api.js';
import { OWNER, PersonaAccess, personaHeaders } from '../../../support/auth/persona.js';
import { startTestDatabase, type TestDatabase } from '../../../support/database.js';

let database: TestDatabase;
let server: Awaited<ReturnType<typeof startApi>>;
beforeAll(async () => {
  database = await startTestDatabase();
  server = await startApi(database, { access: new PersonaAccess() });
  await server.api.post('/v1/nodes', { driver: 'fake-hardware', name: 'n', owner: OWNER });
});
afterAll(async () => {
  await server?.stop();
  await database?.stop();
});

const as = (persona: string, minor: number) => server.api.with(personaHeaders(persona)).at(minor);
const status = async (persona: string, minor: number, method: string, path: string, body?: unknown) =>
  (await as(persona, minor).send(method, path, body)).status;

const uuid = async () => (await server.api.get('/v1/nodes/n')).json.uuid;

/** What upstream's routes ask first (ironic/api/controllers/v1; decorators and routers stand before the policy). */
describe('a request that is older than its route', () => {
  it.each<[string, string, string, number]>([
    // In the route's body, behind the policy.
    ['PUT', '/v1/nodes/n/states/boot_mode', '{"target":"uefi"}', 75],
    ['PUT', '/v1/nodes/n/states/secure_boot', '{"target":true}', 1],
    ['GET', '/v1/conductors', '', 48],
    ['GET', '/v1/conductors/x', '', 1],
  ])('of who may not do it at all is refused by the policy: %s %s', async (method, named, body, minor) => {
    const path = named.replace('/n/', `/${await uuid()}/`);
    const given = body === '' ? undefined : JSON.parse(body);
    const ofNode = path.includes('/nodes/');
    expect(await status('owner/reader', minor, method, path, given)).toBe(403);
    expect(await status('stranger/admin', minor, method, path, given)).toBe(ofNode ? 404 : 403);
    expect(await status('system/admin', minor, method, path, given)).toBe(404);
    expect(
      await status(
        'system/admin',
        minor,
        method,
        named.replace('/n/', '/00000000-0000-0000-0000-000000000000/'),
        given,
      ),
    ).toBe(404);
  });

  it.each<[string, string, number]>([
    ['PUT', '/v1/nodes/n/management/inject_nmi', 28],
    ['GET', '/v1/nodes/n/vifs', 27],
    ['GET', '/v1/nodes/n/history', 77],
    ['GET', '/v1/nodes/n/firmware', 85],
    ['GET', '/v1/deploy_templates', 54],
    ['GET', '/v1/shards', 81],
  ])('finds nothing where the router hides the path: %s %s', async (method, path, minor) => {
    expect(await status('owner/reader', minor, method, path)).toBe(404);
    expect(await status('system/admin', minor, method, path)).toBe(404);
  });

  it.each<[string, string, number, number]>([
    ['PUT', '/v1/nodes/n/vmedia', 79, 404],
    ['PUT', '/v1/nodes/n/vmedia', 115, 405],
    ['PUT', '/v1/portgroups', 20, 404],
    ['PUT', '/v1/nodes/n/portgroups', 20, 404],
    ['PUT', '/v1/nodes/n/portgroups', 24, 405],
    ['PATCH', '/v1/nodes/n/history', 77, 404],
    ['POST', '/v1/nodes/n/firmware', 85, 404],
    ['PUT', '/v1/volume/connectors', 31, 404],
    // Its router says 405 itself.
    ['PUT', '/v1/deploy_templates', 54, 405],
    ['PUT', '/v1/nodes', 1, 405],
  ])('has no other method either: %s %s at 1.%i', async (method, path, minor, expected) => {
    expect(await status('system/admin', minor, method, path, {})).toBe(expected);
  });

  it.each<[string, string, number, number]>([
    ['GET', '/v1/nodes/n/traits', 36, 406],
    ['GET', '/v1/nodes/n/traits', 1, 406],
    ['GET', '/v1/nodes/00000000-0000-0000-0000-000000000000/traits', 36, 404],
    ['PUT', '/v1/nodes/n/traits', 36, 405],
    ['PUT', '/v1/nodes/n/traits/CUSTOM_A', 36, 405],
    ['DELETE', '/v1/nodes/n/traits', 36, 404],
    ['DELETE', '/v1/nodes/n/traits/CUSTOM_A', 36, 404],
  ])('of traits is taken for what it was before: %s %s', async (method, path, minor, expected) => {
    const ident = minor < 5 ? path.replace('/n/', `/${await uuid()}/`) : path;
    expect(await status('system/admin', minor, method, ident, method === 'PUT' ? {} : undefined)).toBe(
      expected,
    );
    expect(await status('stranger/admin', minor, 'GET', ident.split('/CUSTOM')[0]!)).toBe(404);
  });
});

describe('a foreign node', () => {
  it.each<[string, string]>([
    ['GET', 'vendor_passthru/methods'],
    ['GET', 'vendor_passthru?method=first'],
    ['POST', 'vendor_passthru/first'],
    ['DELETE', 'vendor_passthru/first'],
    ['GET', 'states'],
    ['PUT', 'states/power'],
    ['GET', 'states/console'],
    ['GET', 'management/boot_device'],
    ['GET', 'management/indicators'],
    ['PUT', 'management/inject_nmi'],
    ['GET', 'validate'],
    ['PUT', 'maintenance'],
    ['GET', 'traits'],
    ['GET', 'vifs'],
    ['GET', 'bios'],
    ['GET', 'firmware'],
    ['GET', 'inventory'],
    ['GET', 'history'],
    ['GET', 'vmedia'],
    ['GET', 'ports'],
    ['GET', 'portgroups'],
    ['GET', 'volume/connectors'],
    ['GET', 'children'],
  ])('is hidden before anything else is said of it: %s %s', async (method, path) => {
    const body = method === 'GET' || method === 'DELETE' ? undefined : {};
    for (const persona of ['stranger/reader', 'stranger/admin']) {
      const answer = await as(persona, 115).send(method, `/v1/nodes/n/${path}`, body);
      expect([persona, answer.status, answer.fault]).toEqual([
        persona,
        404,
        expect.stringContaining('Node n '),
      ]);
    }
  });

  it('is told apart from one’s own, whose vendor methods are the system’s', async () => {
    expect(await status('owner/reader', 115, 'GET', '/v1/nodes/n/vendor_passthru/methods')).toBe(403);
    expect(await status('system/admin', 115, 'GET', '/v1/nodes/n/vendor_passthru/methods')).toBe(200);
  });
});
