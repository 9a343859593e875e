import { Module } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { LeaseRepository } from './lease.repository.js';

/** Addresses given by DHCP. */
@Module({
  providers: [
    {
      provide: LeaseRepository,
      inject: [DataSource],
      useFactory: (source: DataSource) => new LeaseRepository(source),
    },
  ],
  exports: [LeaseRepository],
})
export class LeaseModule {}
