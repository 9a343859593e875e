// The same sight where an outside Image service has the images: as far as it tells owner, visibility and members.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { startApi } from '../../../support/api.js';
import { LESSEE, OWNER, PersonaAccess, personaHeaders } from '../../../support/auth/persona.js';
import { startTestDatabase, type TestDatabase } from '../../../support/database.js';

const id = (n: number) => `11111111-2222-4333-8444-${String(n).padStart(12, '0')}`;
const image = (n: number, more: object) => ({
  id: id(n),
  status: 'active',
  size: 1,
  disk_format: 'raw',
  ...more,
});
const foreign = { owner: 'another-project' };
const IMAGES = {
  public: image(1, { ...foreign, visibility: 'public' }),
  community: image(2, { ...foreign, visibility: 'community' }),
  own: image(3, { owner: LESSEE, visibility: 'private' }),
  shared: image(4, { ...foreign, visibility: 'shared' }),
  private: image(5, { ...foreign, visibility: 'private' }),
  sharedWithOthers: image(6, { ...foreign, visibility: 'shared' }),
  untold: image(7, { owner: 'another-project' }),
  ownerless: image(8, { owner: null, visibility: 'private' }),
  membersHidden: image(9, { ...foreign, visibility: 'shared' }),
  trap: image(10, { owner: LESSEE, visibility: 'private', kernel_id: id(5) }),
  lying: image(11, { ...foreign, visibility: 'shared' }),
};
const missing = (n: string) => ({
  status: 400,
  fault: expect.stringContaining(`Image ${n} could not be found.`) as string,
});

let database: TestDatabase;
let glance: Server;
let away = false;
let server: Awaited<ReturnType<typeof startApi>>;
let node: string;

/** @returns status and document */
function answer(path: string): [number, object] {
  const [, wanted, member] = /^\/v2\/images\/([^/]+)(?:\/members\/(.+))?$/.exec(path) ?? [];
  if (away) return [503, {}];
  const found = Object.values(IMAGES).find((one) => one.id === wanted);
  if (!found) return [404, {}];
  if (member === undefined) return [200, found];
  if (found === IMAGES.membersHidden) return [403, {}];
  if (found === IMAGES.lying) return [200, { image_id: wanted, member_id: 'somebody-else' }];
  const isMember = found === IMAGES.shared && member === LESSEE;
  return isMember ? [200, { image_id: wanted, member_id: member, status: 'pending' }] : [404, {}];
}

beforeAll(async () => {
  database = await startTestDatabase();
  glance = createServer((request, response) => {
    const [status, body] = answer(request.url!);
    response.writeHead(status).end(JSON.stringify(body));
  }).listen(0, '127.0.0.1');
  await once(glance, 'listening');
  const url = `http://127.0.0.1:${(glance.address() as AddressInfo).port}`;
  server = await startApi(database, { access: new PersonaAccess(), glance: url });
});
beforeEach(async () => {
  away = false;
  await database.source.query('truncate node cascade');
  const made = await server.api.post('/v1/nodes', { driver: 'fake-hardware', owner: OWNER, lessee: LESSEE });
  node = made.json.uuid;
});
afterAll(async () => {
  await server?.stop();
  glance.closeAllConnections();
  glance.close();
  await database?.stop();
});

const as = (persona: string) => server.api.with(personaHeaders(persona));
const set = (persona: string, path: string, value: unknown) =>
  as(persona).patch(`/v1/nodes/${node}`, [{ op: 'add', path, value }]);
const deploy = async (source: string) => {
  const info = JSON.stringify({ image_source: source });
  await database.source.query(`update node set provision_state = 'available', instance_info = $1`, [info]);
  return as('lessee/manager').put(`/v1/nodes/${node}/states/provision`, { target: 'active' });
};

it.each(['public', 'community', 'own', 'shared'] as const)('%s: its lessee may name it', async (name) => {
  const answered = await set('lessee/manager', '/instance_info/image_source', IMAGES[name].id);
  expect([answered.status, answered.fault]).toEqual([200, expect.anything()]);
});

it.each(['private', 'sharedWithOthers', 'untold', 'ownerless', 'membersHidden', 'lying'] as const)(
  '%s: is missing for a lessee, there for the administrator',
  async (name) => {
    const wanted = IMAGES[name].id;
    for (const field of ['image_source', 'kernel', 'ramdisk']) {
      for (const value of [wanted, `glance://${wanted}`, wanted.toUpperCase()]) {
        expect(await set('lessee/manager', `/instance_info/${field}`, value)).toMatchObject(missing(wanted));
      }
    }
    expect(await deploy(wanted)).toMatchObject(missing(wanted));
    expect(await set('owner/manager', '/driver_info/deploy_kernel', wanted)).toMatchObject(missing(wanted));
    expect((await set('system/admin', '/instance_info/image_source', wanted)).status).toBe(200);
  },
);

it('the kernel that an own image names is judged too', async () => {
  expect((await set('lessee/manager', '/instance_info/image_source', IMAGES.trap.id)).status).toBe(200);
  expect(await deploy(IMAGES.trap.id)).toMatchObject({
    status: 400,
    fault: expect.stringContaining(`kernel_id of image ${IMAGES.trap.id}: Image ${id(5)}`) as string,
  });
});

it('what a service that is away does not tell is not permitted', async () => {
  away = true;
  const answered = await set('lessee/manager', '/instance_info/image_source', IMAGES.public.id);
  expect(answered.status).toBeGreaterThanOrEqual(400);
  expect(answered.fault).toContain('answered with status 503');
  const { json } = await as('system/admin').get(`/v1/nodes/${node}`);
  expect(json.instance_info).toEqual({});
});
