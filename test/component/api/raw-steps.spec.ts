import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiClient, startApi } from '../../support/api.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';

const RAW = { interface: 'vendor', step: 'send_raw', args: { raw_bytes: '0x00 0x02 0x00' } };
const PLAIN = { interface: 'deploy', step: 'erase_devices', args: {} };

let database: TestDatabase;
let server: Awaited<ReturnType<typeof startApi>>;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());

async function withApi(allowedRawSteps: string[], work: (api: ApiClient) => Promise<void>): Promise<void> {
  await database.clear();
  server = await startApi(database, { conductorOptions: { allowedRawSteps } });
  try {
    await work(server.api);
  } finally {
    await server.stop();
  }
}

/** A node that rests in a state. */
async function nodeIn(state: string, api: ApiClient, more: object = {}): Promise<string> {
  const { json } = await api.post('/v1/nodes', { driver: 'fake-hardware', ...more });
  const sql = "update node set provision_state = $2, power_state = 'power on' where uuid = $1";
  await database.source.query(sql, [json.uuid, state]);
  return json.uuid as string;
}

describe('steps that hand on to the BMC what their caller wrote', () => {
  it('are refused at every door while the configuration names none', () =>
    withApi([], async (api) => {
      const refused = async (answer: Promise<{ status: number; fault: string }>) => {
        const { status, fault } = await answer;
        expect([status, fault]).toEqual([403, expect.stringMatching(/vendor\.send_raw.*allowed_raw_steps/)]);
      };
      const provision = (node: string, body: object) => api.put(`/v1/nodes/${node}/states/provision`, body);
      const manageable = await nodeIn('manageable', api);
      await refused(provision(manageable, { target: 'clean', clean_steps: [PLAIN, RAW] }));
      const active = await nodeIn('active', api);
      await refused(provision(active, { target: 'service', service_steps: [RAW] }));
      const available = await nodeIn('available', api, { instance_info: { image_source: 'file:///x' } });
      const deploy_steps = [{ ...RAW, priority: 50 }];
      await refused(provision(available, { target: 'active', deploy_steps }));

      const template = (name: string, step: object) =>
        api.post('/v1/deploy_templates', { name, steps: [{ ...step, priority: 10 }] });
      await refused(template('CUSTOM_RAW', RAW));
      expect((await template('CUSTOM_PLAIN', PLAIN)).status).toBe(201);
      const steps = [{ op: 'replace', path: '/steps', value: [{ ...RAW, priority: 10 }] }];
      await refused(api.patch('/v1/deploy_templates/CUSTOM_PLAIN', steps));

      const runbook = (name: string, step: object) =>
        api.post('/v1/runbooks', { name, steps: [{ ...step, order: 1 }] });
      await refused(runbook('CUSTOM_RAW', RAW));
      expect((await runbook('CUSTOM_BOOK', PLAIN)).status).toBe(201);
      const ordered = [{ op: 'replace', path: '/steps', value: [{ ...RAW, order: 1 }] }];
      await refused(api.patch('/v1/runbooks/CUSTOM_BOOK', ordered));

      // Kept before the lock was there, or while the configuration named them.
      const kept = (more: object) => [JSON.stringify([{ ...RAW, ...more }])];
      await database.source.query('update deploy_template set steps = $1', kept({ priority: 10 }));
      await database.source.query('update runbook set steps = $1', kept({ order: 1 }));
      await api.put(`/v1/nodes/${available}/traits`, { traits: ['CUSTOM_PLAIN'] });
      const traits = [{ op: 'add', path: '/instance_info/traits', value: ['CUSTOM_PLAIN'] }];
      expect((await api.patch(`/v1/nodes/${available}`, traits)).status).toBe(200);
      await refused(provision(available, { target: 'active' }));
      await api.put(`/v1/nodes/${manageable}/traits`, { traits: ['CUSTOM_BOOK'] });
      const byRunbook = { target: 'clean', runbook: 'CUSTOM_BOOK' };
      await refused(api.at(100).put(`/v1/nodes/${manageable}/states/provision`, byRunbook));
      for (const uuid of [manageable, active, available]) {
        const node = (await api.get(`/v1/nodes/${uuid}`)).json;
        expect([node.last_error, node.reservation]).toEqual([null, null]);
      }
    }));

  it('are judged by the node where the configuration names them', () =>
    withApi(['vendor.send_raw'], async (api) => {
      const steps = [{ ...RAW, priority: 10 }];
      expect((await api.post('/v1/deploy_templates', { name: 'CUSTOM_RAW', steps })).status).toBe(201);
      const node = await nodeIn('available', api, { instance_info: { image_source: 'file:///x' } });
      const body = { target: 'active', deploy_steps: steps };
      const answer = await api.put(`/v1/nodes/${node}/states/provision`, body);
      // A fake node has no such step.
      expect(answer.status).not.toBe(403);
    }));

  it('are named rightly, or the start is refused', async () => {
    await expect(
      startApi(database, { conductorOptions: { allowedRawSteps: ['vendor.sendraw'] } }),
    ).rejects.toThrow('driver.allowed_raw_steps: vendor.sendraw is no raw step; there are vendor.send_raw');
  });
});
