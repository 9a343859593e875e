import { truncateSync } from 'node:fs';
import {
  mkdir,
  readdir,
  readFile,
  rename,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCommand } from '../../../src/platform/run-command.js';
import { type ImageBed, imageBed, noise, sha256 } from '../../support/image-service.js';

const body = noise(3 << 20);
let bed: ImageBed;
let files: string;

beforeEach(async () => {
  bed = await imageBed();
  files = join(bed.directory, 'files');
  await mkdir(files);
  await writeFile(join(files, 'disk.img'), body);
});
afterEach(async () => bed.close());

const fetch = (path: string, options: object = {}) =>
  bed.service.fetchTo(path.startsWith('file:') ? path : `file://${path}`, bed.target(), options);
const disk = () => join(files, 'disk.img');
async function mkfifo(path: string): Promise<void> {
  await runCommand({ file: 'mkfifo', args: [path], timeout: 5_000 });
}

describe('a file image', () => {
  it('is copied into the cache once and again when its time or content changed', async () => {
    const first = await fetch(disk());
    expect(first).toMatchObject({ from_cache: false, sha256: sha256(body).value, disk_format: 'raw' });
    expect(await readFile(first.path)).toEqual(body);
    // A copy: what the operator does to the original later must not reach a machine unverified.
    expect((await stat(first.path)).ino).not.toBe((await stat(disk())).ino);
    expect((await fetch(disk())).from_cache).toBe(true);
    await utimes(disk(), new Date(), new Date(Date.now() + 60_000));
    expect((await fetch(disk())).from_cache).toBe(false);
    const other = noise(body.length, 2);
    await writeFile(join(files, 'new'), other);
    await utimes(join(files, 'new'), new Date(0), new Date(0)); // an older file in its place is another file
    await rename(join(files, 'new'), disk());
    expect((await fetch(disk())).sha256).toBe(sha256(other).value);
  });

  it('is checked where a checksum is given, and its sha256 is computed where none is', async () => {
    await expect(fetch(disk(), { checksum: sha256(noise(5)) })).rejects.toMatchObject({
      code: 'image-refused',
    });
    const image = await bed.service.resolve(`file://${disk()}`);
    expect(image).toEqual({
      href: `file://${disk()}`,
      size: body.length,
      disk_format: undefined,
      checksum: sha256(body),
      whole_disk: true,
    });
    await fetch(disk(), { checksum: image.checksum });
    expect((await bed.service.resolve(`file://${disk()}`)).checksum).toEqual(sha256(body));
  });

  it('may be a link inside the allowed directory, and the directory itself may be a link', async () => {
    await symlink('disk.img', join(files, 'latest.img'));
    expect((await fetch(join(files, 'latest.img'))).size).toBe(body.length);
    const link = join(bed.directory, 'elsewhere');
    await symlink(files, link);
    const other = await imageBed({ allowed_file_paths: [link] });
    try {
      const target = join(other.directory, 'x');
      expect((await other.service.fetchTo(`file://${link}/disk.img`, target)).size).toBe(body.length);
    } finally {
      await other.close();
    }
  });
});

describe('what is no image', () => {
  it.each<[string, (directory: string) => Promise<unknown>, string, RegExp]>([
    [
      'a link to /etc/passwd',
      (d) => symlink('/etc/passwd', join(d, 'x')),
      'invalid',
      /under \/etc are never images/,
    ],
    [
      'a link to another place',
      (d) => symlink('/usr/bin/env', join(d, 'x')),
      'invalid',
      /none of the allowed/,
    ],
    ['a link to /dev/zero', (d) => symlink('/dev/zero', join(d, 'x')), 'invalid', /under \/dev/],
    ['a link to itself', (d) => symlink('x', join(d, 'x')), 'image-refused', /leads nowhere/],
    ['a dead link', (d) => symlink('gone', join(d, 'x')), 'image-unavailable', /does not exist/],
    ['a directory', (d) => mkdir(join(d, 'x')), 'image-refused', /not a regular file/],
    ['a FIFO', (d) => mkfifo(join(d, 'x')), 'image-refused', /not a regular file/],
    ['nothing', async () => undefined, 'image-unavailable', /does not exist/],
    ['an empty file', (d) => writeFile(join(d, 'x'), ''), 'image-refused', /is empty/],
  ])('%s', async (_name, make, code, message) => {
    await make(files);
    await expect(fetch(join(files, 'x'))).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
    });
    await expect(bed.service.resolve(`file://${files}/x`)).rejects.toMatchObject({ code });
    expect(await bed.masters()).toEqual([]);
  });

  it('what Ferric keeps itself, by its own path and through links, wherever the allowed directory lies', async () => {
    const secret = await fetch(disk());
    const [name] = await bed.masters();
    const wide = await imageBed({ allowed_file_paths: [bed.directory] }, bed.directory);
    const link = join(files, 'linked');
    await symlink(join(bed.directory, 'image-cache'), link);
    try {
      for (const path of [`${bed.directory}/image-cache/${name}`, `${link}/${name}`]) {
        const asked = wide.service.fetchTo(`file://${path}`, bed.target());
        await expect(asked, path).rejects.toThrow('own files are never images');
        await expect(wide.service.resolve(`file://${path}`)).rejects.toThrow('own files are never images');
      }
    } finally {
      await wide.close();
    }
    expect(secret.size).toBe(body.length);
  });

  it('a linked directory that leads out', async () => {
    await symlink('/etc', join(files, 'd'));
    await expect(fetch(join(files, 'd', 'passwd'))).rejects.toMatchObject({ code: 'invalid' });
  });

  it.each(['file:///etc/passwd', 'file:///dev/zero', 'file:///proc/self/environ'])('%s', async (ref) => {
    await expect(fetch(ref)).rejects.toMatchObject({ code: 'invalid' });
  });

  it('`..`, also written in percent', async () => {
    for (const dots of ['..', '%2e%2e', '.%2E'])
      await expect(fetch(`file://${files}/${dots}/secret`)).rejects.toMatchObject({ code: 'invalid' });
  });

  it('what shrinks while it is read', async () => {
    const big = join(files, 'big.img');
    await writeFile(big, noise(1 << 20));
    await truncate(big, 400 << 20);
    let shrunk = 0;
    const onProgress = () => {
      if (shrunk++ === 0) truncateSync(big, 1 << 20);
    };
    await expect(fetch(big, { onProgress })).rejects.toThrow('changed while it was read');
    expect(shrunk).toBeGreaterThan(0);
    expect(await bed.masters()).toEqual([]);
  });
});

it('FIFOs hold up neither file access nor other images', async () => {
  const names = Array.from({ length: 16 }, (_, i) => join(files, `fifo-${i}`));
  for (const name of names) await mkfifo(name);
  const refused = Promise.allSettled(names.map((name) => fetch(name)));
  const started = performance.now();
  for (let i = 0; i < 20; i++) await readdir(files);
  expect((await fetch(disk())).size).toBe(body.length);
  expect((await refused).every(({ status }) => status === 'rejected')).toBe(true);
  expect(performance.now() - started).toBeLessThan(20_000);
});
