import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Event } from '../../../src/persistence/event/event.entity.js';
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

/** Template of a route, path, body, and the kind of its change. */
type Request = [route: string, path: string, body: unknown, kind: string];
const BYTES = { 'content-type': 'application/octet-stream' };
const KERNEL = { disk_format: 'aki', container_format: 'aki' };
const step = { interface: 'deploy', step: 'erase_devices', args: {} };
const extra = [{ op: 'add', path: '/extra/a', value: 1 }];

async function requests(): Promise<Request[]> {
  const node_uuid = (await api.post('/v1/nodes', { driver: 'fake-hardware' })).json.uuid as string;
  await database.source.query(`update node set power_state = 'power off'`);
  const [group, connector, target, chassis, template, runbook, rule] = Array.from({ length: 7 }, () =>
    randomUUID(),
  );
  const [image, staged] = [randomUUID(), randomUUID()];
  const change = 'application/openstack-images-v2.1-json-patch';
  return [
    ['POST /v1/portgroups', '/v1/portgroups', { uuid: group, node_uuid }, 'portgroup.created'],
    ['PATCH /v1/portgroups/{ident}', `/v1/portgroups/${group}`, extra, 'portgroup.changed'],
    ['DELETE /v1/portgroups/{ident}', `/v1/portgroups/${group}`, undefined, 'portgroup.deleted'],
    [
      'POST /v1/volume/connectors',
      '/v1/volume/connectors',
      { uuid: connector, node_uuid, type: 'iqn', connector_id: 'iqn.2017-07.org:01' },
      'volume_connector.created',
    ],
    [
      'PATCH /v1/volume/connectors/{uuid}',
      `/v1/volume/connectors/${connector}`,
      extra,
      'volume_connector.changed',
    ],
    [
      'DELETE /v1/volume/connectors/{uuid}',
      `/v1/volume/connectors/${connector}`,
      undefined,
      'volume_connector.deleted',
    ],
    [
      'POST /v1/volume/targets',
      '/v1/volume/targets',
      { uuid: target, node_uuid, volume_type: 'iscsi', volume_id: 'v', boot_index: 0 },
      'volume_target.created',
    ],
    ['PATCH /v1/volume/targets/{uuid}', `/v1/volume/targets/${target}`, extra, 'volume_target.changed'],
    ['DELETE /v1/volume/targets/{uuid}', `/v1/volume/targets/${target}`, undefined, 'volume_target.deleted'],
    ['POST /v1/chassis', '/v1/chassis', { uuid: chassis }, 'chassis.created'],
    ['PATCH /v1/chassis/{uuid}', `/v1/chassis/${chassis}`, extra, 'chassis.changed'],
    ['DELETE /v1/chassis/{uuid}', `/v1/chassis/${chassis}`, undefined, 'chassis.deleted'],
    [
      'POST /v1/deploy_templates',
      '/v1/deploy_templates',
      { uuid: template, name: 'CUSTOM_T', steps: [{ ...step, priority: 1 }] },
      'deploy_template.created',
    ],
    [
      'PATCH /v1/deploy_templates/{ident}',
      `/v1/deploy_templates/${template}`,
      extra,
      'deploy_template.changed',
    ],
    [
      'DELETE /v1/deploy_templates/{ident}',
      `/v1/deploy_templates/${template}`,
      undefined,
      'deploy_template.deleted',
    ],
    [
      'POST /v1/runbooks',
      '/v1/runbooks',
      { uuid: runbook, name: 'CUSTOM_R', steps: [{ ...step, order: 1 }] },
      'runbook.created',
    ],
    ['PATCH /v1/runbooks/{ident}', `/v1/runbooks/${runbook}`, extra, 'runbook.changed'],
    [
      'PUT /v1/runbooks/{ident}/traits',
      `/v1/runbooks/${runbook}/traits`,
      { traits: ['CUSTOM_A'] },
      'runbook.changed',
    ],
    [
      'PUT /v1/runbooks/{ident}/traits/{trait}',
      `/v1/runbooks/${runbook}/traits/CUSTOM_B`,
      undefined,
      'runbook.changed',
    ],
    [
      'DELETE /v1/runbooks/{ident}/traits/{trait}',
      `/v1/runbooks/${runbook}/traits/CUSTOM_B`,
      undefined,
      'runbook.changed',
    ],
    ['DELETE /v1/runbooks/{ident}/traits', `/v1/runbooks/${runbook}/traits`, undefined, 'runbook.changed'],
    ['DELETE /v1/runbooks/{ident}', `/v1/runbooks/${runbook}`, undefined, 'runbook.deleted'],
    [
      'POST /v1/inspection_rules',
      '/v1/inspection_rules',
      { uuid: rule, actions: [{ op: 'fail', args: { msg: 'no' } }] },
      'inspection_rule.created',
    ],
    [
      'PATCH /v1/inspection_rules/{uuid}',
      `/v1/inspection_rules/${rule}`,
      [{ op: 'replace', path: '/priority', value: 3 }],
      'inspection_rule.changed',
    ],
    [
      'DELETE /v1/inspection_rules/{uuid}',
      `/v1/inspection_rules/${rule}`,
      undefined,
      'inspection_rule.deleted',
    ],
    [
      'POST /v1/inspection_rules',
      '/v1/inspection_rules',
      { actions: [{ op: 'fail', args: { msg: 'no' } }] },
      'inspection_rule.created',
    ],
    ['DELETE /v1/inspection_rules', '/v1/inspection_rules', undefined, 'inspection_rule.deleted'],
    ['POST /v2/images', '/v2/images', { id: image, ...KERNEL }, 'image.created'],
    [
      'PATCH /v2/images/{id}',
      `/v2/images/${image}`,
      [change, [{ op: 'replace', path: '/name', value: 'n' }]],
      'image.changed',
    ],
    ['PUT /v2/images/{id}/tags/{tag}', `/v2/images/${image}/tags/a`, undefined, 'image.changed'],
    ['DELETE /v2/images/{id}/tags/{tag}', `/v2/images/${image}/tags/a`, undefined, 'image.changed'],
    ['POST /v2/images/{id}/members', `/v2/images/${image}/members`, { member: 'p' }, 'image.changed'],
    [
      'PUT /v2/images/{id}/members/{member}',
      `/v2/images/${image}/members/p`,
      { status: 'accepted' },
      'image.changed',
    ],
    ['DELETE /v2/images/{id}/members/{member}', `/v2/images/${image}/members/p`, undefined, 'image.changed'],
    ['PUT /v2/images/{id}/file', `/v2/images/${image}/file`, 'the bytes of a kernel', 'image.changed'],
    [
      'POST /v2/images/{id}/actions/deactivate',
      `/v2/images/${image}/actions/deactivate`,
      undefined,
      'image.changed',
    ],
    [
      'POST /v2/images/{id}/actions/reactivate',
      `/v2/images/${image}/actions/reactivate`,
      undefined,
      'image.changed',
    ],
    ['DELETE /v2/images/{id}', `/v2/images/${image}`, undefined, 'image.deleted'],
    ['POST /v2/images', '/v2/images', { id: staged, ...KERNEL }, 'image.created'],
    ['PUT /v2/images/{id}/stage', `/v2/images/${staged}/stage`, 'staged bytes', 'image.changed'],
    [
      'POST /v2/images/{id}/import',
      `/v2/images/${staged}/import`,
      { method: { name: 'glance-direct' } },
      'image.changed',
    ],
  ];
}

const RESOURCES =
  /^\/(v1\/(portgroups|volume|chassis|deploy_templates|runbooks|inspection_rules)|v2\/images)(\/|$)/;

it('every changing route of these resources tells its change, with the id of the request', async () => {
  const table = await requests();
  const { paths } = (await api.get('/v1/openapi.json')).json as { paths: Record<string, object> };
  const routes = Object.entries(paths)
    .filter(([path]) => RESOURCES.test(path))
    .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`))
    .filter((route) => /^(POST|PUT|PATCH|DELETE) /.test(route));
  // A new route needs a row here.
  expect(routes.filter((route) => !table.some(([known]) => known === route))).toEqual([]);

  for (const [route, path, body, kind] of table) {
    const method = route.split(' ')[0]!;
    const headers: Record<string, string> =
      typeof body === 'string'
        ? BYTES
        : path.startsWith('/v2') && method === 'PATCH'
          ? { 'content-type': (body as [string])[0] }
          : {};
    const sent = 'content-type' in headers && method === 'PATCH' ? (body as [string, unknown])[1] : body;
    const answer = await api.send(method, path, sent, headers);
    expect([route, answer.status, answer.status < 300 ? '' : answer.text]).toEqual([
      route,
      expect.any(Number),
      '',
    ]);
    const request_id = answer.headers.get('openstack-request-id');
    const told = () =>
      database.source.query<Event[]>(`select * from event where request_id = $1`, [request_id]);
    // An import goes on after its answer.
    await expect.poll(async () => (await told()).map((row) => [route, row.kind])).toEqual([[route, kind]]);
    const [row] = await told();
    expect(row).toMatchObject({ via: 'api', source: '127.0.0.1' });
    expect(
      path.includes(row!.resource!) ||
        JSON.stringify(body ?? '').includes(row!.resource!) ||
        kind.startsWith('inspection_rule'),
    ).toBe(true);
  }
});
