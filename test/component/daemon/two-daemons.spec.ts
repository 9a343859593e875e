// Two whole daemons with one conductor.host on one PostgreSQL, as a supervisor that starts a second one by mistake.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DaemonHome, type RunningDaemon } from '../../support/daemon.js';
import { OutsideDatabase } from '../../support/outside-database.js';

const HOST = 'rack-1';
const KEY = `1:${Buffer.alloc(32, 7).toString('base64')}\n`;
let outside: OutsideDatabase;
const homes: DaemonHome[] = [];
beforeAll(async () => {
  outside = await OutsideDatabase.start();
});
afterAll(async () => {
  for (const home of homes) await home.remove();
  await outside?.stop();
});

/** @param wait seconds for which a second daemon waits for the name */
function newHome(wait: number): DaemonHome {
  const home = new DaemonHome({
    conductor: { host: HOST, heartbeat_interval: 1, heartbeat_timeout: wait },
    database: { url: outside.url },
    driver: { enabled_hardware_types: ['fake-hardware'] },
  });
  homes.push(home);
  mkdirSync(join(home.directory, 'data'), { recursive: true });
  writeFileSync(join(home.directory, 'data', 'secret.key'), KEY, { mode: 0o600 });
  return home;
}

async function until(daemon: RunningDaemon, uuid: string, state: string): Promise<void> {
  for (let i = 0; ; i++) {
    const node = await daemon.api('GET', `/v1/nodes/${uuid}`);
    if (node['provision_state'] === state) return;
    if (i > 600) throw new Error(`not ${state}: ${JSON.stringify(node)}`);
    await sleep(50);
  }
}

/** A node whose deployment has begun and takes a while. */
async function deploying(daemon: RunningDaemon, seconds: number): Promise<string> {
  const { uuid } = (await daemon.api('POST', '/v1/nodes', {
    driver: 'fake-hardware',
    driver_info: { fake_delay_write_image: seconds },
    instance_info: { image_source: 'http://images/disk.raw', image_checksum: 'a'.repeat(64) },
  })) as { uuid: string };
  const target = (verb: string) => daemon.api('PUT', `/v1/nodes/${uuid}/states/provision`, { target: verb });
  for (const [verb, state] of [
    ['manage', 'manageable'],
    ['provide', 'available'],
  ] as const) {
    await target(verb);
    await until(daemon, uuid, state);
  }
  await target('active');
  return uuid;
}

it('the second ends with one sentence that names the holder, whose work goes on; a longer one takes over after a kill', async () => {
  const first = await newHome(20).start();
  const working = await deploying(first, 8);
  const epochs = () =>
    outside.database.source.query<unknown>(
      'select conductor_affinity, reservation_epoch from node order by uuid',
    );
  await until(first, working, 'deploying');
  const instance = () =>
    outside.database.source.query<unknown>('select hostname, instance, online from conductor');
  const before = await instance();

  const second = await newHome(3).launch();
  expect(await second.ended).toBe(1);
  const lines = second.log().trim().split('\n');
  expect(lines.at(-1)).toMatch(
    new RegExp(`^ferric: the conductor’s name ${HOST} is held by ferric pid ${first.process.pid} on .*since`),
  );
  expect(lines.filter((line) => line.includes('    at '))).toEqual([]);
  expect(second.log()).toContain('waiting');
  expect(await instance()).toEqual(before);
  await until(first, working, 'active');
  expect(first.log()).not.toMatch(/reservation of node .* was lost|interrupted|must end/);

  // One that waits: asked to end meanwhile it does so at once; one that is left alone takes over.
  const impatient = await newHome(120).launch();
  await expect.poll(() => impatient.log(), { timeout: 30_000 }).toContain('another daemon holds');
  const asked = performance.now();
  impatient.process.kill('SIGTERM');
  expect(await impatient.ended).toBe(0);
  expect(performance.now() - asked).toBeLessThan(10_000);

  const home = newHome(120);
  const heir = await home.launch();
  await expect.poll(() => heir.log(), { timeout: 30_000 }).toContain('another daemon holds');
  const left = await deploying(first, 5);
  await until(first, left, 'deploying');
  const held = await epochs();
  first.process.kill('SIGKILL');
  await first.ended;
  expect(await home.isReady(heir)).toBe(true);
  await until(heir, left, 'active');
  expect(await epochs()).not.toEqual(held);
  await heir.stop();
}, 180_000);
