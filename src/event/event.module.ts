import { Module } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { EventRepository } from './event.repository.js';

/** What happened. */
@Module({
  providers: [
    {
      provide: EventRepository,
      inject: [DataSource],
      useFactory: (source: DataSource) => new EventRepository(source),
    },
  ],
  exports: [EventRepository],
})
export class EventModule {}
