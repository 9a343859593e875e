import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openDatabase } from '../../../src/database/data-source.js';
import { MIGRATIONS } from '../../../src/database/migrations.js';
import { ENTITIES } from '../../../src/persistence/resources.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';
import { collectedLog } from '../../support/log.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());

const open = (connection: TestDatabase['connection'], waitSeconds = 0, log = collectedLog()) =>
  openDatabase({ connection, entities: ENTITIES, poolSize: 1, waitSeconds, log });

it('of three that start at once on an empty database one migrates, and the others wait for it', async () => {
  await database.source.query('create database empty');
  const connection = { ...database.connection, database: 'empty' };
  const logs = [collectedLog(), collectedLog(), collectedLog()];
  const sources = await Promise.all(logs.map((log) => open(connection, 0, log)));
  const rows = await sources[0]!.query<{ name: string }[]>('select name from migration order by id');
  expect(rows.map(({ name }) => name)).toEqual(MIGRATIONS.map((Migration) => new Migration().name));
  expect(logs.filter((log) => log.text().includes('brought up to date"'))).toHaveLength(1);
  expect(logs.filter((log) => log.text().includes('waiting for it'))).toHaveLength(2);
  await Promise.all(sources.map((source) => source.destroy()));
});

it('every migration has a name of its own, which no bundler changes', () => {
  for (const Migration of MIGRATIONS) expect(Object.hasOwn(new Migration(), 'name')).toBe(true);
});

it('a server that is not there is waited for, with one line; then it is one sentence', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ferric-away-'));
  const away = { ...database.connection, host: folder };
  await expect(open(away, 1)).rejects.toThrow(/cannot be reached within 1 s \(database\.wait\): ENOENT/);
  rmSync(folder, { recursive: true });
  await database.halt();
  const log = collectedLog();
  const opened = open(database.connection, 60, log);
  await sleep(2_000);
  await database.resume();
  await (await opened).destroy();
  expect(log.text().match(/is not there/g)).toHaveLength(1);
  await expect(open({ ...database.connection, username: 'nobody' }, 60)).rejects.toThrow(
    /authentication failed/,
  );
});
