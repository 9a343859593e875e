import { Module } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { BootPlanRepository } from './boot-plan.repository.js';

/** What machines boot next. */
@Module({
  providers: [
    {
      provide: BootPlanRepository,
      inject: [DataSource],
      useFactory: (source: DataSource) => new BootPlanRepository(source),
    },
  ],
  exports: [BootPlanRepository],
})
export class BootPlanModule {}
