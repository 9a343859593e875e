import { join } from 'node:path';
import { type DynamicModule, Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { CONFIG } from '../config/config.module.js';
import type { Config } from '../config/schema.js';
import type { Logger } from '../platform/logger.js';
import { LOGGER } from '../platform/logger.module.js';
import { type Connection, type EntityClass, openDatabase } from './data-source.js';
import { Keyring, loadKeyring } from './sealing.js';

/** The database, brought up to date, and the keys that seal secrets in it. */
@Global()
@Module({})
export class DatabaseModule {
  static forRoot(entities: readonly EntityClass[], connection: Connection): DynamicModule {
    return {
      module: DatabaseModule,
      imports: [
        TypeOrmModule.forRootAsync({
          inject: [CONFIG, LOGGER],
          // Options travel in the closure: a connection URL must not lie about in a provider that others can read.
          useFactory: (config: Config, log: Logger) => ({
            type: 'postgres' as const,
            toRetry: () => false,
            extra: {
              open: () => {
                const { pool_size: poolSize, wait: waitSeconds, statement_timeout } = config.database;
                const statementTimeout = statement_timeout;
                return openDatabase({ connection, entities, poolSize, waitSeconds, statementTimeout, log });
              },
            },
          }),
          dataSourceFactory: (options) =>
            (options as { extra: { open(): Promise<DataSource> } }).extra.open(),
        }),
      ],
      providers: [{ provide: Keyring, inject: [DataSource, CONFIG], useFactory: keyring }],
      exports: [Keyring],
    };
  }
}

async function keyring(source: DataSource, config: Config): Promise<Keyring> {
  const file = config.database.secret_key_file ?? join(config.data_dir, 'secret.key');
  return loadKeyring(file, !(await holdsSealed(source)));
}

/** Whether anything was ever sealed: then a missing key file is an error, not a first start. */
async function holdsSealed(source: DataSource): Promise<boolean> {
  const columns = source.entityMetadatas.flatMap((entity) =>
    entity.columns
      .filter((column) => column.databaseName.endsWith('_sealed'))
      .map((column) => [entity.tableName, column.databaseName]),
  );
  for (const [table, column] of columns) {
    const rows = await source.query<unknown[]>(
      `select 1 from "${table}" where "${column}" is not null limit 1`,
    );
    if (rows.length > 0) return true;
  }
  return false;
}
