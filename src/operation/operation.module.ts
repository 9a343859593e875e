import { Module } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { OperationRepository } from './operation.repository.js';

/** The journal of work. */
@Module({
  providers: [
    {
      provide: OperationRepository,
      inject: [DataSource],
      useFactory: (source: DataSource) => new OperationRepository(source),
    },
  ],
  exports: [OperationRepository],
})
export class OperationModule {}
