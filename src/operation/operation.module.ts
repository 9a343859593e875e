import { Module } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Keyring } from '../database/sealing.js';
import { OperationRepository } from './operation.repository.js';

/** The journal of work. */
@Module({
  providers: [
    {
      provide: OperationRepository,
      inject: [DataSource, Keyring],
      useFactory: (source: DataSource, keyring: Keyring) => new OperationRepository(source, keyring),
    },
  ],
  exports: [OperationRepository],
})
export class OperationModule {}
