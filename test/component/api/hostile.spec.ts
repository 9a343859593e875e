import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NODE_FIELDS } from '../../../src/api/v1/node/fields.js';
import { NODE_LIST } from '../../../src/api/v1/node/filters.js';
import { PORT_FIELDS } from '../../../src/api/v1/port/fields.js';
import { PORT_LIST } from '../../../src/api/v1/port/port-list.js';
import { type Answer, type ApiClient, startApi } from '../../support/api.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';
import { HOSTILE_TEXT } from './hostile-text.js';

let database: TestDatabase;
let server: Awaited<ReturnType<typeof startApi>>;
let api: ApiClient;
let node: string;
let port: string;
beforeAll(async () => {
  database = await startTestDatabase();
  server = await startApi(database, { agent: { requests_per_minute: 1_000_000 } });
  api = server.api;
  const body = {
    driver: 'fake-hardware',
    driver_info: { my_password: 'canary' },
    instance_info: { image_url: 'canary' },
  };
  node = (await api.post('/v1/nodes', body)).json.uuid;
  port = (await api.post('/v1/ports', { node_uuid: node, address: '52:54:00:12:34:56' })).json.uuid;
});
afterAll(async () => {
  await server?.stop();
  await database?.stop();
});

const RUNS = { numRuns: 200, interruptAfterTimeLimit: 12_000, markInterruptAsFailure: false };
const value = fc.oneof(
  { weight: 3, arbitrary: HOSTILE_TEXT },
  fc.constantFrom<unknown>(null, true, 0, -1, 1.5, 1e300, 2 ** 53, [], {}, [[]], { a: { b: [null] } }),
  fc.jsonValue({ maxDepth: 4 }),
);
const version = fc.oneof(fc.integer({ min: 1, max: 115 }), fc.constantFrom(115));
const bodyOf = (names: readonly string[]) =>
  fc.dictionary(
    fc.oneof({ weight: 15, arbitrary: fc.constantFrom(...names) }, { weight: 1, arbitrary: HOSTILE_TEXT }),
    value,
    { maxKeys: 3, noNullPrototype: true },
  );

function fine(answer: Answer, what: unknown): void {
  const about = [what, answer.status, answer.text.slice(0, 300)];
  expect(about).toEqual([what, expect.toSatisfy((status: number) => status < 500), about[2]]);
  expect(answer.text).not.toContain('canary');
  if (answer.status >= 400) expect(answer.json).not.toBeNull();
  expect(({} as { x?: unknown }).x).toBeUndefined();
}

describe('whatever is sent', () => {
  it('as a node, is answered', async () => {
    const names = NODE_FIELDS.filter(({ write }) => write?.create).map(({ name }) => name);
    await fc.assert(
      fc.asyncProperty(bodyOf(names), version, async (body, at) => {
        fine(await api.at(at).post('/v1/nodes', { driver: 'fake-hardware', ...body }), body);
      }),
      RUNS,
    );
  });
  it('as a port, is answered', async () => {
    const names = [...PORT_FIELDS.map(({ name }) => name), 'node_ident'];
    await fc.assert(
      fc.asyncProperty(bodyOf(names), version, async (body, at) => {
        fine(
          await api.at(at).post('/v1/ports', { node_uuid: node, address: '52:54:00:12:34:57', ...body }),
          body,
        );
      }),
      RUNS,
    );
  });
  it('as a patch, is answered', async () => {
    const roots = [...NODE_FIELDS, ...PORT_FIELDS].map(({ name }) => name);
    const path = fc
      .array(
        fc.oneof(
          { weight: 4, arbitrary: fc.constantFrom(...roots) },
          HOSTILE_TEXT,
          fc.constantFrom('0', '-', 'a'),
        ),
        { minLength: 1, maxLength: 4 },
      )
      .map((parts) => `/${parts.join('/')}`);
    const operation = fc.record({ op: fc.constantFrom('add', 'replace', 'remove', 'move', ''), path, value });
    const patch = fc.oneof(fc.array(operation, { maxLength: 4 }), value);
    await fc.assert(
      fc.asyncProperty(
        patch,
        fc.constantFrom(`nodes/${node}`, `ports/${port}`),
        version,
        async (body, at, minor) => {
          fine(await api.at(minor).patch(`/v1/${at}`, body), body);
        },
      ),
      RUNS,
    );
    expect((await api.get(`/v1/nodes/${node}`)).status).toBe(200);
  });
  it('as an action, is answered', async () => {
    const keys = [
      'target',
      'timeout',
      'reason',
      'configdrive',
      'clean_steps',
      'deploy_steps',
      'disable_ramdisk',
      'boot_device',
      'persistent',
    ];
    const action = fc.constantFrom(
      'states/provision',
      'states/power',
      'maintenance',
      'management/boot_device',
    );
    const targets = fc.constantFrom(
      'active',
      'rebuild',
      'abort',
      'clean',
      'inspect',
      'adopt',
      'rescue',
      'unhold',
      'service',
      'power on',
      'nosuch',
    );
    await fc.assert(
      fc.asyncProperty(action, bodyOf(keys), targets, version, async (at, body, target, minor) => {
        fine(await api.at(minor).put(`/v1/nodes/${node}/${at}`, { target, ...body }), [at, body]);
      }),
      RUNS,
    );
  });
  it('as a query, is answered', async () => {
    const names = [...Object.keys(NODE_LIST), ...Object.keys(PORT_LIST), 'nosuch'];
    const query = fc.array(fc.tuple(fc.oneof(fc.constantFrom(...names), HOSTILE_TEXT), HOSTILE_TEXT), {
      maxLength: 4,
    });
    const at = fc.constantFrom(
      'nodes',
      'nodes/detail',
      'ports',
      'drivers',
      'conductors',
      `nodes/${node}`,
      `nodes/${node}/history`,
    );
    await fc.assert(
      fc.asyncProperty(at, query, version, async (path, pairs, minor) => {
        const encoded = pairs
          .map((pair) => pair.map((part) => encodeURIComponent(part.toWellFormed())).join('='))
          .join('&');
        fine(await api.at(minor).get(`/v1/${path}?${encoded}`), [path, encoded]);
      }),
      RUNS,
    );
  });
  it('by a ramdisk, is answered', async () => {
    const keys = [
      'callback_url',
      'agent_token',
      'agent_version',
      'agent_verify_ca',
      'agent_status',
      'agent_status_message',
    ];
    await fc.assert(
      fc.asyncProperty(bodyOf(keys), HOSTILE_TEXT, version, async (body, query, minor) => {
        fine(await server.agent.at(minor).post(`/v1/heartbeat/${node}`, body), body);
        const encoded = encodeURIComponent(query.toWellFormed());
        fine(await server.agent.at(minor).get(`/v1/lookup?addresses=${encoded}&node_uuid=${node}`), query);
      }),
      RUNS,
    );
  });
});
