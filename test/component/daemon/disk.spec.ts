import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DaemonHome, type RunningDaemon } from '../../support/daemon.js';

const home = new DaemonHome();
const data = join(home.directory, 'data');
let daemon: RunningDaemon;
beforeAll(async () => {
  mkdirSync(data);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256m,mode=755', 'tmpfs', data]);
  daemon = await home.start();
});
afterAll(async () => {
  await daemon.stop();
  execFileSync('umount', [data]);
  await home.remove();
});

async function health(path = ''): Promise<[number, string]> {
  await sleep(1_100); // a look counts for a second
  const response = await fetch(`${daemon.url}/healthcheck${path}`);
  return [response.status, await response.text()];
}

function fill(): void {
  const file = openSync(join(data, 'filler'), 'w');
  const block = Buffer.alloc(1024 * 1024, 1);
  try {
    for (;;) writeSync(file, block);
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
  } finally {
    closeSync(file);
  }
}

it('a full disk under the data directory is told as that: alive, not ready, and ready again with room', async () => {
  expect([await health('/live'), await health('/ready'), await health()]).toEqual([
    [200, 'OK'],
    [200, 'OK'],
    [200, 'OK'],
  ]);
  fill();
  expect(await health('/live')).toEqual([200, 'OK']);
  for (const path of ['', '/ready']) {
    const [status, text] = await health(path);
    expect(status).toBe(503);
    expect(text).toContain('The disk of the data directory is full: 0 MiB are left.');
  }
  // What needs new room says whose disk it is, and the log says it once.
  const body = (i: number) => ({ driver: 'fake-hardware', name: `n${i}`, extra: { text: randomText() } });
  const answers: string[] = [];
  for (let i = 0; i < 200 && !answers.some((text) => text.includes('disk of the database')); i++) {
    answers.push(await daemon.api('POST', '/v1/nodes', body(i)).then(() => 'kept', String));
  }
  expect(answers.at(-1)).toMatch(/503 .*The disk of the database is full/);
  await expect
    .poll(
      () =>
        daemon
          .log()
          .split('\n')
          .filter((line) => /"level":"error".*disk-full/.test(line)).length,
    )
    .toBe(1);
  rmSync(join(data, 'filler'));
  await expect.poll(() => health('/ready'), { timeout: 30_000 }).toEqual([200, 'OK']);
  expect(await daemon.api('POST', '/v1/nodes', body(1_000))).toMatchObject({ name: 'n1000' });
});

/** That no compression makes small. */
function randomText(): string {
  return Buffer.from(Array.from({ length: 300_000 }, () => Math.random() * 256)).toString('base64');
}
