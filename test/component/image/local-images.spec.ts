// Images of the Image service inside, as deployments get them.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { imageSection } from '../../../src/config/section/image.js';
import { DatabaseAwayError } from '../../../src/domain/errors.js';
import { ImageService } from '../../../src/image/image-service.js';
import { imageServiceSettings } from '../../../src/image/settings.js';
import { runCommand } from '../../../src/platform/run-command.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';
import { startLibrary, type TestLibrary } from '../../support/image-library.js';
import { noise } from '../../support/image-service.js';

let database: TestDatabase;
let shelf: TestLibrary;
let service: ImageService;
/** The changes of these records are read by nobody here. */
const unread = async () => {};
const target = (name: string) => join(shelf.directory, 'out', name);

async function add(bytes: Buffer, fields: object): Promise<string> {
  const uuid = crypto.randomUUID();
  await shelf.records.create({ uuid, status: 'queued', visibility: 'public', ...fields }, unread);
  await shelf.library.upload(uuid, { chunks: Readable.from([bytes]), length: bytes.length }, null, unread);
  return uuid;
}
const serviceOf = (section: object) =>
  new ImageService(
    imageServiceSettings(imageSection.parse(section), { dataDir: shelf.directory }),
    shelf.library,
  );

beforeAll(async () => {
  database = await startTestDatabase();
  shelf = await startLibrary(database);
  service = serviceOf({});
  await service.start();
});
afterAll(async () => {
  await service?.close();
  await shelf?.close();
  await database?.stop();
});

describe('an image of the Image service inside', () => {
  it('is resolved with checksum, format, kernel and ramdisk, and delivered as a link to the same bytes', async () => {
    const kernel = await add(noise(100_000, 3), { disk_format: 'aki', container_format: 'aki' });
    const bytes = noise(300_000);
    const formats = { disk_format: 'raw', container_format: 'bare' };
    const image = await add(bytes, { ...formats, properties: { kernel_id: kernel, ramdisk_id: kernel } });
    service.validate({ image_source: image });
    const resolved = await service.resolve(image);
    const { os_hash_value } = await shelf.records.get(image);
    expect(resolved).toEqual({
      href: `glance://${image}`,
      size: 300_000,
      disk_format: 'raw',
      checksum: { algo: 'sha512', value: os_hash_value },
      kernel_id: kernel,
      ramdisk_id: kernel,
      whole_disk: false,
    });
    const fetched = await service.fetchTo(image, target('a'), { checksum: resolved.checksum! });
    expect(fetched).toMatchObject({ size: 300_000, disk_format: 'raw', from_cache: true });
    const [blob, delivered] = [
      await shelf.library.bytesOf(await shelf.records.get(image)),
      await stat(target('a')),
    ];
    expect((await stat(blob.path)).ino).toBe(delivered.ino);
    await service.fetchTo(kernel, target('k'), { opaque: true });
    expect((await stat(target('k'))).size).toBe(100_000);
  });

  it('stays with who has it when it is deleted, and its bytes go with the last of them', async () => {
    const image = await add(noise(50_000, 5), { disk_format: 'aki', container_format: 'aki' });
    await service.fetchTo(image, target('kept'), { opaque: true });
    await shelf.library.delete(image, () => undefined, unread);
    expect((await stat(target('kept'))).size).toBe(50_000);
    await expect(service.resolve(image)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('is converted once, and not taken for another one that had its name', async () => {
    const at = (name: string) => join(shelf.directory, name);
    const qcow2 = async (seed: number) => {
      const script = `head -c 1000000 /dev/zero > '${at('raw')}'; printf '${seed}' >> '${at('raw')}'; truncate -s 2M '${at('raw')}'; qemu-img convert -O qcow2 '${at('raw')}' '${at('q')}'`;
      await runCommand({ file: '/bin/sh', args: ['-c', script], timeout: 20_000 });
      const { readFile } = await import('node:fs/promises');
      return readFile(at('q'));
    };
    const formats = { disk_format: 'qcow2', container_format: 'bare' };
    const image = await add(await qcow2(1), formats);
    const first = await service.fetchTo(image, target('c1'));
    expect(first).toMatchObject({ size: 2 << 20, disk_format: 'raw', from_cache: false });
    expect(await service.fetchTo(image, target('c2'))).toMatchObject({
      from_cache: true,
      sha256: first.sha256,
    });
    await shelf.library.delete(image, () => undefined, unread);
    // The API never gives a UUID again; a database that was put back from a backup may.
    await database.source.query(`delete from image_deleted where uuid = $1`, [image]);
    await shelf.records.create({ uuid: image, status: 'queued', visibility: 'public', ...formats }, unread);
    const other = await qcow2(2);
    await shelf.library.upload(image, { chunks: Readable.from([other]), length: other.length }, null, unread);
    expect((await service.fetchTo(image, target('c3'))).sha256).not.toBe(first.sha256);
  });

  it('is refused while it is deactivated, with another checksum, and as another kind', async () => {
    const formats = { disk_format: 'raw', container_format: 'bare' };
    const image = await add(noise(60_000, 9), formats);
    const wrong = { algo: 'sha256', value: 'ab'.repeat(32) };
    await expect(service.fetchTo(image, target('x'), { checksum: wrong })).rejects.toThrow('checksum');
    await expect(service.fetchTo(image, target('x'), { kind: 'whole-disk' })).rejects.toThrow(
      'no partition table',
    );
    await shelf.library.deactivate(image, unread);
    await expect(service.resolve(image)).rejects.toThrow('is not active but deactivated');
  });

  it('is not asked for where an outside Image service is configured', async () => {
    const outside = serviceOf({ glance: { url: 'http://127.0.0.1:9' } });
    const image = await add(noise(10_000, 11), { disk_format: 'aki', container_format: 'aki' });
    await expect(outside.resolve(image)).rejects.toMatchObject({ code: 'image-unavailable' });
    await outside.close();
  });
});

describe('the sweep', () => {
  it('removes bytes and parts without a record, and keeps the others', async () => {
    const { writeFile, mkdir } = await import('node:fs/promises');
    const image = await add(noise(20_000, 21), { disk_format: 'aki', container_format: 'aki' });
    const lost = 'ef'.repeat(64);
    const folder = join(shelf.section.directory!, 'blobs', 'ef');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, lost), 'x');
    await shelf.library.sweep();
    const files = await shelf.files();
    expect(files).not.toContain(lost);
    expect(files).toContain((await shelf.records.get(image)).os_hash_value);
  });

  it('queues again what was received while the database was away at its end', async () => {
    const uuid = crypto.randomUUID();
    const fields = { disk_format: 'aki', container_format: 'aki' };
    await shelf.records.create({ uuid, status: 'queued', visibility: 'public', ...fields }, unread);
    const bytes = noise(30_000, 22);
    const upload = (chunks: AsyncIterable<Uint8Array>) =>
      shelf.library.upload(uuid, { chunks, length: bytes.length }, null, unread);
    const transit = shelf.records.transit.bind(shelf.records);
    const spy = vi.spyOn(shelf.records, 'transit').mockImplementation((id, from, changes) => {
      return from.includes('saving')
        ? Promise.reject(new DatabaseAwayError('lost', false))
        : transit(id, from, changes);
    });
    await expect(upload(Readable.from([bytes]))).rejects.toThrow(DatabaseAwayError);
    spy.mockRestore();
    expect((await shelf.records.get(uuid)).status).toBe('saving');
    await shelf.library.sweep();
    expect((await shelf.records.get(uuid)).status).toBe('queued');

    // A sweep in the middle of an upload leaves it alone.
    async function* slow(): AsyncGenerator<Uint8Array> {
      yield bytes.subarray(0, 10_000);
      await shelf.library.sweep();
      yield bytes.subarray(10_000);
    }
    await upload(slow());
    expect((await shelf.records.get(uuid)).status).toBe('active');
  });
});
