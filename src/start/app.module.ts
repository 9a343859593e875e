import { type DynamicModule, Module } from '@nestjs/common';
import { ConductorModule } from '../conductor/conductor.module.js';
import type { Config } from '../config/schema.js';
import type { Connection } from '../database/connection.js';
import { DatabaseModule } from '../database/database.module.js';
import { ImageLibraryModule } from '../image-library/image-library.module.js';
import { PersistenceModule } from '../persistence/persistence.module.js';
import { ENTITIES } from '../persistence/resources.js';
import { SEALED_COLUMNS } from '../persistence/sealed-columns.js';
import { ConfigModule } from '../platform/config.module.js';
import type { Logger } from '../platform/logger.js';
import { LoggerModule } from '../platform/logger.module.js';

/** All rooms of the daemon. */
@Module({})
export class AppModule {
  static forRoot(parts: {
    config: Config;
    log: Logger;
    connection: Connection;
    onReplaced: () => void;
    /** Ends the wait for the database. */
    cancel?: AbortSignal;
  }): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.forRoot(parts.config),
        LoggerModule.forRoot(parts.log),
        DatabaseModule.forRoot(ENTITIES, SEALED_COLUMNS, parts.connection, parts.cancel),
        PersistenceModule,
        ImageLibraryModule,
        ConductorModule.forRoot(parts.onReplaced),
      ],
    };
  }
}
