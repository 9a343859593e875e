import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startApi } from '../../../support/api.js';
import { LESSEE, OWNER, PersonaAccess, personaHeaders } from '../../../support/auth/persona.js';
import { startTestDatabase, type TestDatabase } from '../../../support/database.js';

let database: TestDatabase;
let server: Awaited<ReturnType<typeof startApi>>;
let node: string;
const image: Record<string, string> = {};
const NOBODYS = '11111111-2222-4333-8444-555555555555';

const as = (persona: string) => server.api.with(personaHeaders(persona));
const make = async (persona: string, body: object) => {
  const answer = await as(persona).post('/v2/images', {
    disk_format: 'raw',
    container_format: 'bare',
    ...body,
  });
  expect([answer.status, answer.text.slice(0, 200)]).toEqual([201, expect.any(String)]);
  return answer.json.id as string;
};
const set = (persona: string, path: string, value: unknown) =>
  as(persona).patch(`/v1/nodes/${node}`, [{ op: 'add', path, value }]);
const missing = (id: string) => ({
  status: 400,
  fault: expect.stringContaining(`Image ${id} could not be found.`) as string,
});

beforeAll(async () => {
  database = await startTestDatabase();
  server = await startApi(database, { access: new PersonaAccess() });
  image['foreign'] = await make('stranger/member', { visibility: 'private' });
  image['own'] = await make('lessee/member', { visibility: 'private' });
  image['public'] = await make('system/admin', { visibility: 'public' });
  image['trap'] = await make('lessee/member', { visibility: 'private', kernel_id: image['foreign'] });
});
beforeEach(async () => {
  await database.source.query('truncate node cascade');
  const made = await server.api.post('/v1/nodes', { driver: 'fake-hardware', owner: OWNER, lessee: LESSEE });
  node = made.json.uuid;
});
afterAll(async () => {
  await server?.stop();
  await database?.stop();
});

describe('a private image of another project', () => {
  it.each(['image_source', 'kernel', 'ramdisk'])(
    'is not there for a lessee who names it as %s',
    async (field) => {
      for (const id of [image['foreign']!, NOBODYS]) {
        for (const value of [id, `glance://${id}`, id.toUpperCase()]) {
          expect(await set('lessee/manager', `/instance_info/${field}`, value), value).toMatchObject(
            missing(id),
          );
        }
        expect(await set('lessee/manager', '/instance_info', { [field]: id })).toMatchObject(missing(id));
      }
      expect((await set('lessee/manager', `/instance_info/${field}`, image['own'])).status).toBe(200);
      expect((await set('lessee/manager', `/instance_info/${field}`, image['public'])).status).toBe(200);
    },
  );

  it.each(['deploy_kernel', 'deploy_ramdisk', 'rescue_kernel', 'rescue_ramdisk'])(
    'nor for a manager of the owner’s as %s',
    async (field) => {
      expect(await set('owner/manager', `/driver_info/${field}`, image['foreign'])).toMatchObject(
        missing(image['foreign']!),
      );
      expect((await set('owner/manager', `/driver_info/${field}`, image['public'])).status).toBe(200);
      expect((await set('owner/manager', `/driver_info/${field}`, 'file:///images/kernel')).status).toBe(200);
    },
  );

  it('is there for the Image service’s administrator, as for everybody without a login', async () => {
    expect((await set('system/admin', '/instance_info/image_source', image['foreign'])).status).toBe(200);
  });
});

describe('a deployment', () => {
  const deploy = async (source: string) => {
    const info = JSON.stringify({ image_source: source });
    await database.source.query(`update node set provision_state = 'available', instance_info = $1`, [info]);
    return as('lessee/manager').put(`/v1/nodes/${node}/states/provision`, { target: 'active' });
  };

  it('of what stands there without the asker’s sight is refused', async () => {
    expect(await deploy(image['foreign']!)).toMatchObject(missing(image['foreign']!));
  });
  it('is refused for a kernel that the asker’s own image names', async () => {
    expect(await deploy(image['trap']!)).toMatchObject(missing(image['foreign']!));
  });
  it('of the asker’s own image goes on', async () => {
    expect((await deploy(image['own']!)).fault ?? '').not.toContain('could not be found');
  });
});
