import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { DataSource } from 'typeorm';
import { afterAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { loadKeyring } from '../../../src/database/sealing.js';
import { NodeRepository } from '../../../src/persistence/node/node.repository.js';
import { ENTITIES } from '../../../src/persistence/resources.js';
import { DaemonHome, type RunningDaemon } from '../../support/daemon.js';

const FERRIC = new URL('../../../dist/cli/main.js', import.meta.url).pathname;
const NODES = 1_000;
const DEPLOYING = 40;

const folder = mkdtempSync(join(tmpdir(), 'ferric-backup-'));
chmodSync(folder, 0o755);
const homes: DaemonHome[] = [];
afterAll(async () => {
  for (const home of homes) await home.remove();
  rmSync(folder, { recursive: true, force: true });
});

function newHome(): DaemonHome {
  const home = new DaemonHome({ conductor: { host: 'one', automated_clean: false } });
  homes.push(home);
  return home;
}

async function ferric(...args: string[]) {
  const child = spawn(process.execPath, [FERRIC, 'db', ...args], {
    env: { PATH: process.env['PATH'] ?? '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'exit');
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [status] = (await ended) as [number | null];
  return { status, out, err };
}

const configOf = (home: DaemonHome) => join(home.directory, 'ferric.yaml');
const dataOf = (home: DaemonHome) => join(home.directory, 'data');

/** A configuration with a data directory of its own, on which no daemon has run. */
function freshConfig(): { file: string; data: string } {
  const place = mkdtempSync(join(folder, 'fresh-'));
  chmodSync(place, 0o755);
  const file = join(place, 'ferric.yaml');
  const data = join(place, 'data');
  writeFileSync(file, stringify({ data_dir: data }));
  return { file, data };
}

async function nodesOf(
  daemon: RunningDaemon,
): Promise<{ uuid: string; provision_state: string; name: string }[]> {
  const { nodes } = await daemon.api('GET', '/v1/nodes?limit=1000&fields=uuid,provision_state,name');
  return nodes as { uuid: string; provision_state: string; name: string }[];
}

async function inState(daemon: RunningDaemon, state: string, count: number, seconds = 60): Promise<void> {
  for (let i = 0; i < seconds * 5; i++) {
    if ((await nodesOf(daemon)).filter((node) => node.provision_state === state).length === count) return;
    await sleep(200);
  }
  throw new Error(
    `not ${count} nodes ${state} within ${seconds} s: ${JSON.stringify(await nodesOf(daemon))}`,
  );
}

/** A daemon of a thousand nodes, some of them in the middle of their deployment. */
async function busyDaemon(home: DaemonHome): Promise<RunningDaemon> {
  const daemon = await home.start();
  const names = Array.from({ length: NODES }, (_, i) => `node-${i}`);
  const create = async () => {
    for (let name = names.pop(); name !== undefined; name = names.pop()) {
      const driver_info = { fake_delay_deploy: 12, bmc_password: `word of ${name}` };
      await daemon.api('POST', '/v1/nodes', {
        name,
        driver: 'fake-hardware',
        driver_info,
        resource_class: 'x',
      });
    }
  };
  await Promise.all(Array.from({ length: 8 }, create));
  const some = Array.from({ length: DEPLOYING }, (_, i) => `node-${i}`);
  const verb = async (target: string, state: string) => {
    const path = (name: string) => `/v1/nodes/${name}/states/provision`;
    await Promise.all(some.map((name) => daemon.api('PUT', path(name), { target })));
    await inState(daemon, state, DEPLOYING);
  };
  await verb('manage', 'manageable');
  await verb('provide', 'available');
  await verb('active', 'wait call-back');
  return daemon;
}

describe('ferric db', () => {
  it('dumps a daemon at work, and another goes on from there', async () => {
    const home = newHome();
    const daemon = await busyDaemon(home);
    const store = join(dataOf(home), 'image-store');
    const file = join(folder, 'work.dump');
    const dumped = await ferric('dump', file, '--config', configOf(home));
    expect(dumped).toMatchObject({ status: 0 });
    expect(dumped.err).toMatch(/^node +1000 rows$/m);
    expect(dumped.out).toContain(`Not in it: the key file ${join(dataOf(home), 'secret.key')} (key 1)`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);
    // The daemon went on meanwhile; the dump has no secret in clear.
    await inState(daemon, 'active', DEPLOYING);
    const clear = gunzipSync(readFileSync(file)).toString();
    expect(clear).not.toContain('word of');
    expect(JSON.parse(clear.split('\n')[1]!.slice(3))).toMatchObject({
      sealed_by: [1],
      image_store: { directory: store, files: [] },
    });
    const occupied = await ferric('restore', file, '--config', configOf(home));
    expect(occupied).toMatchObject({ status: 3, out: '' });
    expect(occupied.err).toContain('is in use by another daemon');
    await daemon.stop();
    const full = await ferric('restore', file, '--config', configOf(home));
    expect(full.status).toBe(3);
    expect(full.err).toContain('The database is not empty: table');
    // The daemon is not needed for a dump.
    const second = join(folder, 'rest.dump');
    expect(await ferric('dump', second, '--config', configOf(home))).toMatchObject({ status: 0 });

    const other = newHome();
    const key = join(dataOf(other), 'secret.key');
    mkdirSync(dataOf(other));
    writeFileSync(configOf(other), stringify({ data_dir: dataOf(other) }));
    const restored = await ferric('restore', file, '--config', configOf(other));
    expect(restored).toMatchObject({ status: 0 });
    expect(restored.out).toContain(`Before the daemon starts, put key 1 into ${key}`);
    copyFileSync(join(dataOf(home), 'secret.key'), key);
    const after = await other.start();
    const nodes = await nodesOf(after);
    expect(nodes).toHaveLength(NODES);
    // Work under way is taken up, and comes to its end.
    await inState(after, 'active', DEPLOYING);
    const source = new DataSource({
      type: 'postgres',
      host: join(dataOf(other), 'postgresql/socket'),
      port: 5432,
      username: 'ferric',
      database: 'postgres',
      entities: [...ENTITIES],
    });
    await source.initialize();
    const repository = new NodeRepository(source, loadKeyring(key, false));
    for (const { name } of nodes) {
      const row = await repository.get(name);
      expect(repository.withSecrets(row).driver_info['bmc_password']).toBe(`word of ${name}`);
    }
    await source.destroy();
    // New rows get numbers of their own.
    await after.api('POST', '/v1/nodes', { name: 'another', driver: 'fake-hardware' });
    expect(after.log()).not.toMatch(/"level":"error"/);
    await after.stop();
  }, 300_000);

  it('restores nothing of a file that is damaged, and can then be asked again', async () => {
    const file = join(folder, 'work.dump');
    const whole = readFileSync(file);
    const lines = gunzipSync(whole).toString().split('\n');
    const bad = join(folder, 'bad.dump');
    const at = freshConfig();
    const part = (change: (lines: string[]) => string[]) => gzipSync(change([...lines]).join('\n'));
    const node = lines.findIndex((line) => line.startsWith('COPY "node" '));
    const broken: Record<string, [Uint8Array, string]> = {
      'no gzip': [Buffer.from('hello'), 'no gzip file'],
      'another gzip': [gzipSync('hello\n'), 'does not begin like one'],
      'a cut file': [whole.subarray(0, whole.length / 2), 'damaged'],
      'a cut check sum': [whole.subarray(0, -4), 'damaged'],
      'something after its end': [Buffer.concat([whole, gzipSync('more\n')]), 'something follows its end'],
      'a file that ends early': [part((all) => all.slice(0, node + 10)), 'its end is missing'],
      'a lost row': [part((all) => all.toSpliced(node + 5, 1)), 'node has not as many rows'],
      'a damaged row': [part((all) => all.toSpliced(node + 5, 1, 'x')), 'refused rows of node'],
      'another table': [
        part((all) => all.toSpliced(node, 1, 'COPY "nodes" (id) FROM stdin;')),
        'not where they should be',
      ],
      'a newer Ferric': [
        part((all) => all.with(1, all[1]!.replace('"migrations":[', '"migrations":["FromTheFuture1",'))),
        'The dump is of a newer Ferric (FromTheFuture1)',
      ],
      'a row that refers to nothing': [
        part((all) => {
          const event = all.findIndex((line) => line.startsWith('COPY "operation" '));
          const columns = /\((.*)\)/.exec(all[event]!)![1]!.split(', ');
          const cells = all[event + 1]!.split('\t');
          cells[columns.indexOf('"node_uuid"')] = '1be26c0b-03f2-4d2e-ae87-c02d7f33c123';
          return all.with(event + 1, cells.join('\t'));
        }),
        'foreign key',
      ],
    };
    for (const [what, [bytes, words]] of Object.entries(broken)) {
      writeFileSync(bad, bytes);
      const { status, err } = await ferric('restore', bad, '--config', at.file, '--quiet');
      expect(err, what).toContain(words);
      expect(err, what).not.toContain('word of');
      expect(status, what).not.toBe(0);
    }
    expect(await ferric('restore', file, '--config', at.file)).toMatchObject({ status: 0 });
    expect((await ferric('restore', file, '--config', at.file)).err).toContain('is not empty');
  }, 300_000);

  it('says what is wrong with its place', async () => {
    const at = freshConfig();
    const none = await ferric('dump', join(folder, 'x.dump'), '--config', at.file);
    expect(none).toMatchObject({ status: 2, err: `ferric: There is no database in ${at.data} (data_dir)\n` });
    expect(existsSync(at.data)).toBe(false);
    const missing = await ferric('restore', join(folder, 'nosuch.dump'), '--config', at.file);
    expect(missing.status).toBe(2);
    expect(missing.err).toContain('nosuch.dump');
    expect(existsSync(at.data)).toBe(false);
  });
});
