import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiClient, startApi } from '../../support/api.js';
import { OWNER, PersonaAccess, personaHeaders } from '../../support/auth/persona.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';

let database: TestDatabase;
let server: Awaited<ReturnType<typeof startApi>>;
let api: ApiClient;
const NODES = [
  { state: 'active', class: 'gold', owner: OWNER, power: 'power on' },
  { state: 'active', class: 'gold', owner: OWNER, power: 'power on' },
  { state: 'active', class: null, owner: null, power: 'power off' },
  { state: 'deploy failed', class: 'gold', owner: null, power: null },
];
beforeAll(async () => {
  database = await startTestDatabase();
  server = await startApi(database, { access: new PersonaAccess() });
  api = server.api.with(personaHeaders('system/reader'));
  for (const [number, { state, power, owner, class: resource_class }] of NODES.entries()) {
    const name = `n${number}`;
    const node = { driver: 'fake-hardware', name, owner, ...(resource_class ? { resource_class } : {}) };
    expect((await server.api.with(personaHeaders('system/admin')).post('/v1/nodes', node)).status).toBe(201);
    await database.source.query(`update node set provision_state = $2, power_state = $3 where name = $1`, [
      name,
      state,
      power,
    ]);
  }
});
afterAll(async () => {
  await server?.stop();
  await database?.stop();
});

const summary = async (query = '', at = api) => (await at.get(`/v1/summary${query}`)).json;

describe('GET /v1/summary', () => {
  it('counts by state, the largest group first', async () => {
    expect(await summary()).toEqual({
      total: 4,
      groups: [
        { provision_state: 'active', count: 3 },
        { provision_state: 'deploy failed', count: 1 },
      ],
    });
  });

  it('counts by several columns, of those that a listing’s filters leave', async () => {
    expect(await summary('?by=resource_class,power_state')).toEqual({
      total: 4,
      groups: [
        { resource_class: 'gold', power_state: 'power on', count: 2 },
        { resource_class: 'gold', power_state: null, count: 1 },
        { resource_class: null, power_state: 'power off', count: 1 },
      ],
    });
    expect(await summary('?by=maintenance&resource_class=gold&provision_state=active')).toEqual({
      total: 2,
      groups: [{ maintenance: false, count: 2 }],
    });
    expect(await summary('?parent_node=none-such')).toEqual({ total: 0, groups: [] });
  });

  it('counts for a project its own nodes only', async () => {
    const owner = server.api.with(personaHeaders('owner/reader'));
    expect(await summary('', owner)).toEqual({
      total: 2,
      groups: [{ provision_state: 'active', count: 2 }],
    });
    expect(await summary('', server.api.with(personaHeaders('stranger/reader')))).toMatchObject({ total: 0 });
  });

  it.each(['?by=name', '?by=', '?by=driver_info', '?limit=1', '?provision_state=gone'])(
    'refuses %s',
    async (query) => {
      expect((await api.get(`/v1/summary${query}`)).status).toBe(400);
    },
  );
});
