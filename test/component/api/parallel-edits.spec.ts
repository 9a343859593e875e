import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiClient, startApi } from '../../support/api.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';

let database: TestDatabase;
let server: Awaited<ReturnType<typeof startApi>>;
let api: ApiClient;
let node: string;
beforeAll(async () => {
  database = await startTestDatabase();
  // Edits of what belongs to a node take turns at its reservation.
  const settings = { node_locked_retry_attempts: 1_000, node_locked_retry_interval: 0.02 };
  server = await startApi(database, { conductorOptions: { settings } });
  api = server.api;
  node = (await create('/v1/nodes', { driver: 'fake-hardware' })).uuid;
  await database.source.query(`update node set power_state = 'power off'`);
});
afterAll(async () => {
  await server?.stop();
  await database?.stop();
});

const MANY = Array.from({ length: 20 }, (_, index) => `k${index}`);
async function create(path: string, body: object) {
  const answer = await api.post(path, body);
  expect([answer.status, answer.fault]).toEqual([201, '']);
  return answer.json;
}
const step = { interface: 'deploy', step: 'erase_devices', args: {}, order: 1 };

describe('20 edits at once of', () => {
  it.each([
    ['a chassis', '/v1/chassis', () => ({})],
    ['an allocation', '/v1/allocations', () => ({ resource_class: 'none' })],
    [
      'a deploy template',
      '/v1/deploy_templates',
      () => ({ name: 'CUSTOM_A', steps: [{ ...step, order: undefined, priority: 1 }] }),
    ],
    ['a runbook', '/v1/runbooks', () => ({ name: 'wipe', steps: [step] })],
    ['a port', '/v1/ports', () => ({ node_uuid: node, address: '52:54:00:00:00:01' })],
    ['a port group', '/v1/portgroups', () => ({ node_uuid: node })],
    [
      'a volume connector',
      '/v1/volume/connectors',
      () => ({ node_uuid: node, type: 'iqn', connector_id: 'iqn.2026-11.org:a' }),
    ],
    [
      'a volume target',
      '/v1/volume/targets',
      () => ({ node_uuid: node, volume_type: 'iscsi', volume_id: 'v', boot_index: 0 }),
    ],
    ['a node', '/v1/nodes', () => ({ driver: 'fake-hardware' })],
  ])('%s: what each writes is kept', async (_, path, body) => {
    const { uuid } = await create(path, body());
    const answers = await Promise.all(
      MANY.map((key) => api.patch(`${path}/${uuid}`, [{ op: 'add', path: `/extra/${key}`, value: 1 }])),
    );
    expect(answers.map(({ status }) => status)).toEqual(MANY.map(() => 200));
    const { extra } = (await api.get(`${path}/${uuid}`)).json;
    expect(Object.keys(extra).toSorted()).toEqual(MANY.toSorted());
  });

  it('an inspection rule: what each writes is kept', async () => {
    const action = { op: 'set-attribute', args: { path: 'driver', value: 'ipmi' } };
    const { uuid } = await create('/v1/inspection_rules', { actions: [action] });
    const answers = await Promise.all(
      MANY.map((value) =>
        api.patch(`/v1/inspection_rules/${uuid}`, [
          { op: 'add', path: '/actions/-', value: { ...action, args: { ...action.args, value } } },
        ]),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(MANY.map(() => 200));
    const { actions } = (await api.get(`/v1/inspection_rules/${uuid}`)).json;
    expect(actions.map((one: typeof action) => one.args.value).toSorted()).toEqual(
      ['ipmi', ...MANY].toSorted(),
    );
  });

  it('an image and its tags: what each writes is kept', async () => {
    const { id } = (
      await api.post('/v2/images', { name: 'one', disk_format: 'raw', container_format: 'bare' })
    ).json;
    const headers = { 'content-type': 'application/openstack-images-v2.1-json-patch' };
    const answers = await Promise.all([
      ...MANY.map((key) =>
        api.with(headers).patch(`/v2/images/${id}`, [{ op: 'add', path: `/${key}`, value: '1' }]),
      ),
      ...MANY.map((key) => api.put(`/v2/images/${id}/tags/${key}`, undefined)),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([...MANY.map(() => 200), ...MANY.map(() => 204)]);
    const { tags, ...image } = (await api.get(`/v2/images/${id}`)).json;
    expect(Object.keys(image).filter((key) => MANY.includes(key))).toHaveLength(MANY.length);
    expect(tags.toSorted()).toEqual(MANY.toSorted());
  });

  it('traits of a node and of a runbook: each is kept', async () => {
    const { uuid } = await create('/v1/runbooks', { name: 'shred', steps: [step] });
    for (const path of [`/v1/nodes/${node}`, `/v1/runbooks/${uuid}`]) {
      const names = MANY.map((key) => `CUSTOM_${key.toUpperCase()}`);
      const answers = await Promise.all(names.map((name) => api.put(`${path}/traits/${name}`, undefined)));
      expect(answers.map(({ status }) => status)).toEqual(MANY.map(() => 204));
      expect((await api.get(`${path}/traits`)).json.traits.toSorted()).toEqual(names.toSorted());
    }
  });
});
