import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiClient, startApi } from '../../support/api.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';

let database: TestDatabase;
let server: Awaited<ReturnType<typeof startApi>>;
let api: ApiClient;
beforeAll(async () => {
  database = await startTestDatabase();
  server = await startApi(database);
  api = server.api;
});
afterAll(async () => {
  await server?.stop();
  await database?.stop();
});

interface Attempt {
  uuid: string;
  kind: string;
  outcome: string | null;
  [field: string]: unknown;
}

const create = async (more: object = {}): Promise<string> =>
  (await api.post('/v1/nodes', { driver: 'fake-hardware', ...more })).json.uuid;

const attempts = async (uuid: string, query = ''): Promise<Attempt[]> => {
  const { status, json, fault } = await api.get(`/v1/nodes/${uuid}/attempts${query}`);
  expect([status, fault]).toEqual([200, '']);
  return json.attempts;
};
const one = async (uuid: string, attempt: string) =>
  (await api.get(`/v1/nodes/${uuid}/attempts/${attempt}`)).json;

const reach = async (uuid: string, verb: string, state: string, more: object = {}) => {
  const asked = await api.put(`/v1/nodes/${uuid}/states/provision`, { target: verb, ...more });
  expect([verb, asked.status, asked.fault]).toEqual([verb, 202, '']);
  await expect
    .poll(async () => (await api.get(`/v1/nodes/${uuid}`)).json.provision_state, { timeout: 20_000 })
    .toBe(state);
  return asked.headers.get('openstack-request-id');
};

describe('GET /v1/nodes/{node}/attempts', () => {
  it('has what was tried, the newest first, with who asked and how it ended', async () => {
    const uuid = await create();
    expect(await attempts(uuid)).toEqual([]);
    const manage = await reach(uuid, 'manage', 'manageable');
    await reach(uuid, 'provide', 'available');
    const deploy = await reach(uuid, 'active', 'active');
    const all = await attempts(uuid);
    expect(all.map(({ kind, outcome }) => [kind, outcome])).toEqual([
      ['deploy', 'succeeded'],
      ['clean', 'succeeded'],
      ['verify', 'succeeded'],
    ]);
    expect(all.map(({ request_id }) => request_id)).toMatchObject([deploy, expect.anything(), manage]);
    for (const attempt of all) {
      expect(attempt).toMatchObject({ state: 'finished', via: 'api', error: null, reason: null });
      expect(attempt['duration_seconds']).toBeGreaterThanOrEqual(0);
      expect(attempt).not.toHaveProperty('steps');
    }
    expect((await attempts(uuid, '?kind=verify,deploy')).map(({ kind }) => kind)).toEqual([
      'deploy',
      'verify',
    ]);
  });

  it('goes on page by page, in either direction, to what `next` says', async () => {
    const uuid = await create();
    for (const of of [1, 2, 3]) {
      await api.put(`/v1/nodes/${uuid}/states/power`, { target: of % 2 ? 'power on' : 'power off' });
      await expect.poll(async () => (await attempts(uuid, '?kind=power'))[0]?.outcome).toBe('succeeded');
    }
    const all = (await attempts(uuid, '?kind=power')).map((attempt) => attempt.uuid);
    expect(all).toHaveLength(3);
    for (const [direction, expected] of [
      ['desc', all],
      ['asc', all.toReversed()],
    ] as const) {
      const seen: string[] = [];
      let next: string | null =
        `${api.base}/v1/nodes/${uuid}/attempts?kind=power&limit=1&sort_dir=${direction}`;
      while (next) {
        const { json, status } = await api.get(next.slice(api.base.length));
        expect(status).toBe(200);
        seen.push(...json.attempts.map((attempt: Attempt) => attempt.uuid));
        next = json.next ?? null;
      }
      expect(seen).toEqual(expected);
    }
  });

  it('tells the error and the step of a failure, in the very attempt', async () => {
    const uuid = await create({ driver_info: { fake_fail_write_image: 'the disk is gone' } });
    await reach(uuid, 'manage', 'manageable');
    await reach(uuid, 'provide', 'available');
    await reach(uuid, 'active', 'deploy failed');
    const [failed] = await attempts(uuid, '?kind=deploy&detail=True');
    expect(failed).toMatchObject({ outcome: 'failed', error: expect.stringContaining('the disk is gone') });
    const steps = failed!['steps'] as { step: string; state: string; finished_at: string | null }[];
    expect(steps.find(({ step }) => step === 'write_image')).toMatchObject({
      state: 'failed',
      finished_at: expect.any(String),
    });
    expect(steps.filter(({ state }) => state === 'pending').length).toBeGreaterThan(0);
    expect(await one(uuid, failed!.uuid)).toEqual(failed);
  });

  it('shows what is waited for and until when; an abort and a deletion are its ends', async () => {
    const uuid = await create({ driver_info: { fake_delay_deploy: '600' } });
    await reach(uuid, 'manage', 'manageable');
    await reach(uuid, 'provide', 'available');
    await reach(uuid, 'active', 'wait call-back');
    const [waiting] = await attempts(uuid, '?kind=deploy');
    expect(waiting).toMatchObject({ state: 'waiting', outcome: null, waits_for: 'poll', finished_at: null });
    expect(Date.parse(String(waiting!['deadline']))).toBeGreaterThan(Date.now());
    await reach(uuid, 'abort', 'deploy failed');
    expect((await attempts(uuid, '?kind=deploy'))[0]!.outcome).toBe('aborted');
    await reach(uuid, 'active', 'wait call-back');
    await reach(uuid, 'deleted', 'available');
    expect((await attempts(uuid, '?kind=deploy'))[0]!.outcome).toBe('superseded');
  });

  it('has what was seen of the machine: lookups and heartbeats, how often', async () => {
    const uuid = await create({ driver_info: { fake_delay_deploy: '600' } });
    await reach(uuid, 'manage', 'manageable');
    await reach(uuid, 'provide', 'available');
    await reach(uuid, 'active', 'wait call-back');
    const looked = await server.agent.get(`/v1/lookup?node_uuid=${uuid}`);
    expect(looked.status).toBe(200);
    const beat = { callback_url: 'http://127.0.0.1:9999', agent_token: looked.json.config.agent_token };
    for (const of of ['1', '2'])
      await server.agent.post(`/v1/heartbeat/${uuid}`, { ...beat, agent_version: of });
    const miss = await server.agent.post(`/v1/heartbeat/${uuid}`, { ...beat, agent_token: 'x' });
    expect(miss.status).toBe(400);
    const [{ uuid: attempt }] = (await attempts(uuid, '?kind=deploy')) as [Attempt];
    await expect
      .poll(async () => (await one(uuid, attempt)).sightings, { timeout: 10_000 })
      .toMatchObject([
        { kind: 'lookup', name: '', source: '127.0.0.1', count: 1, bytes: 0 },
        { kind: 'heartbeat', name: '', source: '127.0.0.1', count: 2, bytes: 0 },
      ]);
  });

  it('shows no secret of a step', async () => {
    const uuid = await create();
    await reach(uuid, 'manage', 'manageable');
    const settings = [{ name: 'BootMode', value: 'uefi', admin_password: 'canary' }];
    const clean_steps = [{ interface: 'bios', step: 'apply_configuration', args: { settings } }];
    await api.put(`/v1/nodes/${uuid}/states/provision`, { target: 'clean', clean_steps });
    const { text } = await api.get(`/v1/nodes/${uuid}/attempts?detail=True`);
    expect(text).toContain('"admin_password":"******"');
    expect(text).not.toContain('canary');
  });

  it.each([
    ['?kind=deployment', 400, 'kind is not "deployment" but of: verify, deploy'],
    ['?sort_key=error', 400, 'Unexpected arguments: sort_key'],
    ['?limit=0', 400, 'Limit must be positive'],
    ['?marker=of-no-form', 400, 'of-no-form'],
    [`?marker=${randomUUID()}`, 404, 'The node has no attempt'],
    [`/${randomUUID()}`, 404, 'The node has no attempt'],
    ['/newest', 400, 'Expected a UUID but received newest.'],
  ])('refuses %s with %i', async (path, status, words) => {
    const uuid = await create();
    const answer = await api.get(`/v1/nodes/${uuid}/attempts${path}`);
    expect([answer.status, answer.fault]).toEqual([status, expect.stringContaining(words)]);
  });

  it('does not know the attempt of another node', async () => {
    const [mine, other] = [await create(), await create()];
    await reach(other, 'manage', 'manageable');
    const [theirs] = await attempts(other);
    expect((await api.get(`/v1/nodes/${mine}/attempts/${theirs!.uuid}`)).status).toBe(404);
    expect((await api.get(`/v1/nodes/${mine}/attempts?marker=${theirs!.uuid}`)).status).toBe(404);
  });
});
