import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCommand } from '../../../src/platform/run-command.js';
import { type ImageServer, serveImage, startImageServer } from '../../support/image-server.js';
import { type ImageBed, imageBed, noise, sha256 } from '../../support/image-service.js';

const MiB = 1 << 20;
const DATED = 'Sun, 06 Nov 1994 08:49:37 GMT';
let server: ImageServer;
let bed: ImageBed;
const cleanups: (() => unknown)[] = [];

beforeEach(async () => {
  server = await startImageServer();
  for (const name of ['a', 'b', 'c', 'd'])
    server.images.set(`/${name}`, { body: noise(2 * MiB, name.charCodeAt(0)), lastModified: DATED });
  bed = await imageBed();
});
afterEach(async () => {
  await bed.close();
  await server.close();
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const fetch = (name: string, target = bed.target()) => bed.service.fetchTo(`${server.url}/${name}`, target);
/** Fetches, and lets go of the target: only the cache has it then. */
async function fetchOnly(name: string): Promise<void> {
  await rm((await fetch(name)).path);
}
const path = async (name: string) => {
  const entry = (await bed.service.cacheList()).find(({ href }) => href.endsWith(`/${name}`));
  return join(bed.directory, 'image-cache', entry!.name);
};
const names = async () =>
  (await bed.service.cacheList())
    .map(({ href }) => href.slice(-1))
    .sort()
    .join('');
async function reopen(section: object = {}): Promise<void> {
  const { directory } = bed;
  await bed.service.close();
  bed = await imageBed(section, directory);
  cleanups.push(() => rm(directory, { recursive: true, force: true }));
}
async function used(name: string, minutesAgo: number): Promise<void> {
  // ctime cannot be set, so the clean-up is tested against ages the other way round: by the limit.
  const at = new Date(Date.now() - minutesAgo * 60_000);
  await utimes(await path(name), at, at);
}

describe('clean-up', () => {
  it('by age: what was not used, never what is in use', async () => {
    await fetchOnly('a');
    const kept = await fetch('b');
    await reopen({ cache_ttl_minutes: 0 });
    await new Promise((resolve) => setTimeout(resolve, 20));
    const report = await bed.service.cleanUp();
    expect(report.removed.length).toBe(1);
    expect(await names()).toBe('b');
    expect((await readFile(kept.path)).length).toBe(2 * MiB);
    await rm(kept.path);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await bed.service.cleanUp();
    expect(await names()).toBe('');
    expect(await readdir(join(bed.directory, 'image-cache'))).toEqual([]);
  });

  it('by size: those unused longest first, at once when the cache grows', async () => {
    await fetchOnly('a');
    await fetchOnly('b');
    await fetchOnly('c');
    await reopen({ cache_size_mib: 6 });
    await bed.service.cleanUp();
    expect(await names()).toBe('abc');
    await fetchOnly('a'); // used again: b is now the oldest
    await used('a', 0);
    await fetch('d');
    expect(await names()).toBe('acd');
  });

  it('moves in from where it was, which a file:// path may name', async () => {
    await fetchOnly('a');
    const before = join(bed.directory, 'images');
    await rename(join(bed.directory, 'image-cache'), before);
    await writeFile(join(before, 'mine.qcow2'), 'x');
    await reopen();
    expect(await readdir(before)).toEqual(['mine.qcow2']);
    expect((await fetch('a')).from_cache).toBe(true);
  });

  it('leaves strangers in the directory alone, at start too', async () => {
    const stranger = join(bed.directory, 'image-cache', 'README');
    await writeFile(stranger, 'x');
    await reopen({ cache_size_mib: 0 });
    await bed.service.cleanUp();
    expect(await readFile(stranger, 'utf8')).toBe('x');
  });
});

describe('after a fault', () => {
  it('what was left half done is swept at start', async () => {
    await fetchOnly('a');
    const images = join(bed.directory, 'image-cache');
    const orphan = '0b9f3c1e-5c2a-4f6e-9d67-2f1d3c1f0a11';
    await writeFile(join(images, `${orphan}.part`), 'x');
    await writeFile(join(images, orphan), 'x');
    await writeFile(join(images, `${orphan.replace('0b', '0c')}.json`), '{}');
    await reopen();
    expect((await readdir(images)).length).toBe(2);
    expect((await fetch('a')).from_cache).toBe(true);
  });

  it.each<[string, (path: string) => Promise<unknown>]>([
    ['a record that was cut off', (file) => truncate(`${file}.json`, 10)],
    ['a record of another version', (file) => writeFile(`${file}.json`, '{"version":2}')],
    ['a file that lost its end', (file) => truncate(file, MiB)],
  ])('%s is no record: fetched again', async (_name, harm) => {
    await fetchOnly('a');
    await harm(await path('a'));
    expect(await fetch('a')).toMatchObject({ from_cache: false, size: 2 * MiB });
    expect((await fetch('a')).from_cache).toBe(true);
  });

  it('after a reboot the bytes are hashed before they are trusted', async () => {
    await fetchOnly('a');
    await fetchOnly('b');
    for (const name of ['a', 'b']) {
      const record = `${await path(name)}.json`;
      const text = await readFile(record, 'utf8');
      await writeFile(record, text.replace(/"boot":"[^"]+"/, '"boot":"another"'));
    }
    const file = await path('a');
    const bytes = await readFile(file);
    await writeFile(file, bytes.fill(0, MiB)); // same length, lost data: what a power cut leaves
    expect((await fetch('a')).from_cache).toBe(false);
    expect((await fetch('b')).from_cache).toBe(true);
    expect(await readFile(`${await path('b')}.json`, 'utf8')).not.toContain('"boot":"another"');
  });

  it('killed in the middle of a download: nothing unverified, and it works again', async () => {
    const image = server.images.get('/a')!;
    image.fault = (request, response, turn) => {
      if (request.method === 'HEAD' || turn > 0) return false;
      response.writeHead(200, { 'content-length': image.body.length });
      response.write(image.body.subarray(0, MiB));
      return true;
    };
    await bed.service.close();
    // A process of its own, so that it can die.
    const script = `
      import { imageBed } from ${JSON.stringify(new URL('../../support/image-service.ts', import.meta.url).href)};
      const bed = await imageBed({ idle_timeout: 30 }, ${JSON.stringify(bed.directory)});
      await bed.service.fetchTo(${JSON.stringify(`${server.url}/a`)}, bed.target('killed'));`;
    const hook = `import { registerHooks } from 'node:module';
      registerHooks({ resolve: (s, c, n) => n(c.parentURL?.endsWith('.ts') && /^\\.{1,2}\\/.*\\.js$/.test(s) ? s.slice(0, -2) + 'ts' : s, c) });`;
    const child = spawn(
      process.execPath,
      [
        '--experimental-transform-types',
        '--import',
        `data:text/javascript,${encodeURIComponent(hook)}`,
        '--input-type=module',
        '-e',
        script,
      ],
      { stdio: ['ignore', 'inherit', 'pipe'] },
    );
    const images = join(bed.directory, 'image-cache');
    const part = async () => {
      const name = (await readdir(images)).find((file) => file.endsWith('.part'));
      return name === undefined ? 0 : (await stat(join(images, name))).size;
    };
    await expect.poll(part, { timeout: 15_000 }).toBe(MiB);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await bed.masters()).toEqual([expect.stringMatching(/\.part$/)]);
    await reopen();
    expect(await bed.masters()).toEqual([]);
    expect(await readdir(join(bed.directory, 'out')).catch(() => [])).toEqual([]);
    const again = await bed.service.fetchTo(`${server.url}/a`, bed.target(), {
      checksum: sha256(image.body),
    });
    expect(again.from_cache).toBe(false);
  });
});

describe('room', () => {
  let mount: string;
  beforeEach(async () => {
    mount = join(tmpdir(), `ferric-small-${process.pid}-${Date.now()}`);
    await mkdir(mount);
    await runCommand({
      file: 'mount',
      args: ['-t', 'tmpfs', '-o', 'size=7m', 'none', mount],
      timeout: 5_000,
    });
    cleanups.push(async () => {
      await runCommand({ file: 'umount', args: [mount], timeout: 5_000 });
      await rm(mount, { recursive: true });
    });
    await bed.close();
    // What is kept free on a real disk is more than this whole one.
    bed = await imageBed({ cache_keep_free_mib: 0 }, mount);
  });

  it('is made by removing what is unused; in use nothing is touched, and the failure is clear', async () => {
    await fetchOnly('a');
    await fetchOnly('b');
    await fetchOnly('c');
    await fetch('d'); // 2 MiB more do not fit beside three
    expect(await names()).toBe('bcd');
    const held = [await fetch('b'), await fetch('c')];
    server.images.set('/e', { body: noise(3 * MiB), lastModified: DATED });
    await expect(fetch('e')).rejects.toMatchObject({
      code: 'image-unavailable',
      message: expect.stringMatching(/no room: 3145728 bytes are needed, \d+ are free/) as string,
    });
    expect((await bed.masters()).length).toBe(3);
    await rm(held[0]!.path);
    await rm(held[1]!.path);
    expect((await fetch('e')).size).toBe(3 * MiB);
  });

  it('that goes while an image comes in: the rest of the cache makes way once, then a clear failure', async () => {
    await fetchOnly('a');
    const body = noise(4 * MiB);
    let ballast = 0;
    server.images.set('/e', {
      body,
      lastModified: DATED,
      fault: (request, response) => {
        if (request.method === 'HEAD') return false;
        // The disk fills up between the look at it and the last byte.
        ballast++;
        void writeFile(join(mount, `ballast-${ballast}`), noise(2 * MiB)).then(() =>
          serveImage({ body, lastModified: DATED }, request, response),
        );
        return true;
      },
    });
    await expect(fetch('e')).rejects.toMatchObject({ code: 'image-unavailable' });
    expect(ballast).toBe(2);
    expect(await bed.masters()).toEqual([]);
    await rm(join(mount, 'ballast-1'));
    await rm(join(mount, 'ballast-2'), { force: true });
    expect((await fetch('b')).size).toBe(2 * MiB);
  });

  it('on another file system the target is a copy', async () => {
    const target = join(tmpdir(), `ferric-other-fs-${process.pid}`);
    cleanups.push(() => rm(target, { force: true }));
    const fetched = await bed.service.fetchTo(`${server.url}/a`, target);
    expect(await readFile(fetched.path)).toEqual(server.images.get('/a')!.body);
    expect((await stat(target)).nlink).toBe(1);
  });

  it('at the target for no copy: a failure, and no rest', async () => {
    const small = join(mount, 'target');
    await bed.close();
    bed = await imageBed();
    server.images.set('/e', { body: noise(9 * MiB), lastModified: DATED });
    await mkdir(small);
    await expect(bed.service.fetchTo(`${server.url}/e`, join(small, 'x'))).rejects.toMatchObject({
      code: 'image-unavailable',
    });
    expect(await readdir(small)).toEqual([]);
  });
});

it('replaces a target in one step, also one that is a link elsewhere or the same file', async () => {
  const target = bed.target('kernel');
  const precious = join(bed.directory, 'precious');
  await mkdir(join(bed.directory, 'out'));
  await writeFile(precious, 'precious');
  await symlink(precious, target);
  await fetch('a', target);
  expect(await readFile(precious, 'utf8')).toBe('precious');
  await fetch('a', target);
  await fetch('b', target);
  expect(await readFile(target)).toEqual(server.images.get('/b')!.body);
  expect(await readdir(join(bed.directory, 'out'))).toEqual(['kernel']);
});
