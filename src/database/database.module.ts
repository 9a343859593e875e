import { join } from 'node:path';
import { type DynamicModule, Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { secretKeyFile } from '../config/endpoints.js';
import type { Config } from '../config/schema.js';
import { CONFIG } from '../platform/config.module.js';
import { injected, type PartsOf } from '../platform/injected.js';
import type { Logger } from '../platform/logger.js';
import { LOGGER } from '../platform/logger.module.js';
import { ALL_BOUND, bindSealed, holdsSealed, type SealedColumn } from './bind-sealed.js';
import type { Connection } from './connection.js';
import { type EntityClass, openDatabase } from './data-source.js';
import { Keyring, loadKeyring } from './sealing.js';

const PARTS = injected({ source: DataSource, config: CONFIG, log: LOGGER });

/** The migrated database, and the keys that seal secrets in it. */
@Global()
@Module({})
export class DatabaseModule {
  /**
   * @param sealed every column with sealed values
   * @param cancel ends the wait for a server that is not there yet
   */
  static forRoot(
    entities: readonly EntityClass[],
    sealed: readonly SealedColumn[],
    connection: Connection,
    cancel?: AbortSignal,
  ): DynamicModule {
    return {
      module: DatabaseModule,
      imports: [
        TypeOrmModule.forRootAsync({
          inject: [CONFIG, LOGGER],
          // Options are passed in the closure: a connection URL must not be in a provider that others can inject.
          useFactory: (config: Config, log: Logger) => ({
            type: 'postgres' as const,
            toRetry: () => false,
            extra: {
              open: () => {
                const { pool_size: poolSize, wait: waitSeconds, statement_timeout } = config.database;
                const statementTimeout = statement_timeout;
                return openDatabase({
                  connection,
                  entities,
                  poolSize,
                  waitSeconds,
                  ...(cancel ? { cancel } : {}),
                  statementTimeout,
                  log,
                });
              },
            },
          }),
          dataSourceFactory: (options) =>
            (options as { extra: { open(): Promise<DataSource> } }).extra.open(),
        }),
      ],
      providers: [PARTS.provide(Keyring, (parts) => keyring(parts, sealed))],
      exports: [Keyring],
    };
  }
}

async function keyring(
  { source, config, log }: PartsOf<typeof PARTS>,
  columns: readonly SealedColumn[],
): Promise<Keyring> {
  const file = secretKeyFile(config);
  const ring = loadKeyring(file, !(await holdsSealed(source, columns)));
  await bindSealed(source, ring, columns, { allBound: join(config.data_dir, ALL_BOUND), log });
  return ring;
}
