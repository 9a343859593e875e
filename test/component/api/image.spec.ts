import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ApiClient, startApi } from '../../support/api.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';

let database: TestDatabase;
let server: Awaited<ReturnType<typeof startApi>>;
let api: ApiClient;
beforeAll(async () => {
  database = await startTestDatabase();
  server = await startApi(database, { images: { max_size_mib: 8, default_limit: 3, max_limit: 5 } });
  api = server.api.at(null);
});
beforeEach(async () => {
  const { images } = (await api.get('/v2/images?limit=5')).json;
  for (const { id } of images) await api.delete(`/v2/images/${id}`);
  await database.source.query('truncate image cascade');
});
afterAll(async () => {
  await server?.stop();
  await database?.stop();
});

const BYTES = { 'content-type': 'application/octet-stream' };
const RAW = { disk_format: 'raw', container_format: 'bare' };
const KERNEL = { disk_format: 'aki', container_format: 'aki' };
const digest = (algorithm: string, bytes: Uint8Array) => createHash(algorithm).update(bytes).digest('hex');

async function create(body: object = RAW): Promise<string> {
  const answer = await api.post('/v2/images', body);
  expect([answer.status, answer.text.slice(0, 200)]).toEqual([201, expect.any(String)]);
  return answer.json.id;
}
async function put(path: string, body: Buffer, headers: Record<string, string> = {}) {
  const request = { method: 'PUT', body: new Uint8Array(body), headers: { ...BYTES, ...headers } };
  const response = await fetch(`${api.base}${path}`, request);
  return { status: response.status, headers: response.headers, text: await response.text() };
}
const upload = (id: string, body: Buffer, headers = {}) => put(`/v2/images/${id}/file`, body, headers);
async function stored(bytes: Buffer, body: object = KERNEL): Promise<string> {
  const id = await create(body);
  expect((await upload(id, bytes)).status).toBe(204);
  return id;
}
const show = async (id: string) => (await api.get(`/v2/images/${id}`)).json;
const get = (id: string, headers: Record<string, string> = {}) =>
  fetch(`${api.base}/v2/images/${id}/file`, { headers });

describe('an image', () => {
  it('is created, uploaded, shown and downloaded', async () => {
    const answer = await api.post('/v2/images', { name: 'disk', ...RAW, tags: ['b', 'a', 'b'], arch: 'x86' });
    const { id } = answer.json;
    expect(answer.headers.get('location')).toBe(`${api.base}/v2/images/${id}`);
    expect(answer.headers.get('openstack-image-import-methods')).toBe('glance-direct,web-download');
    expect(answer.headers.get('x-openstack-ironic-api-version')).toBeNull();
    expect(answer.json).toEqual({
      arch: 'x86',
      name: 'disk',
      disk_format: 'raw',
      container_format: 'bare',
      visibility: 'shared',
      size: null,
      virtual_size: null,
      status: 'queued',
      checksum: null,
      protected: false,
      min_ram: 0,
      min_disk: 0,
      owner: null,
      os_hidden: false,
      os_hash_algo: null,
      os_hash_value: null,
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      updated_at: expect.stringMatching(/Z$/),
      tags: ['b', 'a'],
      self: `/v2/images/${id}`,
      file: `/v2/images/${id}/file`,
      schema: '/v2/schemas/image',
    });
    expect((await get(id)).status).toBe(204);
    const bytes = randomBytes(3_000_000);
    bytes.fill(0, 0, 512);
    expect((await upload(id, bytes)).status).toBe(204);
    expect(await show(id)).toMatchObject({
      status: 'active',
      size: 3_000_000,
      virtual_size: 3_000_000,
      checksum: digest('md5', bytes),
      os_hash_algo: 'sha512',
      os_hash_value: digest('sha512', bytes),
    });
    const whole = await get(id);
    expect(whole.headers.get('content-md5')).toBe(digest('md5', bytes));
    expect(whole.headers.get('content-type')).toBe('application/octet-stream');
    expect(Buffer.from(await whole.arrayBuffer()).equals(bytes)).toBe(true);
    const part = await get(id, { range: 'bytes=100-199' });
    expect([part.status, part.headers.get('content-range')]).toEqual([206, 'bytes 100-199/3000000']);
    expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(100, 200))).toBe(true);
    expect((await get(id, { range: 'bytes=3000000-' })).status).toBe(416);
  });

  it('keeps the same bytes once, as long as an image has them', async () => {
    const bytes = randomBytes(100_000);
    const sha512 = digest('sha512', bytes);
    const both = [await stored(bytes), await stored(bytes)];
    expect((await server.images.files()).toSorted()).toEqual([sha512, `${sha512}.json`]);
    expect((await api.delete(`/v2/images/${both[0]}`)).status).toBe(204);
    expect(Buffer.from(await (await get(both[1]!)).arrayBuffer()).equals(bytes)).toBe(true);
    await api.delete(`/v2/images/${both[1]}`);
    expect(await server.images.files()).toEqual([]);
    expect((await get(both[1]!)).status).toBe(404);
  });

  it('never gives the UUID of a deleted image again', async () => {
    const id = await create();
    expect((await api.delete(`/v2/images/${id}`)).status).toBe(204);
    const again = await api.post('/v2/images', { id, disk_format: 'raw', container_format: 'bare' });
    expect([again.status, again.text]).toEqual([
      409,
      expect.stringContaining(`Image ID ${id} already exists!`),
    ]);
    expect((await get(id)).status).toBe(404);
  });

  it('takes bytes once, as octets, and only when it says what they are', async () => {
    const id = await create();
    const json = await put(`/v2/images/${id}/file`, Buffer.from('{}'), {
      'content-type': 'application/json',
    });
    expect(json.status).toBe(415);
    await upload(id, randomBytes(10));
    const again = await upload(id, randomBytes(10));
    expect(again.status).toBe(409);
    expect(again.text).toContain('Image status transition from active to saving is not allowed');
    const bare = await create({});
    expect((await upload(bare, randomBytes(10))).text).toContain('disk_format, container_format must be set');
    expect((await upload('00000000-0000-0000-0000-000000000000', randomBytes(10))).status).toBe(404);
  });
});

describe('an upload that fails', () => {
  const left = async (id: string) => [(await show(id)).status, await server.images.files()];

  it('is refused for bytes that are not what the image says, and leaves nothing', async () => {
    const id = await create({ disk_format: 'qcow2', container_format: 'bare' });
    const answer = await upload(id, randomBytes(5_000_000));
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toBe('text/html; charset=UTF-8');
    expect(answer.text).toContain('declared as qcow2, but it is raw');
    expect(await left(id)).toEqual(['queued', []]);
  });

  it('is refused for what is too large, whether it is announced or not', async () => {
    const id = await create(KERNEL);
    expect((await upload(id, Buffer.alloc(9 << 20))).status).toBe(413);
    const chunked = {
      method: 'PUT',
      headers: BYTES,
      duplex: 'half',
      body: new Blob([Buffer.alloc(9 << 20)]).stream(),
    };
    const answer = await fetch(`${api.base}/v2/images/${id}/file`, chunked as RequestInit);
    expect(answer.status).toBe(413);
    expect(await left(id)).toEqual(['queued', []]);
  });

  it('is taken back when the client is gone', async () => {
    const id = await create(KERNEL);
    const { hostname, port } = new URL(api.base);
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    socket.write(
      `PUT /v2/images/${id}/file HTTP/1.1\r\nHost: ${hostname}:${port}\r\nContent-Type: application/octet-stream\r\nContent-Length: 5000000\r\n\r\n`,
    );
    socket.write(Buffer.alloc(2_000_000));
    await expect.poll(async () => (await show(id)).status).toBe('saving');
    await sleep(100);
    socket.resetAndDestroy();
    await expect.poll(() => left(id)).toEqual(['queued', []]);
    expect((await upload(id, Buffer.from('kernel'))).status).toBe(204);
  });

  it('is carried on by ranges', async () => {
    const id = await create(KERNEL);
    const bytes = randomBytes(3_000_000);
    const range = (from: number, to: number) => ({ 'content-range': `bytes ${from}-${to}/3000000` });
    const first = await upload(id, bytes.subarray(0, 1_000_000), range(0, 999_999));
    expect([first.status, first.headers.get('upload-offset')]).toEqual([202, '1000000']);
    expect((await show(id)).status).toBe('queued');
    expect((await get(id)).headers.get('upload-offset')).toBe('1000000');
    expect((await upload(id, bytes.subarray(5), range(5, 2_999_999))).text).toContain(
      'goes on at byte 1000000',
    );
    expect((await upload(id, bytes.subarray(1_000_000), range(1_000_000, 2_999_999))).status).toBe(204);
    expect(await show(id)).toMatchObject({ status: 'active', os_hash_value: digest('sha512', bytes) });
    expect((await upload(await create(KERNEL), bytes, { 'content-range': 'bytes x' })).status).toBe(400);
  });
});
