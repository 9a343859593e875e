import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { copyMigratedCluster } from '../../support/cluster-template.js';
import { freePort } from '../../support/free-port.js';

const PROGRAM = new URL('../../../dist/src/main.js', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'ferric-log-'));
chmodSync(folder, 0o755);
const mounted = join(folder, 'small');
let child: ChildProcess | undefined;
afterEach(async () => {
  if (child?.exitCode === null) {
    child.kill('SIGTERM');
    child.stdout?.resume();
    await once(child, 'exit');
  }
});
afterAll(() => {
  execFileSync('umount', [mounted]);
  rmSync(folder, { recursive: true });
});

/** @param out where its log goes */
async function start(name: string, out: number | 'pipe'): Promise<(path: string) => Promise<number>> {
  const data_dir = join(folder, name);
  await copyMigratedCluster(join(data_dir, 'postgresql'));
  const port = await freePort();
  const settings = {
    data_dir,
    log: { level: 'debug' },
    api: { listen: { port } },
    agent: { listen: { port: await freePort() } },
    netboot: { http: { port: await freePort() } },
  };
  const file = join(folder, `${name}.yaml`);
  writeFileSync(file, stringify(settings));
  child = spawn(process.execPath, [PROGRAM, '--config', file], { stdio: ['ignore', out, 'inherit'] });
  const get = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).status;
  for (let i = 0; i < 300; i++) {
    if ((await get('/v1/nodes').catch(() => 0)) === 200) return get;
    await sleep(100);
  }
  throw new Error('the daemon does not answer');
}

it('a log that nobody reads holds up no request and no stop', async () => {
  const get = await start('unread', 'pipe');
  for (let i = 0; i < 1_500; i++) expect(await get(`/v1/nodes?${'x'.repeat(9)}`)).toBeGreaterThan(0);
  child!.kill('SIGTERM');
  const [status] = (await once(child!, 'exit')) as [number | null];
  expect(status).toBe(0);
});

it('a full disk of the log costs lines, which are counted; with room again the log goes on', async () => {
  mkdirSync(mounted);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', mounted]);
  const file = join(mounted, 'log');
  const log = openSync(file, 'a');
  const get = await start('full', log);
  closeSync(log);
  for (let i = 0; i < 1_500; i++) expect(await get('/v1/nodes')).toBe(200);
  expect(readFileSync(file).length).toBeGreaterThan(60_000);
  truncateSync(file);
  await sleep(1_500);
  expect(await get('/v1/nodes')).toBe(200);
  await sleep(300);
  expect(readFileSync(file, 'utf8')).toMatch(/"dropped":\d+/);
  expect(child!.exitCode).toBeNull();
});
