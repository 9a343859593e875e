import { ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { type EmbeddedServer, startEmbeddedServer } from '../../../src/database/embedded-server.js';
import { copyMigratedCluster } from '../../support/cluster-template.js';
import { throwOnce } from '../../support/faults/throw-once.js';
import { collectedLog } from '../../support/log.js';

let directory: string;
let server: EmbeddedServer;
const lost: string[] = [];
const start = async () => {
  server = await startEmbeddedServer(directory, collectedLog(), { onLost: (reason) => lost.push(reason) });
};
beforeEach(async () => {
  lost.length = 0;
  directory = mkdtempSync(join(tmpdir(), 'ferric-embedded-'));
  chmodSync(directory, 0o755);
  await copyMigratedCluster(directory);
});
afterEach(async () => {
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function backend(): Promise<{ pid: number; client: Client }> {
  const client = new Client({ ...server.connection, user: server.connection.username });
  client.on('error', () => undefined);
  await client.connect();
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  return { pid: rows[0]!.pid, client };
}

it('a server that does not stop in time is stopped at once, though the timer of that throws', async () => {
  await start();
  const { pid } = await backend();
  process.kill(pid, 'SIGSTOP'); // its server waits for it
  onTestFinished(() => {
    vi.useRealTimers();
    try {
      process.kill(pid, 'SIGCONT');
    } catch {
      // it is gone, as it should be
    }
  });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const { thrown } = throwOnce('postgres: stop');
  const stopped = server.stop();
  vi.advanceTimersByTime(10_000);
  await stopped;
  expect(thrown()).toBe(true);
}, 20_000);

it('a fault in a restart tells that the server is lost: the daemon ends, its supervisor acts', async () => {
  const { thrown } = throwOnce('postgres: restart');
  await start();
  process.kill(server.pid, 'SIGKILL');
  await expect.poll(() => lost, { timeout: 20_000 }).toHaveLength(1);
  expect(thrown()).toBe(true);
  expect(lost[0]).toContain('a fault on purpose');
}, 30_000);

it('a fault in hearing an error of its process leaves the server as it is', async () => {
  const spawns = vi.spyOn(ChildProcess.prototype as ChildProcess & { spawn(): void }, 'spawn');
  const { thrown } = throwOnce('postgres: process');
  await start();
  const child = (spawns.mock.contexts as ChildProcess[]).find(({ pid }) => pid === server.pid)!;
  spawns.mockRestore();
  child.emit('error', new Error('EPERM'));
  expect(thrown()).toBe(true);
  const { client } = await backend();
  await client.end();
  expect(lost).toEqual([]);
});
