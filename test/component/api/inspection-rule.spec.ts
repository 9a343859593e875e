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
beforeEach(() => database.source.query('truncate inspection_rule'));
afterAll(async () => {
  await server?.stop();
  await database?.stop();
});

const AT = '/v1/inspection_rules';
const action = { op: 'set-attribute', args: { path: 'driver', value: 'ipmi' } };
const condition = { op: '!eq', args: { values: ['{node.driver}', 'ipmi'] } };
const create = async (more: object = {}) => {
  const answer = await api.post(AT, { actions: [action], ...more });
  expect([answer.status, answer.fault]).toEqual([201, '']);
  return answer.json;
};

describe('POST /v1/inspection_rules', () => {
  it('answers the whole rule', async () => {
    const loop = [{ a: 1 }];
    const answer = await api.at(96).post(AT, {
      description: 'd',
      priority: 9999,
      actions: [action, { ...action, loop, odd: 1 }],
      conditions: [
        condition,
        { ...condition, loop },
        { op: 'is-none', args: ['{node.name}'], multiple: 'all' },
      ],
    });
    const { uuid } = answer.json;
    expect(answer.headers.get('location')).toBe(`${api.base}${AT}/${uuid}`);
    expect(answer.json).toEqual({
      uuid,
      created_at: expect.stringMatching(/\+00:00$/),
      updated_at: null,
      description: 'd',
      phase: 'main',
      priority: 9999,
      sensitive: false,
      actions: [action, { ...action, loop }],
      conditions: [
        condition,
        { ...condition, loop, multiple: 'any' },
        { op: 'is-none', args: ['{node.name}'] },
      ],
      links: [
        { href: `${api.base}${AT}/${uuid}`, rel: 'self' },
        { href: `${api.base}/inspection_rules/${uuid}`, rel: 'bookmark' },
      ],
    });
    expect((await api.get(`${AT}/${uuid}`)).json).toEqual(answer.json);
  });
  it.each([
    [{ actions: undefined }, "'actions' is a required property"],
    [{ actions: [] }, '[] is too short'],
    [{ actions: {} }, "is not of type 'array'"],
    [{ actions: [{ op: 'fail' }] }, "'args' is a required property"],
    [{ actions: [{ op: 'nosuch', args: [] }] }, "'nosuch' is not one of ['fail', 'log',"],
    [{ actions: [{ op: 'fail', args: 'x' }] }, "args is not of type 'array', 'object'"],
    [{ actions: [{ op: 'fail', args: {} }] }, 'action operator fail: missing required argument(s): msg'],
    [{ actions: [{ op: 'fail', args: { msg: 'x', more: 1 } }] }, 'unexpected argument(s): more'],
    [{ actions: [{ op: 'set-attribute', args: ['driver'] }] }, 'missing required argument(s): value'],
    [{ conditions: [{ op: '!!eq', args: [] }] }, "'!!eq' is not one of ['eq', '!eq',"],
    [
      { conditions: [{ ...condition, multiple: 'some' }] },
      "'some' is not one of ['any', 'all', 'first', 'last']",
    ],
    [{ conditions: [{ op: 'in-net', args: ['10.0.0.1'] }] }, 'condition operator in-net: missing required'],
    [{ priority: -1 }, '-1 is less than the minimum of 0'],
    [{ priority: 10_000 }, 'Priority must be between 0 and 9999 for user-defined rules.'],
    [{ priority: '5' }, "is not of type 'integer'"],
    [{ phase: 'early' }, 'Invalid phase: early. Valid phases are: main'],
    [{ phase: 'early', priority: 10_000 }, 'Multiple validation errors occurred: Invalid phase'],
    [{ scope: 'x' }, "('scope' was unexpected)"],
  ])('refuses %j', async (body, fault) => {
    const answer = await api.post(AT, { actions: [action], ...body });
    expect(answer.fault).toContain(fault);
    expect(answer.status).toBe(400);
  });
});

describe('GET, PATCH and DELETE', () => {
  it('list, page, filter and come by versions', async () => {
    const rules = [await create({ priority: 5 }), await create({ priority: 7 })];
    const list = (await api.get(`${AT}?limit=1&sort_key=priority&sort_dir=desc`)).json;
    expect(Object.keys(list.inspection_rules[0]).toSorted()).toEqual([
      'description',
      'links',
      'phase',
      'priority',
      'uuid',
    ]);
    expect(list.inspection_rules[0].uuid).toBe(rules[1].uuid);
    expect((await api.get(list.next.slice(api.base.length))).json.inspection_rules[0].uuid).toBe(
      rules[0].uuid,
    );
    expect((await api.get(`${AT}?phase=main&detail=true`)).json.inspection_rules).toEqual(rules);
    expect((await api.get(`${AT}?phase=x`)).json.inspection_rules).toEqual([]);
    expect((await api.get(`${AT}?sort_key=actions`)).status).toBe(400);
    expect((await api.get(`${AT}/${randomUUID()}`)).fault).toContain('Rule ');
    const old = api.at(95);
    expect((await old.get(AT)).status).toBe(404);
    for (const answer of [await old.post(AT, {}), await old.delete(AT), await old.delete(`${AT}/x`)]) {
      expect(answer.status).toBe(405);
    }
  });
  it('change a rule as a whole must be', async () => {
    const { uuid } = await create({ conditions: [condition] });
    const patch = (op: object) => api.patch(`${AT}/${uuid}`, [op]);
    expect((await patch({ op: 'replace', path: '/actions/0/args/value', value: 'x' })).json.actions).toEqual([
      { ...action, args: { path: 'driver', value: 'x' } },
    ]);
    expect((await patch({ op: 'remove', path: '/conditions' })).json.conditions).toEqual([]);
    expect((await patch({ op: 'replace', path: '/priority', value: 3 })).json.priority).toBe(3);
    for (const [op, fault] of [
      [{ op: 'remove', path: '/actions' }, "'actions' is a required property"],
      [{ op: 'remove', path: '/actions/0' }, '[] is too short'],
      [{ op: 'remove', path: '/actions/0/args/path' }, 'missing required argument(s): path'],
      [{ op: 'replace', path: '/priority', value: 10_000 }, 'Priority must be'],
      [{ op: 'replace', path: '/uuid', value: randomUUID() }, 'Cannot patch /uuid'],
    ] as const) {
      const answer = await patch(op);
      expect([answer.status, answer.fault]).toEqual([400, expect.stringContaining(fault)]);
    }
  });
  it('never show what a sensitive rule does, nor keep it in clear', async () => {
    const secret = { op: 'set-attribute', args: { path: 'driver_info/ipmi_password', value: 'pa55word' } };
    const { uuid, ...shown } = await create({ sensitive: true, actions: [secret], conditions: [condition] });
    expect(shown).toMatchObject({ sensitive: true, actions: null, conditions: null });
    const changed = await api.patch(`${AT}/${uuid}`, [{ op: 'replace', path: '/description', value: 'd' }]);
    expect(changed.json).toMatchObject({ actions: null, conditions: null, description: 'd' });
    expect((await api.get(`${AT}?fields=actions`)).json.inspection_rules[0].actions).toBeNull();
    const [row] = await database.source.query<{ text: string }[]>(
      'select row_to_json(inspection_rule)::text as text from inspection_rule',
    );
    expect(row!.text).not.toMatch(/pa55word|ipmi_password/);
    const unset = await api.patch(`${AT}/${uuid}`, [{ op: 'replace', path: '/sensitive', value: false }]);
    expect([unset.status, unset.fault]).toEqual([
      400,
      expect.stringContaining('Inspection rules cannot have the sensitive flag unset.'),
    ]);
    const masked = await create({
      actions: [{ op: 'api-call', args: { url: 'u', headers: { token: 't0p' } } }],
    });
    expect(masked.actions[0].args.headers).toEqual({ token: '******' });
  });
  it('delete one, or all', async () => {
    const rules = [await create(), await create(), await create()];
    expect((await api.delete(`${AT}/${rules[0].uuid}`)).status).toBe(204);
    expect((await api.delete(`${AT}/${rules[0].uuid}`)).status).toBe(404);
    expect((await api.delete(AT)).status).toBe(204);
    expect((await api.get(AT)).json.inspection_rules).toEqual([]);
  });
});
