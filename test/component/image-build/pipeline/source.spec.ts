import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkReachable, fetchImage, identityOf } from '../../../../image-build/pipeline/source.js';
import { Workshop } from '../../../../image-build/pipeline/workshop.js';
import { run } from '../../../../image-build/process/run.js';
import { type ImageServer, startImageServer } from '../../../support/image-server.js';
import { noise } from '../../../support/image-service.js';

const MiB = 1 << 20;
const DATED = 'Sun, 06 Nov 1994 08:49:37 GMT';
let directory: string;
let server: ImageServer;
let workshop: Workshop;
let body: Buffer;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ferric-source-'));
  await writeFile(join(directory, 'raw'), noise(4 * MiB));
  await run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', 'raw', 'whole.qcow2'], { cwd: directory });
  await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', 'whole.qcow2', 'leans.qcow2'], {
    cwd: directory,
  });
  body = await readFile(join(directory, 'whole.qcow2'));
  server = await startImageServer();
  workshop = await Workshop.open(join(directory, 'out'), false);
});
afterAll(async () => {
  await server?.close();
  await rm(directory, { recursive: true, force: true });
});

const target = () => join(directory, 'target.qcow2');
const fetch = (url: string, attempts = 3, checksum?: { algorithm: string; value: string }) =>
  fetchImage({ url, checksum }, target(), workshop, new AbortController().signal, () => undefined, {
    attempts,
    pause: 10,
  });
/** Cuts the connection after a MiB, the first `times` times. */
const cutting = (times: number, etag?: string) => ({
  body,
  lastModified: DATED,
  ...(etag === undefined ? {} : { etag }),
  fault: (request: { method?: string }, response: import('node:http').ServerResponse, turn: number) => {
    if (request.method === 'HEAD' || turn >= times) return false;
    response.writeHead(200, { 'content-length': body.length, 'last-modified': DATED });
    response.write(body.subarray(0, MiB), () => response.destroy());
    return true;
  },
});

describe('a base image', () => {
  it('is resumed when its transfer breaks off', async () => {
    server.images.set('/resumed', cutting(1, '"5"'));
    await fetch(`${server.url}/resumed`);
    expect(body.equals(await readFile(target()))).toBe(true);
    expect(server.log.filter((line) => line.includes('/resumed bytes='))).toHaveLength(1);
    expect(server.log.at(-1)).toMatch(/^GET \/resumed bytes=\d+- if "5"$/);
  });

  it('is resumed in the next run, when the tries of this one are spent', async () => {
    server.images.set('/later', cutting(2, '"6"'));
    const url = `${server.url}/later`;
    await expect(fetch(url, 1)).rejects.toThrow(new RegExp(`^${url}: .*1 tries, \\d+ bytes are kept`));
    server.images.set('/later', { body, lastModified: DATED, etag: '"6"' });
    await fetch(url, 1);
    expect(body.equals(await readFile(target()))).toBe(true);
    expect(server.log.at(-1)).toMatch(/^GET \/later bytes=\d+- if "6"$/);
  });

  it('is begun anew when it is another file by now', async () => {
    server.images.set('/changed', cutting(1, '"7"'));
    const url = `${server.url}/changed`;
    const before = await identityOf(url, workshop);
    await expect(fetch(url, 1)).rejects.toThrow('bytes are kept');
    server.images.set('/changed', { body, lastModified: DATED, etag: '"8"' });
    expect(await identityOf(url, workshop)).not.toBe(before);
    await fetch(url, 1);
    expect(body.equals(await readFile(target()))).toBe(true);
  });

  it('that cannot be had is named, at once', async () => {
    await expect(fetch(`${server.url}/absent`)).rejects.toThrow(`${server.url}/absent cannot be reached: `);
    expect(server.count('HEAD /absent')).toBe(1);
    await expect(fetch('http://nowhere.invalid/x')).rejects.toMatchObject({ code: 'image-unavailable' });
    await expect(fetch(`file://${directory}/absent`)).rejects.toThrow();
    await expect(checkReachable([server.url, 'http://nowhere.invalid'], 'the script')).rejects.toThrow(
      /^the script names repositories that cannot be reached: http:\/\/nowhere\.invalid: /,
    );
    await checkReachable([server.url], 'the script');
  });

  it('is made qcow2, and refused when it leans on another file', async () => {
    await fetch(`file://${directory}/raw`);
    const info = JSON.parse(await run('qemu-img', ['info', '--output=json', target()])) as { format: string };
    expect(info.format).toBe('qcow2');
    await expect(fetch(`file://${directory}/leans.qcow2`)).rejects.toMatchObject({
      code: 'image-refused',
      message: expect.stringMatching(/leans\.qcow2: it .*backing file/) as string,
    });
  });

  it('is judged by its own header, before any program may follow that to another file', async () => {
    const secret = join(directory, 'secret');
    await writeFile(secret, 'S3CRET'.repeat(100_000));
    const extent = `RW 1024 FLAT "${secret}" 0`;
    const descriptor = `# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\ncreateType="monolithicFlat"\n\n${extent}\n\nddb.adapterType = "ide"\n`;
    await writeFile(join(directory, 'flat.vmdk'), descriptor);
    await rm(target(), { force: true });
    await expect(fetch(`file://${directory}/flat.vmdk`)).rejects.toMatchObject({ code: 'image-refused' });
    await expect(readFile(target())).rejects.toMatchObject({ code: 'ENOENT' });
    // The same through the server, and under another name.
    server.images.set('/base.qcow2', { body: Buffer.from(descriptor), lastModified: DATED });
    await expect(fetch(`${server.url}/base.qcow2`)).rejects.toMatchObject({ code: 'image-refused' });
    await expect(readFile(target())).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('keeps the whole disk of a VHD whose geometry is below its size', async () => {
    const vhd = join(directory, 'other.vhd');
    await run('qemu-img', ['convert', '-f', 'raw', '-O', 'vpc', join(directory, 'raw'), vhd]);
    const bytes = await readFile(vhd);
    // Another maker's name: QEMU would go by the geometry, which is smaller here, in the footer and in its copy.
    for (const at of [0, bytes.length - 512]) {
      bytes.write('xyz ', at + 28, 'latin1');
      bytes.set([0, 10, 2, 17], at + 56);
      bytes.fill(0, at + 64, at + 68);
      const sum = bytes.subarray(at, at + 512).reduce((all, byte) => all + byte, 0);
      bytes.writeUInt32BE(~sum >>> 0, at + 64);
    }
    await writeFile(vhd, bytes);
    await fetch(`file://${vhd}`);
    const info = JSON.parse(await run('qemu-img', ['info', '--output=json', target()])) as Record<
      string,
      number
    >;
    expect(info['virtual-size']).toBeGreaterThanOrEqual(4 * MiB);
  });

  it('is refused when its bytes are not those that were promised, and not resumed with them', async () => {
    const value = createHash('sha256').update(body).digest('hex');
    server.images.set('/summed', { body, lastModified: DATED, etag: '"9"' });
    await fetch(`${server.url}/summed`, 1, { algorithm: 'sha256', value });
    server.images.set('/other', {
      body: Buffer.concat([body, Buffer.of(0)]),
      lastModified: DATED,
      etag: '"9"',
    });
    await expect(fetch(`${server.url}/other`, 1, { algorithm: 'sha256', value })).rejects.toThrow(
      /\/other: its sha256 is [0-9a-f]{64}, and ferric_checksums says/,
    );
    server.images.set('/other', { body, lastModified: DATED, etag: '"9"' });
    await fetch(`${server.url}/other`, 1, { algorithm: 'sha256', value });
  });
});
