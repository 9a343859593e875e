import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ApiClient, startApi } from '../../support/api.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';

let database: TestDatabase;
let server: Awaited<ReturnType<typeof startApi>>;
let api: ApiClient;
let node: string;
beforeAll(async () => {
  database = await startTestDatabase();
  server = await startApi(database);
  api = server.api;
});
beforeEach(async () => {
  await database.source.query('truncate node cascade');
  node = (await api.post('/v1/nodes', { driver: 'fake-hardware', name: 'n' })).json.uuid;
});
afterAll(async () => {
  await server?.stop();
  await database?.stop();
});
const lock = () =>
  database.source.query(
    `update node set reservation = 'c7', reservation_expires_at = now() + interval '1 minute'`,
  );

describe('/v1/nodes/{ident}/traits', () => {
  const traits = async () => (await api.get('/v1/nodes/n/traits')).json.traits;

  it('are set, added and removed', async () => {
    expect(await traits()).toEqual([]);
    const set = await api.put('/v1/nodes/n/traits', { traits: ['HW_CPU_X86_VMX', 'CUSTOM_A', 'CUSTOM_A'] });
    expect([set.status, set.text]).toEqual([204, '']);
    expect(await traits()).toEqual(['CUSTOM_A', 'HW_CPU_X86_VMX']);
    const added = await api.send('PUT', '/v1/nodes/n/traits/CUSTOM_B');
    expect([added.status, added.headers.get('location')]).toEqual([
      204,
      `${api.base}/v1/nodes/n/traits/CUSTOM_B`,
    ]);
    expect((await api.send('PUT', '/v1/nodes/n/traits/CUSTOM_B', {})).status).toBe(204);
    expect((await api.get('/v1/nodes/n')).json.traits).toEqual(['CUSTOM_A', 'CUSTOM_B', 'HW_CPU_X86_VMX']);
    expect((await api.get('/v1/nodes?fields=traits')).json.nodes[0].traits).toHaveLength(3);
    expect((await api.delete('/v1/nodes/n/traits/CUSTOM_A')).status).toBe(204);
    expect(await traits()).toEqual(['CUSTOM_B', 'HW_CPU_X86_VMX']);
    const again = await api.delete('/v1/nodes/n/traits/CUSTOM_A');
    expect([again.status, again.fault]).toEqual([404, `Node ${node} doesn't have a trait 'CUSTOM_A'`]);
    expect((await api.delete('/v1/nodes/n/traits')).status).toBe(204);
    expect(await traits()).toEqual([]);
  });
  it.each<[object, string]>([
    [
      { traits: ['custom_a'] },
      "Schema error for body: 'custom_a' is not valid under any of the given schemas. Possible root cause: 'custom_a' does not match '^CUSTOM_[A-Z0-9_]+$'",
    ],
    [{ traits: ['HW_NO_SUCH'] }, "'HW_NO_SUCH' is not valid under any of the given schemas"],
    [{ traits: ['CUSTOM_'] }, "'CUSTOM_' is not valid"],
    [{ traits: [`CUSTOM_${'A'.repeat(249)}`] }, 'is not valid'],
    [{ traits: [1] }, "Schema error for body: 1 is not of type 'string'"],
    [{ traits: 'CUSTOM_A' }, "Schema error for body: 'CUSTOM_A' is not of type 'array'"],
    [{ traits: [], more: 1 }, "('more' was unexpected)"],
    [{}, 'A single node trait may be added via PUT /v1/nodes/<node identifier>/traits/<trait>'],
  ])('refuse %j', async (body, fault) => {
    await api.put('/v1/nodes/n/traits', { traits: ['CUSTOM_KEPT'] });
    const answer = await api.put('/v1/nodes/n/traits', body);
    expect([answer.status, answer.fault]).toEqual([400, expect.stringContaining(fault)]);
    expect(await traits()).toEqual(['CUSTOM_KEPT']);
  });
  it('are at most fifty', async () => {
    const fifty = Array.from({ length: 50 }, (_, index) => `CUSTOM_${index}`);
    expect((await api.put('/v1/nodes/n/traits', { traits: fifty })).status).toBe(204);
    for (const answer of [
      await api.put('/v1/nodes/n/traits', { traits: [...fifty, 'CUSTOM_50'] }),
      await api.send('PUT', '/v1/nodes/n/traits/CUSTOM_50'),
    ]) {
      expect([answer.status, answer.fault]).toEqual([
        400,
        `Could not modify traits for node ${node} as it would exceed the maximum number of traits per node (51 vs. 50)`,
      ]);
    }
    expect((await api.send('PUT', '/v1/nodes/n/traits/CUSTOM_7')).status).toBe(204);
  });
  it('refuse a body beside a trait, other nodes, older versions and a lock', async () => {
    const put = (client: ApiClient, path: string, body?: object) => client.send('PUT', path, body);
    const refused = await put(api, '/v1/nodes/n/traits/CUSTOM_A', { traits: [] });
    expect([refused.status, refused.fault]).toEqual([
      400,
      expect.stringContaining('A single node trait may be added'),
    ]);
    expect((await put(api, '/v1/nodes/n/traits/nosuch')).status).toBe(400);
    expect((await put(api, '/v1/nodes/nosuch/traits/CUSTOM_A')).status).toBe(404);
    expect((await api.at(36).get('/v1/nodes/n/traits')).status).toBe(406);
    expect((await put(api.at(36), '/v1/nodes/n/traits')).status).toBe(405);
    expect((await api.at(36).get('/v1/nodes/n')).json.traits).toBeUndefined();
    await lock();
    expect((await put(api, '/v1/nodes/n/traits/CUSTOM_A')).fault).toContain('is locked by host c7');
    expect(await traits()).toEqual([]);
  });
});

describe('/v1/nodes/{ident}/vifs', () => {
  it('are the noop network’s: taken, let go and never listed', async () => {
    for (let i = 0; i < 2; i += 1) {
      const attached = await api.post('/v1/nodes/n/vifs', { id: 'vif-1', extra: 1 });
      expect([attached.status, attached.text]).toEqual([204, '']);
    }
    expect((await api.get('/v1/nodes/n/vifs')).json).toEqual({ vifs: [] });
    expect((await api.delete('/v1/nodes/n/vifs/vif-1')).status).toBe(204);
    expect((await api.delete('/v1/nodes/n/vifs/vif-1')).status).toBe(204);
  });
  it('refuse what is no VIF, other nodes, older versions and a lock', async () => {
    const post = (body: object, version = 115) => api.at(version).post('/v1/nodes/n/vifs', body);
    expect((await post({})).fault).toBe("Schema error for vif: 'id' is a required property");
    expect((await post({ id: 1 })).fault).toBe("Schema error for vif: 1 is not of type 'string'");
    expect((await post({ id: 'a b' })).fault).toBe('Expected UUID or name for id: a b');
    const both = { id: 'v', port_uuid: 'p', portgroup_uuid: 'g' };
    expect((await post(both)).fault).toBe('Cannot specify both port_uuid and portgroup_uuid');
    expect((await post(both, 66)).status).toBe(204);
    expect((await api.get('/v1/nodes/nosuch/vifs')).status).toBe(404);
    expect((await api.at(27).get('/v1/nodes/n/vifs')).status).toBe(404);
    await lock();
    expect((await post({ id: 'v' })).status).toBe(409);
    expect((await api.delete('/v1/nodes/n/vifs/v')).status).toBe(409);
    expect((await api.get('/v1/nodes/n/vifs')).status).toBe(200);
  });
});
