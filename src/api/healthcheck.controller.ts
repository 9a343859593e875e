import { Controller, Get, Header } from '@nestjs/common';
import { ConductorRecordRepository } from '../conductor-record/conductor-record.repository.js';
import { Policy } from './auth/policy.js';
import { Since } from './microversion/since.js';
import { Describe } from './openapi/describe.js';
import { ApiSettings } from './settings.js';

/** Whether this process answers and reaches its database. */
@Controller('healthcheck')
export class HealthcheckController {
  constructor(
    private readonly conductors: ConductorRecordRepository,
    private readonly settings: ApiSettings,
  ) {}

  @Get()
  @Header('content-type', 'text/plain; charset=utf-8')
  @Since(1)
  @Policy('public')
  @Describe({
    summary: 'Whether the service answers and reaches its database',
    answer: { text: 'text/plain' },
  })
  async check(): Promise<string> {
    await this.conductors.list(this.settings.conductorTimeout);
    return 'OK';
  }
}
