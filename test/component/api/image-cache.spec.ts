import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../../../cli/run-cli.js';
import { type ApiClient, startApi } from '../../support/api.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';
import { type ImageServer, startImageServer } from '../../support/image-server.js';
import { noise } from '../../support/image-service.js';

const MiB = 1 << 20;
let database: TestDatabase;
let server: Awaited<ReturnType<typeof startApi>>;
let api: ApiClient;
let images: ImageServer;

beforeAll(async () => {
  database = await startTestDatabase();
  server = await startApi(database);
  api = server.api;
  images = await startImageServer();
  images.images.set('/one', { body: noise(MiB), lastModified: 'Sun, 06 Nov 1994 08:49:37 GMT', etag: '"1"' });
});
afterAll(async () => {
  await server?.stop();
  await images?.close();
  await database?.stop();
});

/** The `ferric` command against this API. */
async function ferric(...args: string[]) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const signal = new AbortController().signal;
  const status = await runCli(['--endpoint', api.base, ...args], {
    stdout,
    stderr,
    environment: {},
    signal,
    retryFor: 0,
  });
  return { status, out: String(stdout.read() ?? ''), err: String(stderr.read() ?? '') };
}

describe('the image cache over REST and by command', () => {
  it('fetches ahead, lists, pins, evicts', async () => {
    const href = `${images.url}/one`;
    const asked = await ferric('image', 'cache', 'prefetch', href, '--wait');
    expect(asked).toMatchObject({ status: 0, err: '' });
    const report = (await api.get('/v1/image_cache')).json;
    expect(report.prefetches).toMatchObject([{ id: asked.out.trim(), href, state: 'done' }]);
    const [image] = report.images;
    expect(image).toMatchObject({ href, etag: '"1"', in_use: false, eviction_order: 1, waiting: [] });
    const table = await ferric('image', 'cache', 'list');
    expect(table.out).toMatch(new RegExp(`${image.id} +1\\.0 MiB .*"1" .*goes 1\\. .*${href}`));
    expect(JSON.parse((await ferric('image', 'cache', 'list', '--json')).out).images).toHaveLength(1);

    expect((await api.post(`/v1/image_cache/images/${image.id}/pin`, undefined)).status).toBe(204);
    expect((await api.delete(`/v1/image_cache/images/${image.id}`)).fault).toContain('is pinned');
    const refused = await ferric('image', 'cache', 'evict', image.id);
    expect(refused).toMatchObject({ status: 6, err: expect.stringContaining('is pinned') });
    expect(await ferric('image', 'cache', 'unpin', image.id)).toMatchObject({ status: 0 });
    expect(await ferric('image', 'cache', 'evict', image.id)).toMatchObject({ status: 0 });
    expect((await api.get('/v1/image_cache')).json.images).toEqual([]);
  });

  it('refuses bad requests by name', async () => {
    const post = (body: unknown) => api.post('/v1/image_cache/prefetches', body);
    expect((await post({})).fault).toBe('Missing mandatory parameter: href');
    expect((await post({ href: 'x', more: 1 })).fault).toContain('more');
    expect((await post([])).status).toBe(400);
    expect((await post({ href: 'ftp://x/y' })).status).toBe(400);
    expect((await api.get('/v1/image_cache?x=1')).status).toBe(400);
    expect((await api.post('/v1/image_cache/images/nothing/pin', undefined)).status).toBe(404);
    expect((await api.delete('/v1/image_cache/images/nothing')).status).toBe(404);
    const failed = await ferric('image', 'cache', 'prefetch', `${images.url}/absent`, '--wait');
    expect(failed).toMatchObject({ status: 5, err: expect.stringContaining('/absent') });
  });
});
