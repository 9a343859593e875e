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
beforeEach(() => database.source.query('truncate deploy_template, node cascade'));
afterAll(async () => {
  await server?.stop();
  await database?.stop();
});

const step = { interface: 'bios', step: 'apply_configuration', args: { settings: [] }, priority: 150 };
const create = async (name: string, more: object = {}) => {
  const answer = await api.post('/v1/deploy_templates', { name, steps: [step], ...more });
  expect([answer.status, answer.fault]).toEqual([201, '']);
  return answer.json;
};

describe('POST /v1/deploy_templates', () => {
  it('answers the whole template', async () => {
    const uuid = randomUUID();
    const answer = await api.post('/v1/deploy_templates', {
      uuid,
      name: 'CUSTOM_A',
      steps: [{ ...step, priority: '150' }],
      extra: { a: 1 },
    });
    expect(answer.headers.get('location')).toBe(`${api.base}/v1/deploy_templates/${uuid}`);
    expect(answer.json).toEqual({
      uuid,
      created_at: expect.stringMatching(/\+00:00$/),
      updated_at: null,
      name: 'CUSTOM_A',
      extra: { a: 1 },
      steps: [step],
      links: [
        { href: `${api.base}/v1/deploy_templates/${uuid}`, rel: 'self' },
        { href: `${api.base}/deploy_templates/${uuid}`, rel: 'bookmark' },
      ],
    });
    expect(Object.keys(answer.json.steps[0])).toEqual(['interface', 'step', 'args', 'priority']);
    for (const ident of [uuid, 'CUSTOM_A']) {
      expect((await api.at(55).get(`/v1/deploy_templates/${ident}`)).json).toEqual(answer.json);
    }
  });
  it.each([
    [{ name: 'nope' }, "'nope' is not valid under any of the given schemas"],
    [{ name: undefined }, "'name' is a required property"],
    [{ steps: undefined }, "'steps' is a required property"],
    [{ steps: [] }, '[] is too short'],
    [{ steps: {} }, "is not of type 'array'"],
    [{ steps: [{ ...step, args: undefined }] }, "'args' is a required property"],
    [{ steps: [{ ...step, order: 1 }] }, "('order' was unexpected)"],
    [{ steps: [{ ...step, interface: 'network' }] }, "'network' is not one of ['vendor',"],
    [{ steps: [{ ...step, step: '' }] }, 'is too short'],
    [{ steps: [{ ...step, priority: -1 }] }, 'priority is not valid'],
    [{ steps: [{ ...step, priority: 'x' }] }, 'priority is not valid'],
    [{ steps: [{ ...step, priority: 2 ** 31 }] }, 'priority is not valid'],
    [{ steps: [step, step] }, 'Duplicates: interface: bios, step: apply_configuration.'],
    [{ description: 'x' }, "('description' was unexpected)"],
    [{ uuid: 'x' }, 'Expected UUID for uuid: x'],
  ])('refuses %j', async (body, fault) => {
    const answer = await api.post('/v1/deploy_templates', { name: 'CUSTOM_A', steps: [step], ...body });
    expect(answer.fault).toContain(fault);
    expect(answer.status).toBe(400);
  });
  it('refuses a name or uuid that is taken', async () => {
    const { uuid } = await create('CUSTOM_A');
    const again = (body: object) =>
      api.post('/v1/deploy_templates', { name: 'CUSTOM_B', steps: [step], ...body });
    expect((await again({ name: 'CUSTOM_A' })).fault).toBe(
      'A deploy template with name CUSTOM_A already exists.',
    );
    expect((await again({ uuid })).status).toBe(409);
  });
});

describe('GET /v1/deploy_templates', () => {
  it('lists, pages by uuid or name, comes by versions', async () => {
    for (const name of ['CUSTOM_A', 'CUSTOM_B', 'CUSTOM_C']) await create(name);
    const names = async (query: string) =>
      (await api.get(`/v1/deploy_templates${query}`)).json.deploy_templates.map(
        (one: { name: string }) => one.name,
      );
    const brief = (await api.get('/v1/deploy_templates?limit=2')).json;
    expect(Object.keys(brief.deploy_templates[0])).toEqual(['uuid', 'name', 'links']);
    const rest = (await api.get(brief.next.slice(api.base.length))).json;
    expect(rest.deploy_templates.map((one: { name: string }) => one.name)).toEqual(['CUSTOM_C']);
    expect(await names('?marker=CUSTOM_A&sort_key=name')).toEqual(['CUSTOM_B', 'CUSTOM_C']);
    expect((await api.get('/v1/deploy_templates?marker=CUSTOM_X')).status).toBe(404);
    expect((await api.get('/v1/deploy_templates?detail=true')).json.deploy_templates[0].steps).toEqual([
      step,
    ]);
    expect((await api.get('/v1/deploy_templates?fields=steps')).json.deploy_templates[0].steps).toEqual([
      step,
    ]);
    expect((await api.get('/v1/deploy_templates?sort_key=steps')).status).toBe(400);
    const old = api.at(54);
    expect((await old.get('/v1/deploy_templates')).status).toBe(404);
    expect((await old.post('/v1/deploy_templates', {})).status).toBe(405);
    expect((await old.patch('/v1/deploy_templates/CUSTOM_A', [])).status).toBe(405);
    expect((await old.delete('/v1/deploy_templates/CUSTOM_A')).status).toBe(405);
  });
});

describe('PATCH and DELETE /v1/deploy_templates/{ident}', () => {
  const patch = (...ops: object[]) => api.patch('/v1/deploy_templates/CUSTOM_A', ops);
  it('change it, single steps too', async () => {
    await create('CUSTOM_A');
    expect(
      (await patch({ op: 'replace', path: '/steps/0/priority', value: 10 })).json.steps[0].priority,
    ).toBe(10);
    const added = { ...step, step: 'other', priority: 0 };
    expect((await patch({ op: 'add', path: '/steps/1', value: added })).json.steps[1]).toEqual(added);
    for (const [op, fault] of [
      [{ op: 'remove', path: '/steps' }, "'steps' is a required property"],
      [{ op: 'remove', path: '/name' }, "'name' is a required property"],
      [{ op: 'replace', path: '/name', value: 'nope' }, "'nope' is not valid"],
      [{ op: 'replace', path: '/steps/0/interface', value: 'x' }, "'x' is not one of"],
      [{ op: 'replace', path: '/steps/1/step', value: step.step }, 'Duplicate deploy steps'],
      [{ op: 'replace', path: '/uuid', value: randomUUID() }, 'Cannot patch /uuid'],
      [{ op: 'add', path: '/nosuch', value: 1 }, 'Cannot patch /nosuch'],
    ] as const) {
      const answer = await patch(op);
      expect([answer.status, answer.fault]).toEqual([400, expect.stringContaining(fault)]);
    }
    expect((await patch({ op: 'replace', path: '/name', value: 'CUSTOM_B' })).json.name).toBe('CUSTOM_B');
    expect((await api.delete('/v1/deploy_templates/CUSTOM_B')).status).toBe(204);
    expect((await api.delete('/v1/deploy_templates/CUSTOM_B')).fault).toBe(
      'Deploy template CUSTOM_B could not be found.',
    );
  });
  it('keep secrets of arguments, which nobody is shown and no row holds in clear', async () => {
    const args = { password: 'pa55word', deep: [{ token: 'tok3n', open: 1 }] };
    const masked = { password: '******', deep: [{ token: '******', open: 1 }] };
    const { steps } = await create('CUSTOM_A', { steps: [{ ...step, args }] });
    expect(steps[0].args).toEqual(masked);
    expect((await patch({ op: 'replace', path: '/steps/0/priority', value: 7 })).json.steps[0].args).toEqual(
      masked,
    );
    const [row] = await database.source.query<{ text: string }[]>(
      'select row_to_json(deploy_template)::text as text from deploy_template',
    );
    expect(row!.text).not.toMatch(/pa55word|tok3n/);
    const { templates } = server.parts;
    expect(templates.stepsOf(await templates.get('CUSTOM_A'))[0]!.args).toEqual(args);
  });
});

describe('a deployment', () => {
  const available = async (traits: string[]) => {
    const instance_info = { image_source: 'http://images/disk.raw', image_checksum: 'a'.repeat(64), traits };
    const { uuid } = (await api.post('/v1/nodes', { driver: 'fake-hardware', instance_info })).json;
    await database.source.query(
      `update node set provision_state = 'available', power_state = 'power off', traits = $2 where uuid = $1`,
      [uuid, JSON.stringify(traits)],
    );
    return uuid as string;
  };
  const deploy = (node: string) => api.put(`/v1/nodes/${node}/states/provision`, { target: 'active' });

  it('takes in the steps of templates that the instance’s traits name', async () => {
    const late = { interface: 'deploy', step: 'write_image', args: {}, priority: 25 };
    await create('CUSTOM_LATE', { steps: [late] });
    await create('CUSTOM_OTHER', { steps: [{ ...late, priority: 0 }] });
    const node = await available(['CUSTOM_LATE', 'CUSTOM_UNKNOWN']);
    expect((await deploy(node)).fault).toBe('');
    await server.settle(node, 'active', 'deploy failed');
    const rows = await database.source.query<{ name: string }[]>(
      `select s.name from operation_step s join operation o on o.id = s.operation_id
        where o.node_uuid = $1 and s.visible and s.state = 'done' order by s.position`,
      [node],
    );
    expect(rows.map(({ name }) => name)).toEqual([
      'deploy',
      'prepare_instance_boot',
      'tear_down_agent',
      'switch_to_tenant_network',
      'write_image',
      'boot_instance',
    ]);
  });
  it('is refused before it begins where a template does not fit the node', async () => {
    await create('CUSTOM_A', { steps: [{ interface: 'bios', step: 'no_such', args: {}, priority: 150 }] });
    const node = await available(['CUSTOM_A']);
    const answer = await deploy(node);
    expect([answer.status, answer.fault]).toEqual([
      400,
      expect.stringContaining(
        'Matching deploy templates: CUSTOM_A. Errors: node does not support this deploy step',
      ),
    ]);
    expect((await api.get(`/v1/nodes/${node}`)).json.provision_state).toBe('available');
  });
});
