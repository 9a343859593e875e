import { Controller, Get, Post } from '@nestjs/common';
import { ForbiddenError } from '../../../domain/errors.js';
import { Policy } from '../../auth/policy.js';
import { Since } from '../../microversion/since.js';
import { Describe } from '../../openapi/describe.js';

const REFUSED = { summary: 'Refused: ramdisks have a listener of their own', anyQuery: true } as const;

/** Refuses the ramdisk's routes on the operators' listener: machines have a listener of their own. */
@Controller('v1')
export class RamdiskElsewhereController {
  @Get('lookup')
  @Since(22)
  @Policy('public')
  @Describe(REFUSED)
  lookUp(): never {
    throw elsewhere();
  }

  @Post('heartbeat/:ident')
  @Since(22)
  @Policy('public')
  @Describe(REFUSED)
  heartbeat(): never {
    throw elsewhere();
  }

  @Post('continue_inspection')
  @Since(1)
  @Policy('public')
  @Describe(REFUSED)
  continueInspection(): never {
    throw elsewhere();
  }
}

function elsewhere(): ForbiddenError {
  return new ForbiddenError(
    'Access was denied: ramdisks are served on the agent listener only (agent.listen, agent.public_url), unless ' +
      'agent.also_on_api is true.',
  );
}
