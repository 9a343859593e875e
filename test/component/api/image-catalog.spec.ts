// What is asked and changed of images without their bytes: listings, patches, tags, members, actions, imports, roles.
import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Access } from '../../../src/api/auth/access.js';
import { Digester } from '../../../src/image/fetch/digester.js';
import { type ApiClient, startApi } from '../../support/api.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';

const V21 = { 'content-type': 'application/openstack-images-v2.1-json-patch' };
const V20 = { 'content-type': 'application/openstack-images-v2.0-json-patch' };
const BYTES = { 'content-type': 'application/octet-stream' };
const KERNEL = { disk_format: 'aki', container_format: 'aki' };

/** Logs in who the header names: `project:role,role`. */
class ByHeader extends Access {
  override async login(request: { headers: Record<string, string | string[] | undefined> }) {
    const [project, roles = ''] = String(request.headers['x-who'] ?? '').split(':');
    if (!project) return { user: null, project: null, subject: null };
    const subject = {
      roles: new Set(roles.split(',')),
      project,
      system: false,
      servesAll: false,
      managesOwn: false,
    };
    return { user: 'u', project, subject };
  }
}

let database: TestDatabase;
let server: Awaited<ReturnType<typeof startApi>>;
let api: ApiClient;
beforeAll(async () => {
  database = await startTestDatabase();
  server = await startApi(database, {
    access: new ByHeader() as Access,
    images: { default_limit: 3, max_limit: 5, max_tags: 2 },
    download: async (url, target, algorithms) => {
      if (url.endsWith('/gone')) throw new Error('the server answered with status 404');
      const bytes = Buffer.from('from the web');
      await writeFile(target, bytes);
      const digester = new Digester(algorithms);
      digester.update(bytes);
      return digester.finish();
    },
  });
  api = server.api.at(null);
});
beforeEach(() => database.source.query('truncate image cascade'));
afterAll(async () => {
  await server?.stop();
  await database?.stop();
});

const create = async (body: object = {}, of = api): Promise<string> => {
  const answer = await of.post('/v2/images', body);
  expect([answer.status, answer.text.slice(0, 300)]).toEqual([201, expect.any(String)]);
  return answer.json.id;
};
const show = async (id: string) => (await api.get(`/v2/images/${id}`)).json;
const names = async (query: string, of = api) => {
  const answer = await of.get(`/v2/images?${query}`);
  expect([answer.status, answer.text.slice(0, 300)]).toEqual([200, expect.any(String)]);
  return answer.json.images.map(({ name }: { name: string }) => name);
};
const patch = (id: string, changes: unknown, headers = V21, of = api) =>
  of.send('PATCH', `/v2/images/${id}`, changes, headers);

describe('a listing', () => {
  beforeEach(async () => {
    await create({ name: 'a', min_ram: 1, tags: ['x'], arch: 'arm', disk_format: 'raw' });
    await create({ name: 'b', min_ram: 2, tags: ['x', 'y'], arch: 'x86', protected: true });
    await create({ name: 'c', min_ram: 3, visibility: 'public', disk_format: 'raw' });
    await create({ name: 'd', os_hidden: true });
    await create({ name: 'e,f', visibility: 'community' });
  });

  it.each([
    ['', 'c b a'],
    ['sort=name:asc', 'a b c'],
    ['sort_key=name&sort_dir=desc', 'c b a'],
    ['sort=disk_format:desc,name:asc', 'a c b'],
    ['name=b', 'b'],
    ['name=in:a,c,%22e,f%22&sort=name:asc', 'a c'],
    ['min_ram_min=2&min_ram_max=2', 'b'],
    ['min_ram=3', 'c'],
    ['tag=x&tag=y', 'b'],
    ['arch=arm', 'a'],
    ['protected=true', 'b'],
    ['os_hidden=true', 'd'],
    ['visibility=public', 'c'],
    ['visibility=community', 'e,f'],
    ['visibility=all&name=in:%22e,f%22,c', 'e,f c'],
    ['status=active', ''],
    ['disk_format=raw&sort=name', 'c a'],
    ['created_at=gt:2000-01-01T00:00:00Z&limit=1', 'c'],
    ['created_at=lt:2000-01-01T00:00:00Z', ''],
    ['id=00000000-0000-0000-0000-000000000000', ''],
  ])('?%s', async (query, expected) => {
    expect((await names(query)).join(' ')).toBe(expected);
  });

  it.each([
    ['sort=size:up', 'Invalid sort direction'],
    ['sort=owner', 'Invalid sort key'],
    ['sort=name&sort_key=name', 'cannot be combined'],
    ['limit=-1', 'must be positive'],
    ['limit=x', 'must be an integer'],
    ['marker=00000000-0000-0000-0000-000000000000', 'No image found with ID'],
    ['visibility=x', 'Invalid visibility'],
    ['protected=x', 'Invalid value'],
    ['size_min=x', 'non-numeric'],
    ['created_at=x', 'ISO 8601'],
    ['name=gt:x', 'unknown operator'],
    ['member_status=x', 'Invalid status'],
  ])('?%s is refused', async (query, words) => {
    const answer = await api.get(`/v2/images?${query}`);
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining(words)]);
  });

  it('takes no marker that its asker cannot see', async () => {
    const other = api.with({ 'x-who': 'p1:member,reader' });
    const mine = api.with({ 'x-who': 'p2:member,reader' });
    const hidden = await create({ name: 'p2 alone', visibility: 'private' }, mine);
    const query = `/v2/images?marker=${hidden}`;
    expect((await mine.get(query)).status).toBe(200);
    const refused = await other.get(query);
    expect([refused.status, refused.text]).toEqual([
      400,
      expect.stringContaining(`No image found with ID ${hidden}`),
    ]);
  });

  it('comes in pages, each image once, whatever it is sorted by', async () => {
    for (const sort of [
      'name:asc',
      'size:asc',
      'disk_format:desc',
      'created_at:desc',
      'name:asc,size:desc',
    ]) {
      const seen: string[] = [];
      let next: string | undefined = `/v2/images?limit=1&sort=${sort}`;
      while (next) {
        const page: { images: { name: string }[]; next?: string; first: string } = (await api.get(next)).json;
        expect(page.first).toBe(`/v2/images?limit=1&sort=${encodeURIComponent(sort)}`);
        seen.push(...page.images.map(({ name }) => name));
        next = page.next;
      }
      expect([sort, seen.toSorted()]).toEqual([sort, ['a', 'b', 'c']]);
    }
  });
});

describe('a patch', () => {
  it('adds, replaces and removes, in both drafts', async () => {
    const id = await create({ a: '1', 'x/y': 's' });
    const answer = await patch(id, [
      { op: 'add', path: '/b', value: '2' },
      { op: 'replace', path: '/name', value: 'n' },
      { op: 'remove', path: '/x~1y' },
      { op: 'replace', path: '/tags', value: ['t'] },
    ]);
    expect(answer.json).toMatchObject({ a: '1', b: '2', name: 'n', tags: ['t'] });
    expect('x/y' in answer.json).toBe(false);
    expect((await patch(id, [{ replace: '/a', value: '3' }, { remove: '/b' }], V20)).json.a).toBe('3');
  });

  it.each<[number, string, unknown, Record<string, string>?]>([
    [415, 'openstack-images-v2.1-json-patch', [], { 'content-type': 'application/json' }],
    [400, 'JSON array', {}],
    [400, 'Invalid operation', [{ op: 'move', path: '/a' }]],
    [400, 'does not start', [{ op: 'remove', path: 'a' }]],
    [400, 'Invalid JSON pointer', [{ op: 'remove', path: '/a/b' }]],
    [400, 'requires a member named', [{ op: 'add', path: '/a' }]],
    [400, 'is not of type', [{ op: 'add', path: '/a', value: 1 }]],
    [400, 'is not one of', [{ op: 'replace', path: '/visibility', value: 'x' }]],
    [403, 'read-only', [{ op: 'replace', path: '/status', value: 'active' }]],
    [403, 'read-only', [{ op: 'replace', path: '/id', value: 'x' }]],
    [403, 'reserved', [{ op: 'add', path: '/os_glance_x', value: 'x' }]],
    [403, 'may not be removed', [{ op: 'remove', path: '/name' }]],
    [409, 'does not exist', [{ op: 'replace', path: '/nosuch', value: 'x' }]],
    [409, 'does not exist', [{ op: 'remove', path: '/nosuch' }]],
    [409, 'already present', [{ add: '/a', value: 'x' }], V20],
    [413, 'tags', [{ op: 'replace', path: '/tags', value: ['1', '2', '3'] }]],
  ])('is refused: %i %s', async (status, words, changes, headers = V21) => {
    const id = await create({ a: '1' });
    const answer = await patch(id, changes, headers as typeof V21);
    expect([answer.status, answer.text]).toEqual([status, expect.stringContaining(words)]);
    expect((await show(id)).a).toBe('1');
  });
});

describe('a creation', () => {
  it.each<[number, string, unknown]>([
    [400, 'is not one of', { disk_format: 'x' }],
    [400, 'does not match', { id: 'x' }],
    [400, 'is not of type', { a: 1 }],
    [400, 'Cannot be a negative value', { min_ram: -1 }],
    [400, 'not of type', []],
    [403, 'read-only', { size: 1 }],
    [403, 'read-only', { stores: 'x' }],
    [403, 'reserved', { deleted: 'x' }],
    [403, 'reserved', { os_glance_stage_host: 'x' }],
    [413, 'tags', { tags: ['1', '2', '3'] }],
  ])('is refused: %i %s', async (status, words, body) => {
    const answer = await api.post('/v2/images', body);
    expect([answer.status, answer.text]).toEqual([status, expect.stringContaining(words)]);
  });
  it('is refused for an ID that is there', async () => {
    const id = await create();
    expect((await api.post('/v2/images', { id })).status).toBe(409);
  });
});

describe('tags, members, actions', () => {
  it('tags', async () => {
    const id = await create();
    expect((await api.put(`/v2/images/${id}/tags/a%20b`, undefined)).status).toBe(204);
    await api.put(`/v2/images/${id}/tags/a%20b`, undefined);
    expect((await show(id)).tags).toEqual(['a b']);
    expect((await api.delete(`/v2/images/${id}/tags/a%20b`)).status).toBe(204);
    expect((await api.delete(`/v2/images/${id}/tags/a`)).status).toBe(404);
  });

  it('members of a shared image', async () => {
    const id = await create();
    const added = await api.post(`/v2/images/${id}/members`, { member: 'p' });
    expect(added.json).toMatchObject({ member_id: 'p', image_id: id, status: 'pending' });
    expect((await api.post(`/v2/images/${id}/members`, { member: 'p' })).status).toBe(409);
    expect((await api.put(`/v2/images/${id}/members/p`, { status: 'accepted' })).json.status).toBe(
      'accepted',
    );
    expect((await api.put(`/v2/images/${id}/members/p`, { status: 'x' })).status).toBe(400);
    expect((await api.get(`/v2/images/${id}/members`)).json.members).toHaveLength(1);
    expect((await api.delete(`/v2/images/${id}/members/p`)).status).toBe(204);
    expect((await api.get(`/v2/images/${id}/members/p`)).status).toBe(404);
    await patch(id, [{ op: 'replace', path: '/visibility', value: 'private' }]);
    expect((await api.get(`/v2/images/${id}/members`)).status).toBe(403);
  });

  it('deactivates, reactivates; protects; keeps formats once there are bytes', async () => {
    const id = await create(KERNEL);
    expect((await api.post(`/v2/images/${id}/actions/deactivate`, undefined)).status).toBe(403);
    await api.send('PUT', `/v2/images/${id}/file`, 'kernel', BYTES);
    for (const [action, status] of [
      ['deactivate', 'deactivated'],
      ['deactivate', 'deactivated'],
      ['reactivate', 'active'],
    ]) {
      expect((await api.post(`/v2/images/${id}/actions/${action}`, undefined)).status).toBe(204);
      expect((await show(id)).status).toBe(status);
    }
    const raw = [{ op: 'replace', path: '/disk_format', value: 'raw' }];
    expect((await patch(id, raw)).status).toBe(403);
    await patch(id, [{ op: 'replace', path: '/protected', value: true }]);
    expect((await api.delete(`/v2/images/${id}`)).status).toBe(403);
    expect((await api.get('/v2/schemas/image')).json.properties.stores).toBeUndefined();
    expect((await api.get('/v2/schemas/nosuch')).status).toBe(404);
  });
});

describe('an import', () => {
  const begin = (id: string, method: object) => api.post(`/v2/images/${id}/import`, { method });

  it('takes what was staged', async () => {
    const id = await create(KERNEL);
    expect((await begin(id, { name: 'glance-direct' })).status).toBe(409);
    expect((await api.send('PUT', `/v2/images/${id}/stage`, 'staged', BYTES)).status).toBe(204);
    expect((await show(id)).status).toBe('uploading');
    expect((await begin(id, { name: 'glance-direct' })).status).toBe(202);
    await expect.poll(async () => (await show(id)).status).toBe('active');
    expect((await api.get(`/v2/images/${id}/file`)).text).toBe('staged');
  });

  it('takes a URL, and says why it could not', async () => {
    const id = await create(KERNEL);
    expect((await begin(id, { name: 'web-download', uri: 'file:///etc/passwd' })).status).toBe(400);
    expect((await begin(id, { name: 'copy-image' })).status).toBe(400);
    await begin(id, { name: 'web-download', uri: 'http://images.example.org/gone' });
    await expect.poll(async () => (await show(id)).os_glance_import_error).toContain('404');
    expect((await show(id)).status).toBe('queued');
    await begin(id, { name: 'web-download', uri: 'http://images.example.org/kernel' });
    await expect.poll(async () => (await show(id)).status).toBe('active');
    expect((await show(id)).os_glance_import_error).toBeUndefined();
    expect((await api.get(`/v2/images/${id}/file`)).text).toBe('from the web');
  });
});

describe('with roles', () => {
  const as = (who: string) => api.with({ 'x-who': who });

  it('an image belongs to its project; others see what is public, or shared with them', async () => {
    const [alice, bob, reader, admin] = [
      'p1:member,reader',
      'p2:member,reader',
      'p1:reader',
      'p3:admin,member,reader',
    ].map(as) as [ApiClient, ApiClient, ApiClient, ApiClient];
    expect((await reader.post('/v2/images', {})).status).toBe(403);
    expect((await alice.post('/v2/images', { visibility: 'public' })).status).toBe(403);
    expect((await alice.post('/v2/images', { owner: 'p2' })).status).toBe(403);
    const id = await create({ name: 'mine', ...KERNEL }, alice);
    await alice.send('PUT', `/v2/images/${id}/file`, 'kernel', BYTES);
    expect((await show(id)).owner).toBe('p1');
    expect(await names('', reader)).toEqual(['mine']);
    expect((await reader.get(`/v2/images/${id}/file`)).status).toBe(403);
    expect((await bob.get(`/v2/images/${id}`)).status).toBe(404);
    expect(await names('', bob)).toEqual([]);
    expect(await names('', admin)).toEqual(['mine']);
    await alice.post(`/v2/images/${id}/members`, { member: 'p2' });
    expect((await bob.get(`/v2/images/${id}/file`)).text).toBe('kernel');
    expect(await names('', bob)).toEqual([]);
    expect((await alice.put(`/v2/images/${id}/members/p2`, { status: 'accepted' })).status).toBe(403);
    expect((await bob.put(`/v2/images/${id}/members/p2`, { status: 'accepted' })).status).toBe(200);
    expect(await names('', bob)).toEqual(['mine']);
    expect((await patch(id, [{ op: 'replace', path: '/name', value: 'x' }], V21, bob)).status).toBe(403);
    expect((await bob.delete(`/v2/images/${id}`)).status).toBe(403);
    expect((await patch(id, [{ op: 'replace', path: '/owner', value: 'p2' }], V21, alice)).status).toBe(403);
    await alice.post(`/v2/images/${id}/actions/deactivate`, undefined);
    expect((await alice.get(`/v2/images/${id}/file`)).status).toBe(403);
    expect((await admin.delete(`/v2/images/${id}`)).status).toBe(204);
  });
});
