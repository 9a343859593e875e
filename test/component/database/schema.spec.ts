import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());

describe('the schema', () => {
  it('is what the entities say, to the column', async () => {
    const drift = await database.source.driver.createSchemaBuilder().log();
    // Rooms know each other by columns, not by ORM relations: foreign keys live in the migrations alone.
    const foreign = /DROP CONSTRAINT "\w+_fkey"/;
    expect(drift.upQueries.map((query) => query.query).filter((query) => !foreign.test(query))).toEqual([]);
  });

  it('can be taken back and built again', async () => {
    const count = (await database.source.query<unknown[]>('select * from migration')).length;
    for (let i = 0; i < count; i++) await database.source.undoLastMigration();
    expect(await database.source.query(`select to_regclass('node') as at`)).toEqual([{ at: null }]);
    expect((await database.source.runMigrations()).length).toBe(count);
  });

  it('refuses a database that a newer Ferric migrated', async () => {
    const { openDatabase } = await import('../../../src/database/data-source.js');
    const { ENTITIES } = await import('../../../src/persistence/resources.js');
    const { silentLog } = await import('../../support/database.js');
    await database.source.query(
      `insert into migration (timestamp, name) values (9999999999999, 'FromTheFuture')`,
    );
    await expect(
      openDatabase({ connection: database.connection, entities: ENTITIES, poolSize: 2, log: silentLog }),
    ).rejects.toThrow('newer Ferric (FromTheFuture)');
    await database.source.query(`delete from migration where name = 'FromTheFuture'`);
  });
});
