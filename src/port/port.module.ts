import { Module } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { PortRepository } from './port.repository.js';

/** Ports: network interfaces of nodes. */
@Module({
  providers: [
    {
      provide: PortRepository,
      inject: [DataSource],
      useFactory: (source: DataSource) => new PortRepository(source),
    },
  ],
  exports: [PortRepository],
})
export class PortModule {}
