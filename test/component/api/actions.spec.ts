import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Action } from '../../../src/domain/provision/actions.js';
import { STATES } from '../../../src/domain/provision/table.js';
import { type ApiClient, startApi } from '../../support/api.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';

let database: TestDatabase;
let server: Awaited<ReturnType<typeof startApi>>;
let api: ApiClient;
let uuid: string;
beforeAll(async () => {
  database = await startTestDatabase();
  server = await startApi(database);
  api = server.api;
  uuid = (await api.post('/v1/nodes', { driver: 'fake-hardware' })).json.uuid as string;
});
afterAll(async () => {
  await server?.stop();
  await database?.stop();
});

const actions = async (at: ApiClient = api): Promise<Action[]> => {
  const answer = await at.get(`/v1/nodes/${uuid}/actions`);
  expect([answer.status, answer.fault]).toEqual([200, '']);
  return answer.json.actions as Action[];
};
const action = async (verb: string) => (await actions()).find((one) => one.verb === verb)!;
/** What a verb needs besides its name. */
const ARGUMENTS: Record<string, object> = {
  clean: { clean_steps: [{ interface: 'deploy', step: 'erase_devices' }] },
  service: { service_steps: [] },
  rescue: { rescue_password: 'p' },
};
const ask = (verb: string) =>
  api.put(`/v1/nodes/${uuid}/states/provision`, { target: verb, ...ARGUMENTS[verb] });
const set = (columns: string) => database.source.query(`update node set ${columns} where uuid = $1`, [uuid]);

describe('GET /v1/nodes/{node}/actions', () => {
  it('refuses in every state what PUT states/provision refuses, with the same reason', async () => {
    let refused = 0;
    for (const state of Object.keys(STATES)) {
      await set(`provision_state = '${state}'`);
      for (const { verb, allowed, reason } of await actions()) {
        // An allowed verb would begin its work: the next test does that.
        if (allowed) continue;
        refused++;
        const answer = await ask(verb);
        expect([state, verb, answer.status, answer.fault]).toEqual([state, verb, 400, reason]);
      }
    }
    expect(refused).toBeGreaterThan(300);
  });

  it('tells what is allowed, where it leads and what comes first, and the request agrees', async () => {
    await set(`provision_state = 'enroll'`);
    expect(await action('active')).toMatchObject({ allowed: false, first: ['manage', 'provide'] });
    expect(await action('manage')).toEqual({
      verb: 'manage',
      allowed: true,
      reason: null,
      leads_to: 'verifying',
      first: [],
    });
    for (const verb of ['manage', 'inspect', 'provide', 'active', 'rebuild', 'undeploy']) {
      await expect.poll(async () => (await action(verb)).allowed, { timeout: 20_000 }).toBe(true);
      expect([verb, (await ask(verb)).status]).toEqual([verb, 202]);
    }
    await expect.poll(async () => (await action('active')).allowed, { timeout: 20_000 }).toBe(true);
  });

  it.each([
    ['active', 'undeploy', 'protected = true', 403],
    ['active', 'rebuild', 'protected = true', 403],
    ['manageable', 'provide', 'retired = true', 400],
    ['available', 'active', 'maintenance = true', 400],
    ['manageable', 'clean', 'maintenance = true', 400],
    ['service failed', 'abort', 'maintenance = true', 409],
  ])('knows that in %s %s is refused with %s', async (state, verb, flag, status) => {
    await set(`provision_state = '${state}', ${flag}`);
    try {
      const { allowed, reason } = await action(verb);
      const answer = await ask(verb);
      expect([allowed, answer.status, answer.fault]).toEqual([false, status, reason]);
    } finally {
      await set('protected = false, retired = false, maintenance = false');
    }
  });

  it('shows only the verbs of the requested version, and no node that is not there', async () => {
    const verbs = async (version: number) => (await actions(api.at(version))).map(({ verb }) => verb);
    expect(await verbs(1)).toEqual(['active', 'rebuild', 'deleted', 'undeploy']);
    expect(await verbs(115)).toContain('service');
    expect((await api.get('/v1/nodes/nobody/actions')).status).toBe(404);
    expect((await api.get(`/v1/nodes/${uuid}/actions?x=1`)).status).toBe(400);
  });
});
