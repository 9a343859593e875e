import { Controller, Get, Header } from '@nestjs/common';
import { UnavailableError } from '../domain/errors.js';
import { Policy } from './auth/policy.js';
import { Health } from './health.js';
import { Since } from './microversion/since.js';
import { Describe } from './openapi/describe.js';

const TEXT = 'text/plain; charset=utf-8';

/** Liveness and readiness of this process. */
@Controller('healthcheck')
export class HealthcheckController {
  constructor(private readonly health: Health) {}

  @Get()
  @Header('content-type', TEXT)
  @Since(1)
  @Policy('public')
  @Describe({ summary: 'As `/healthcheck/ready`', answer: { text: 'text/plain' } })
  async check(): Promise<string> {
    return this.ready();
  }

  @Get('live')
  @Header('content-type', TEXT)
  @Since(1)
  @Policy('public')
  @Describe({
    summary: 'Whether the process answers; a new start helps where it does not',
    answer: { text: 'text/plain' },
  })
  live(): string {
    return 'OK';
  }

  @Get('ready')
  @Header('content-type', TEXT)
  @Since(1)
  @Policy('public')
  @Describe({
    summary:
      'Whether work can be taken: the database takes a write, and the disk has room. Else 503 with the reasons',
    answer: { text: 'text/plain' },
  })
  async ready(): Promise<string> {
    const reasons = await this.health.reasons();
    if (reasons.length > 0) throw new UnavailableError(reasons.join(' '));
    return 'OK';
  }
}
