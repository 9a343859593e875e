import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { inTransaction } from '../../../src/database/data-source.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());

it('a transaction whose connection is lost between two queries says that the database is away', async () => {
  const { source } = database;
  const lost = inTransaction(source, async (manager) => {
    const [own] = await manager.query<{ pid: number }[]>(`select pg_backend_pid() as pid`);
    await source.query(`select pg_terminate_backend($1)`, [own!.pid]);
    // The loss arrives while nothing is asked.
    await sleep(200);
    await manager.query(`select 1`);
  });
  await expect(lost).rejects.toMatchObject({
    code: 'database-away',
    cause: { name: expect.stringMatching(/AlreadyReleased/) },
  });
});

it('what work throws for itself stays what it is', async () => {
  const error = new Error('own');
  await expect(inTransaction(database.source, () => Promise.reject(error))).rejects.toBe(error);
});
