import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { openDatabase } from '../../src/database/data-source.js';
import { startEmbeddedServer } from '../../src/database/embedded-server.js';
import { Keyring } from '../../src/database/sealing.js';
import { ENTITIES } from '../../src/persistence/resources.js';
import { createLogger } from '../../src/platform/logger.js';
import { copyMigratedCluster } from './cluster-template.js';

export const testKeyring = () => new Keyring([{ id: 1, key: Buffer.alloc(32, 7) }]);
export const silentLog = createLogger(process.env['TEST_LOG'] ?? 'error');

export interface TestDatabase {
  source: DataSource;
  connection: { host: string; port: number; username: string; database: string };
  /** Empties every table; for `beforeEach`. */
  clear(): Promise<void>;
  stop(): Promise<void>;
  /** Stops the server; connections break. */
  halt(): Promise<void>;
  /** Starts the server again at the same place. */
  resume(): Promise<void>;
}

/** A migrated PostgreSQL server for this test file. Call in `beforeAll`, and `stop()` in `afterAll`. */
export async function startTestDatabase(): Promise<TestDatabase> {
  const directory = mkdtempSync(join(tmpdir(), 'ferric-pg-'));
  const log = createLogger('error');
  chmodSync(directory, 0o755);
  await copyMigratedCluster(directory);
  let server = await startEmbeddedServer(directory, log);
  const source = await openDatabase({ connection: server.connection, entities: ENTITIES, poolSize: 10, log });
  return {
    source,
    connection: server.connection,
    async clear() {
      const tables = source.entityMetadatas.map((entity) => `"${entity.tableName}"`).join(', ');
      await source.query(`truncate ${tables} cascade`);
    },
    halt: () => server.stop(),
    async resume() {
      server = await startEmbeddedServer(directory, log);
    },
    async stop() {
      await source.destroy();
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
