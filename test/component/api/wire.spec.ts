import { randomUUID } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPERATOR_CONTROLLERS } from '../../../src/api/operator-api.js';
import { isOfImages } from '../../../src/api/request/path.js';
import { declaredRoutes } from '../../../src/api/routes.js';
import { ApiClient, startApi } from '../../support/api.js';
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

const RANGE = /The supported version range is: \[1\.1, 1\.115\]\./;

it('no route takes a parameter that it does not have, whatever the method and the body', async () => {
  const strays: string[] = [];
  for (const { method, path, description } of declaredRoutes(OPERATOR_CONTROLLERS)) {
    // Glance takes any; the name of a vendor method is looked at first.
    if (isOfImages(path) || path.endsWith('/vendor_passthru') || description?.anyQuery) continue;
    const named = path.replaceAll(':uuid', randomUUID()).replaceAll(/:\w+/g, 'x');
    const { status, text } = await api.send(method, `${named}?nosuch=1&__proto__=2`);
    if (status !== 400 || !text.includes('Unexpected arguments: nosuch, __proto__'))
      strays.push(`${method} ${path}: ${status} ${text}`);
  }
  expect(strays).toEqual([]);
});

describe('version negotiation', () => {
  it('answers every request with the range and the version used', async () => {
    for (const [path, version, used] of [
      ['/v1/nodes', 31, '1.31'],
      ['/v1/nodes', 'latest', '1.115'],
      ['/v1/nodes', null, '1.1'],
      ['/', 5, '1.5'],
      ['/v1/nosuch', 5, '1.5'],
      ['/v1/nodes?nosuch=1', 5, '1.5'],
    ] as const) {
      const { headers } = await api.at(version).get(path);
      expect(headers.get('x-openstack-ironic-api-minimum-version')).toBe('1.1');
      expect(headers.get('x-openstack-ironic-api-maximum-version')).toBe('1.115');
      expect(headers.get('x-openstack-ironic-api-version')).toBe(used);
      expect(headers.get('openstack-request-id')).toMatch(/^req-[0-9a-f-]{36}$/);
    }
  });
  it('takes the standard header', async () => {
    const headers = { 'openstack-api-version': 'compute 2.1, baremetal 1.9' };
    const answer = await api.at(null).get('/v1/nodes', headers);
    expect(answer.headers.get('x-openstack-ironic-api-version')).toBe('1.9');
  });
  it.each(['1.116', '1.0', '2.1', 'abc'])('refuses %s with 406 and the range', async (version) => {
    const answer = await api.at(version).get('/v1/nodes');
    expect(answer.status).toBe(406);
    expect(answer.headers.get('x-openstack-ironic-api-minimum-version')).toBe('1.1');
    expect(answer.headers.get('x-openstack-ironic-api-maximum-version')).toBe('1.115');
    expect(JSON.parse(answer.json.error_message)).toMatchObject({ code: 406, title: 'Not Acceptable' });
    if (version !== 'abc') expect(answer.fault).toMatch(RANGE);
  });
  it('repeats the request id from 1.107 on', async () => {
    const id = async (version: number) =>
      (await api.at(version).get('/v1/nodes')).headers.get('x-openstack-request-id');
    expect(await id(106)).toBeNull();
    expect(await id(107)).toMatch(/^req-/);
  });
});

describe('times', () => {
  const STARTED = 'http.server.request.start';

  it.each(['api', 'agent'] as const)(
    'uploads have as long as they take, and idle clients 72 s: %s',
    async (which) => {
      const servers: Server[] = [];
      const seen = (message: unknown) => void servers.push((message as { server: Server }).server);
      subscribe(STARTED, seen);
      const { headers } = await server[which].get('/');
      unsubscribe(STARTED, seen);
      expect(headers.get('keep-alive')).toBe('timeout=72');
      expect(servers.map(({ requestTimeout }) => requestTimeout)).toEqual([0]);
    },
  );
});

describe('roots', () => {
  it('tell what is served', async () => {
    const root = (await api.at(null).get('/')).json;
    expect(root).toMatchObject({
      name: 'OpenStack Ironic API',
      default_version: { id: 'v1', status: 'CURRENT', min_version: '1.1', version: '1.115' },
    });
    // The Image service's versions follow, with the same range (test/contract/image-service.spec.ts).
    expect(root.versions[0]).toEqual(root.default_version);
    expect(root.default_version.links).toEqual([{ href: `${api.base}/v1/`, rel: 'self' }]);
    const old = (await api.at(1).get('/v1')).json;
    expect(Object.keys(old)).toEqual([
      'id',
      'links',
      'media_types',
      'chassis',
      'nodes',
      'ports',
      'drivers',
      'version',
    ]);
    expect(old.nodes).toEqual([
      { href: `${api.base}/v1/nodes/`, rel: 'self' },
      { href: `${api.base}/nodes/`, rel: 'bookmark' },
    ]);
    const shown = async (version: number) => Object.keys((await api.at(version).get('/v1/')).json);
    expect(await shown(48)).not.toContain('conductors');
    expect(await shown(49)).toContain('conductors');
    expect(await shown(115)).toHaveLength(20);
  });
  it('know no other method', async () => {
    for (const [method, path] of [
      ['POST', '/'],
      ['PUT', '/v1'],
      ['DELETE', '/v1/'],
    ] as const) {
      const answer = await api.send(method, path);
      expect(answer.status).toBe(405);
      expect(answer.headers.get('allow')).toContain('GET');
    }
  });
  it('answer a health check', async () => {
    expect(await api.at(null).get('/healthcheck')).toMatchObject({ status: 200, text: 'OK' });
  });
});

describe('paths', () => {
  it.each(['/v1/nodes', '/v1/nodes/', '/nodes', '/nodes/'])('%s is the list of nodes', async (path) => {
    expect((await api.get(path)).json).toEqual({ nodes: [] });
  });
  it.each([
    '/v3',
    '/nosuch',
    '/v1/nosuch',
    '/v1/chassis/a/b',
    '/v1/nodes/a/nosuch',
    '//v1/nodes',
    '/v1/nodes/detail/x',
  ])('%s is not there', async (path) => {
    const answer = await api.get(path);
    expect(answer.status).toBe(404);
    expect(JSON.parse(answer.json.error_message)).toEqual({ code: 404, title: 'Not Found', description: '' });
  });
  it.each([null, 1, 90, 91, 115])('serves the OpenAPI document, asked at %s', async (version) => {
    const { status, json } = await api.at(version).get('/v1/openapi.json');
    expect(status).toBe(200);
    expect(json.info.version).toBe(version === null ? '1.115' : `1.${version}`);
    const page = await api.at(version).get('/v1/openapi.html');
    expect(page.headers.get('content-type')).toContain('text/html');
    expect(page.text).toContain('<code>/v1/nodes</code>');
  });
  it('hides routes from older versions', async () => {
    expect((await api.at(48).get('/v1/conductors')).status).toBe(404);
    expect((await api.at(49).get('/v1/conductors')).status).toBe(200);
  });
  it('tells 405 from 404', async () => {
    expect((await api.put('/v1/nodes', {})).status).toBe(405);
    expect((await api.delete('/v1/drivers/ipmi')).status).toBe(405);
  });
  it('takes paths that are no UTF-8 for bad', async () => {
    const answer = await api.get('/v1/nodes/%ff%zz');
    expect(answer.status).toBe(400);
    expect(answer.fault).toBe('The path could not be read.');
  });
  it('shows the ramdisk’s routes the way', async () => {
    for (const answer of [
      await api.get('/v1/lookup?addresses=52:54:00:12:34:56'),
      await api.post('/v1/heartbeat/7daa1a92-c3d7-4add-aaed-66fcbba58912', {}),
      await api.post('/v1/continue_inspection', {}),
    ]) {
      expect(answer.status).toBe(403);
      expect(answer.fault).toContain('agent.listen');
    }
  });
});

describe('links', () => {
  it('follow the Host header, if it is one', async () => {
    expect(await rawRoot('Host: localhost:6385')).toContain('http://localhost:6385/v1/');
    expect(await rawRoot('Host: localhost\r\nX-Forwarded-Host: evil.example')).toContain(
      'http://localhost/v1/',
    );
    for (const host of ['ironic.example:6385', 'evil"><script>']) {
      expect(await rawRoot(`Host: ${host}`), host).toContain('403 Forbidden');
    }
  });
});

describe('bodies', () => {
  it('are limited in size and depth, refused in the bare form', async () => {
    const large = await api.send('POST', '/v1/nodes', `{"driver": "${'x'.repeat(1_048_576)}"}`);
    expect(large.status).toBe(413);
    expect(large.json).toEqual({
      faultcode: 'Client',
      faultstring: 'Request body is too large. Please contact the service administrator.',
    });
    const started = performance.now();
    const deep = await api.send('POST', '/v1/nodes', `{"extra":${'['.repeat(200_000)}`);
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(deep.status).toBe(400);
    expect(deep.json.faultstring).toContain('nested too deeply');
  });
  it('of a deployment may carry a config drive', async () => {
    const node = (await api.post('/v1/nodes', { driver: 'fake-hardware' })).json.uuid;
    const body = { target: 'active', configdrive: 'A'.repeat(5_000_000) };
    const answer = await api.put(`/v1/nodes/${node}/states/provision`, body);
    expect(answer.status).toBe(400);
    expect(answer.fault).toContain('"active" can not be performed');
    expect((await api.put(`/v1/nodes/${node}/states/power`, body)).status).toBe(413);
  });
  it.each([
    '{bad',
    '"x"',
    '[]',
    'null',
    '1',
    '{"driver": "fake-hardware", "extra": {"a": "\\u0000"}}',
    '{"driver": "fake-hardware", "extra": {"a": "\\ud800"}}',
    '{"driver": "fake-hardware", "__proto__": {"x": 1}}',
    '{"driver": "fake-hardware", "extra": {"__proto__": {"x": 1}}}',
    '{"driver": {"a": 1}}',
  ])('that are wrong are refused: %s', async (body) => {
    const answer = await api.send('POST', '/v1/nodes', body);
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.json.error_message)).toMatchObject({ faultcode: 'Client', debuginfo: null });
    expect(({} as { x?: number }).x).toBeUndefined();
  });
  it('are JSON, and say so', async () => {
    const send = async (type: string) => {
      const response = await fetch(`${api.base}/v1/nodes`, {
        method: 'POST',
        headers: { 'content-type': type, 'x-openstack-ironic-api-version': '1.115' },
        body: '{"driver": "fake-hardware"}',
      });
      return response.status;
    };
    for (const type of ['application/json', 'Application/JSON; charset=utf-8', 'application/problem+json']) {
      expect(await send(type), type).toBe(201);
    }
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/octet-stream',
      'text/json',
      'application/x; json',
    ]) {
      expect(await send(type), type).toBe(415);
    }
  });
});

describe('queries', () => {
  it.each([
    'limit=1&limit=2',
    'limit=1e309',
    'limit=-1',
    'limit=0',
    'limit=abc',
    'sort_key=driver_info',
    'sort_key=nosuch',
    'sort_dir=up',
    'nosuch=1',
    'fields=nosuch',
    `fields=${'a,'.repeat(3000)}`,
    'driver=a%00b',
    'owner=%ff',
    'maintenance=maybe',
    'provision_state=nosuch',
    'marker=x',
    'instance_uuid=x',
    'fault=nosuch',
    'detail=true&fields=uuid',
    '__proto__=1',
    'toString=1',
  ])('%.40s is answered 400', async (query) => {
    const answer = await api.get(`/v1/nodes?${query}`);
    expect([query, answer.status]).toEqual([query, 400]);
    expect(answer.fault.length).toBeGreaterThan(5);
  });
});

describe('a database that is away', () => {
  it('is told as 503 and does not end the service', async () => {
    const other = await startTestDatabase();
    const fragile = await startApi(other);
    try {
      expect((await fragile.api.get('/v1/nodes')).status).toBe(200);
      await other.halt();
      const away = await fragile.api.get('/v1/nodes');
      expect(away.status).toBe(503);
      // No Retry-After here: Debian's ironicclient fails on it. Agents are told.
      expect(away.headers.get('retry-after')).toBeNull();
      const machine = await fragile.agent.get('/v1/lookup?addresses=52:54:00:00:00:01');
      expect([machine.status, machine.headers.get('retry-after')]).toEqual([503, '2']);
      expect(JSON.parse(away.json.error_message)).toMatchObject({ faultcode: 'Server' });
      expect((await fragile.api.get('/healthcheck')).status).toBe(503);
      await other.resume();
      expect((await fragile.api.get('/v1/nodes')).status).toBe(200);
    } finally {
      await fragile.stop();
      await other.stop();
    }
  });
});

/** A request whose headers fetch would not send. */
function rawRoot(headers: string): Promise<string> {
  const { hostname, port } = new URL(api.base);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () =>
      socket.write(`GET / HTTP/1.1\r\n${headers}\r\nConnection: close\r\n\r\n`),
    );
    let text = '';
    socket.on('data', (chunk) => {
      text += String(chunk);
    });
    socket.on('end', () => resolve(text));
    socket.on('error', reject);
  });
}
