import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
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
beforeEach(() => database.source.query('truncate runbook, node cascade'));
afterAll(async () => {
  await server?.stop();
  await database?.stop();
});

const step = { interface: 'deploy', step: 'erase_devices', args: {}, order: 1 };
const create = async (name: string, more: object = {}) => {
  const answer = await api.post('/v1/runbooks', { name, steps: [step], ...more });
  expect([answer.status, answer.fault]).toEqual([201, '']);
  return answer.json;
};

describe('/v1/runbooks', () => {
  it('answers the whole runbook, by version', async () => {
    const uuid = randomUUID();
    const { args, ...without } = step;
    const answer = await api.post('/v1/runbooks', {
      uuid,
      name: 'wipe',
      description: 'all of it',
      steps: [{ ...without, order: '1' }],
      owner: 'p',
    });
    expect(answer.headers.get('location')).toBe(`${api.base}/v1/runbooks/${uuid}`);
    expect(answer.json).toEqual({
      uuid,
      created_at: expect.stringMatching(/\+00:00$/),
      updated_at: null,
      name: 'wipe',
      description: 'all of it',
      disable_ramdisk: false,
      extra: {},
      owner: 'p',
      public: false,
      steps: [step],
      traits: [],
      links: [
        { href: `${api.base}/v1/runbooks/${uuid}`, rel: 'self' },
        { href: `${api.base}/runbooks/${uuid}`, rel: 'bookmark' },
      ],
    });
    const old = await api.at(111).get('/v1/runbooks/wipe');
    const { description, traits, ...known } = answer.json;
    expect(old.json).toEqual(known);
    expect((await api.at(92).get('/v1/runbooks')).json.runbooks).toEqual([
      { uuid, name: 'wipe', links: answer.json.links },
    ]);
    expect((await api.at(91).get('/v1/runbooks')).status).toBe(404);
    expect((await api.at(91).post('/v1/runbooks', {})).status).toBe(405);
    expect((await api.at(91).delete('/v1/runbooks/wipe')).status).toBe(405);
    expect((await api.at(111).get('/v1/runbooks/wipe/traits')).status).toBe(404);
    expect((await api.at(111).get('/v1/runbooks?fields=traits')).status).toBe(406);
  });
  it.each([
    [111, { name: 'wipe' }, "'wipe' is not valid under any of the given schemas"],
    [115, { name: 'a b' }, "'a b' does not match"],
    [115, { name: '' }, 'is too short'],
    [115, { steps: [] }, '[] is too short'],
    [115, { steps: [{ ...step, priority: 1 }] }, "('priority' was unexpected)"],
    [115, { steps: [{ interface: 'deploy', step: 'x' }] }, "'order' is a required property"],
    [115, { steps: [step, step] }, 'Duplicate deploy steps'],
    [115, { traits: ['CUSTOM_A'] }, "('traits' was unexpected)"],
    [115, { public: 'yes' }, "is not of type 'boolean', 'null'"],
  ])('at 1.%i refuses %j', async (version, body, fault) => {
    const answer = await api.at(version).post('/v1/runbooks', { name: 'CUSTOM_A', steps: [step], ...body });
    expect(answer.fault).toContain(fault);
    expect(answer.status).toBe(400);
  });
  it('a description is newer than a runbook', async () => {
    const body = { name: 'CUSTOM_A', steps: [step], description: 'x' };
    expect((await api.at(111).post('/v1/runbooks', body)).status).toBe(400);
    expect((await api.at(92).post('/v1/runbooks', { ...body, description: undefined })).status).toBe(201);
    expect((await api.post('/v1/runbooks', body)).fault).toBe('A runbook with name CUSTOM_A already exists.');
  });
  it('changes by PATCH, ends by DELETE', async () => {
    await create('wipe', { steps: [{ ...step, args: { password: 'x' } }] });
    const patch = (...ops: object[]) => api.patch('/v1/runbooks/wipe', ops);
    const set = (path: string, value: unknown) => ({ op: 'add', path, value });
    expect((await patch(set('/disable_ramdisk', true), set('/description', 'd'))).json).toMatchObject({
      disable_ramdisk: true,
      description: 'd',
      steps: [{ ...step, args: { password: '******' } }],
    });
    expect((await patch(set('/owner', 'p'))).json.owner).toBe('p');
    expect((await patch(set('/public', true))).json).toMatchObject({ public: true, owner: null });
    const refused = await patch(set('/owner', 'p'));
    expect([refused.status, refused.fault]).toEqual([
      400,
      expect.stringContaining('There cannot be an owner for a public runbook'),
    ]);
    expect((await patch(set('/owner', 'p'), set('/public', false))).json).toMatchObject({
      public: false,
      owner: 'p',
    });
    expect((await patch(set('/traits', []))).fault).toContain('Cannot patch /traits');
    expect((await api.at(111).patch('/v1/runbooks/wipe', [set('/description', 'x')])).status).toBe(400);
    expect((await patch(set('/steps/0/order', 'x'))).status).toBe(400);
    expect((await api.delete('/v1/runbooks/wipe')).status).toBe(204);
    expect((await api.get('/v1/runbooks/wipe')).fault).toBe('Runbook wipe could not be found.');
  });
  it('has traits of its own from 1.112', async () => {
    const { uuid } = await create('wipe');
    const at = `/v1/runbooks/${uuid}/traits`;
    expect((await api.put(at, { traits: ['CUSTOM_A', 'CUSTOM_A'] })).status).toBe(204);
    const added = await api.send('PUT', `${at}/CUSTOM_B`);
    expect([added.status, added.headers.get('location')]).toEqual([204, `${api.base}${at}/CUSTOM_B`]);
    expect((await api.get(at)).json).toEqual({ traits: ['CUSTOM_A', 'CUSTOM_B'] });
    expect((await api.get('/v1/runbooks/wipe')).json.traits).toEqual(['CUSTOM_A', 'CUSTOM_B']);
    expect((await api.delete(`${at}/CUSTOM_A`)).status).toBe(204);
    expect((await api.delete(`${at}/CUSTOM_A`)).status).toBe(204);
    expect((await api.get(at)).json).toEqual({ traits: ['CUSTOM_B'] });
    for (const [path, body] of [
      [at, { traits: ['nope'] }],
      [at, { traits: ['CUSTOM_A'], more: 1 }],
      [at, undefined],
      [`${at}/nope`, undefined],
      [`${at}/CUSTOM_C`, { traits: [] }],
    ] as const) {
      expect([path, (await api.send('PUT', path, body)).status]).toEqual([path, 400]);
    }
    expect((await api.delete(at)).status).toBe(204);
    expect((await api.get(at)).json).toEqual({ traits: [] });
    expect((await api.put('/v1/runbooks/nosuch/traits', { traits: [] })).status).toBe(404);
  });
});

describe('PUT states/provision with a runbook', () => {
  const clean = (node: string, more: object = {}, version = 115) =>
    api
      .at(version)
      .put(`/v1/nodes/${node}/states/provision`, { target: 'clean', runbook: 'CUSTOM_WIPE', ...more });
  const manageable = async (traits: string[]) => {
    const { uuid } = (await api.post('/v1/nodes', { driver: 'fake-hardware' })).json;
    await database.source.query(
      `update node set provision_state = 'manageable', power_state = 'power off', traits = $2 where uuid = $1`,
      [uuid, JSON.stringify(traits)],
    );
    return uuid as string;
  };

  it('cleans by its steps, in their order', async () => {
    const step = (name: string, order: number) => ({ interface: 'deploy', step: name, args: {}, order });
    await create('CUSTOM_WIPE', { steps: [step('erase_devices', 2), step('erase_devices_metadata', 1)] });
    await api.put('/v1/runbooks/CUSTOM_WIPE/traits', { traits: ['CUSTOM_DISKS'] });
    const node = await manageable(['CUSTOM_DISKS']);
    expect((await clean(node)).fault).toBe('');
    await server.settle(node, 'manageable', 'clean failed');
    const rows = await database.source.query<{ name: string; state: string }[]>(
      `select s.name, s.state from operation_step s join operation o on o.id = s.operation_id
        where o.node_uuid = $1 and s.agent order by s.position`,
      [node],
    );
    expect(rows).toEqual([
      { name: 'erase_devices_metadata', state: 'done' },
      { name: 'erase_devices', state: 'done' },
    ]);
  });
  it('goes by the traits of both; before 1.112 by the runbook’s name', async () => {
    await create('CUSTOM_WIPE');
    const node = await manageable(['CUSTOM_WIPE']);
    const fault = async (version: number) => {
      const answer = await clean(node, {}, version);
      expect(answer.status).toBe(400);
      return answer.fault;
    };
    expect(await fault(112)).toContain('has no traits configured');
    await api.put('/v1/runbooks/CUSTOM_WIPE/traits', { traits: ['CUSTOM_B', 'CUSTOM_A'] });
    expect(await fault(112)).toContain("does not have any of the runbook's traits ['CUSTOM_A', 'CUSTOM_B'].");
    expect((await clean(node, {}, 111)).status).toBe(202);
    await server.settle(node, 'manageable', 'clean failed');
    await database.source.query(`update node set traits = '[]'`);
    expect(await fault(111)).toContain('has not been approved for use on this node');
  });
  it('refuses what does not go together', async () => {
    await create('CUSTOM_WIPE');
    await api.put('/v1/runbooks/CUSTOM_WIPE/traits', { traits: ['CUSTOM_A'] });
    const node = await manageable(['CUSTOM_A']);
    const clean_steps = [{ interface: 'deploy', step: 'erase_devices' }];
    for (const [body, version, status, fault] of [
      [{}, 91, 406, ''],
      [{ runbook: 'nosuch' }, 115, 404, 'Runbook nosuch could not be found.'],
      [{ runbook: 5 }, 115, 400, 'Expected string for runbook'],
      [{ clean_steps }, 115, 400, 'Please provide either "clean_steps" or a runbook, but not both.'],
      [
        { target: 'provide' },
        115,
        400,
        'disable_ramdisk is supported only with manual cleaning or servicing',
      ],
      [{ target: 'active', runbook: 'nosuch' }, 115, 400, 'can not be performed'],
    ] as const) {
      const answer = await clean(node, body, version);
      expect([answer.status, answer.fault]).toEqual([status, expect.stringContaining(fault)]);
    }
  });
});
