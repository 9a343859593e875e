import { afterAll, beforeAll, expect, it } from 'vitest';
import { NameLock } from '../../../src/conductor/execution/name-lock.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';
import { throwOnce } from '../../support/faults/throw-once.js';
import { collectedLog } from '../../support/log.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());

function lock(host: string, waitSeconds: number, log = collectedLog()) {
  let lost = 0;
  const name = new NameLock({ source: database.source, host, waitSeconds, log, onLost: () => void lost++ });
  return { name, log, lost: () => lost };
}

it('a second daemon of the name waits, says who holds it, and gives up; another name is free', async () => {
  const first = lock('rack1', 0);
  await first.name.take();
  const second = lock('rack1', 1);
  await expect(second.name.take()).rejects.toThrow(
    new RegExp(`rack1 is held by ferric pid ${process.pid} on .*since`),
  );
  expect(second.log.text().match(/waiting/g)).toHaveLength(1);
  const other = lock('rack2', 0);
  await other.name.take();
  // Whoever waits gets it when the first one is gone.
  const third = lock('rack1', 30);
  const taken = third.name.take();
  await first.name.release();
  await taken;
  await Promise.all([third.name.release(), other.name.release()]);
});

it('a cut of the connection loses the name only where another has taken it', async () => {
  const cut = () =>
    database.source.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'ferric pid%'`,
    );
  const held = async () => {
    const rows = await database.source
      .query<unknown[]>(`select 1 from pg_locks where locktype = 'advisory' and granted`)
      .catch(() => []);
    return rows.length;
  };
  const first = lock('rack3', 0);
  await first.name.take();
  await cut();
  await expect.poll(() => first.log.text()).toContain('taking it again');
  await expect.poll(held, { timeout: 20_000 }).toBe(1);
  expect(first.lost()).toBe(0);
  await database.halt();
  await database.resume();
  await expect.poll(held, { timeout: 20_000 }).toBe(1);
  expect(first.lost()).toBe(0);
  await first.name.release();
});

it('a fault while the name is taken again tells that it is lost: the daemon ends, its supervisor acts', async () => {
  const { thrown } = throwOnce('conductor’s name');
  const first = lock('rack4', 0);
  await first.name.take();
  await database.source.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'ferric pid%'`,
  );
  await expect.poll(first.lost).toBe(1);
  expect(thrown()).toBe(true);
  await first.name.release();
});
