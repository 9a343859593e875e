import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ImageServer, startImageServer } from '../../support/image-server.js';
import { type ImageBed, imageBed, noise, sha256 } from '../../support/image-service.js';

const body = noise(50_000);
let server: ImageServer;
let bed: ImageBed;

beforeEach(async () => {
  server = await startImageServer();
  bed = await imageBed();
  server.images.set('/disk.img', { body, lastModified: 'Sun, 06 Nov 1994 08:49:37 GMT' });
});
afterEach(async () => {
  await bed.close();
  await server.close();
});

const url = () => `${server.url}/disk.img`;
const resolve = (fields: object) => bed.service.resolve(url(), fields as Record<string, unknown>);
const sums = (text: string) => server.images.set('/SUMS', { body: Buffer.from(text) });
const bySums = () => resolve({ image_checksum: `${server.url}/SUMS` });

describe('resolve', () => {
  it('tells size, checksum, format and kind of an http image', async () => {
    const fields = {
      image_checksum: sha256(body).value,
      image_disk_format: 'raw',
      kernel: 'k',
      ramdisk: 'r',
    };
    expect(await resolve(fields)).toEqual({
      href: url(),
      size: body.length,
      disk_format: 'raw',
      checksum: sha256(body),
      whole_disk: false,
    });
    expect((await resolve({})).checksum).toBeUndefined();
    const sha512 = createHash('sha512').update(body).digest('hex');
    const { checksum } = await resolve({ image_os_hash_algo: 'sha512', image_os_hash_value: sha512 });
    expect(checksum).toEqual({ algo: 'sha512', value: sha512 });
    expect((await bed.service.fetchTo(url(), bed.target(), { checksum: checksum! })).size).toBe(body.length);
  });

  it('reads a checksum file', async () => {
    sums(`# sums\n${'0'.repeat(64)}  other.img\n${sha256(body).value} *disk.img\n`);
    expect((await bySums()).checksum).toEqual(sha256(body));
    server.images.set('/SUMS', {
      body: gzipSync(`SHA2-256(disk.img)= ${sha256(body).value}\n`),
      headers: { 'content-encoding': 'gzip' },
    });
    expect((await bySums()).checksum).toEqual(sha256(body));
    sums(`${'0'.repeat(64)}  other.img\n`);
    await expect(bySums()).rejects.toThrow('image_checksum: the checksum file does not list disk.img.');
    sums('0'.repeat(2 << 20));
    await expect(bySums()).rejects.toThrow('is larger than');
    server.images.delete('/SUMS');
    await expect(bySums()).rejects.toMatchObject({ code: 'image-unavailable' });
  });

  it('a checksum URL is guarded like an image URL', async () => {
    await expect(resolve({ image_checksum: 'http://169.254.169.254/x' })).rejects.toMatchObject({
      code: 'image-refused',
    });
    const secret = await startImageServer();
    secret.images.set('/SUMS', { body: Buffer.from(sha256(body).value) });
    server.images.set('/SUMS', {
      body: Buffer.alloc(0),
      fault: (_request, response) => {
        response.writeHead(302, { location: `http://[::1]:${secret.port}/SUMS` }).end();
        return true;
      },
    });
    await expect(bySums()).rejects.toMatchObject({ code: 'image-refused' });
    expect(secret.log).toEqual([]);
    await secret.close();
  });

  it('fails clearly for a missing image, a silent server, and when it is cancelled', async () => {
    server.images.delete('/disk.img');
    await expect(resolve({})).rejects.toThrow(`${url()}: answered with status 404`);
    server.images.set('/disk.img', { body, fault: () => true });
    await expect(resolve({})).rejects.toThrow('no answer within 1 s');
    const signal = AbortSignal.timeout(50);
    await expect(bed.service.resolve(url(), {}, { signal })).rejects.toMatchObject({ code: 'cancelled' });
  });
});

it('validate judges the fields without asking anybody', () => {
  const fields = { image_source: url(), image_checksum: sha256(body).value };
  bed.service.validate(fields);
  expect(() => bed.service.validate({ image_source: url() })).toThrow(
    /image_checksum or image_os_hash_value/,
  );
  expect(() => bed.service.validate({ ...fields, image_type: 'floppy' })).toThrow(/^image_type/);
  expect(() => bed.service.validateReference('file:///dev/zero', 'deploy_kernel')).toThrow(
    /^deploy_kernel: /,
  );
  bed.service.validateReference(url(), 'deploy_ramdisk');
  expect(server.log).toEqual([]);
});
