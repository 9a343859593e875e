import { Module } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { ConductorRecordRepository } from './conductor-record.repository.js';

/** Which conductors there are. */
@Module({
  providers: [
    {
      provide: ConductorRecordRepository,
      inject: [DataSource],
      useFactory: (source: DataSource) => new ConductorRecordRepository(source),
    },
  ],
  exports: [ConductorRecordRepository],
})
export class ConductorRecordModule {}
