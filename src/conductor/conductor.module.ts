import { type DynamicModule, Module } from '@nestjs/common';
import { ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
import { processEnvironment } from '../config/process-source.js';
import { checkCallbackUrl } from '../domain/agent/callback-url.js';
import { DriverModule } from '../driver/driver.module.js';
import { ImageModule } from '../image/image.module.js';
import { addressGuardSettings, outboundSettings } from '../image/settings.js';
import { LeaseRepository } from '../persistence/lease/lease.repository.js';
import { SourceRule } from '../persistence/lease/source-rule.js';
import { CONFIG } from '../platform/config.module.js';
import { injected, valueToken } from '../platform/injected.js';
import { LOGGER } from '../platform/logger.module.js';
import {
  CALLBACK_CHECK,
  CONDUCTOR_PARTS,
  type ComposedConductor,
  composeConductor,
  ON_REPLACED,
  RULE_CALL,
} from './compose.js';
import { ruleCall } from './inspection/rule-call.js';
import { PeriodicRunner } from './periodic/periodic-runner.js';
import { Conductor } from './service/conductor.js';
import { sourceRule } from './service/source-rule.js';

export const COMPOSED_CONDUCTOR = valueToken<ComposedConductor>('composed conductor');

/** The conductor and what it depends on. Other modules inject `Conductor`. */
@Module({})
export class ConductorModule {
  /** @param onReplaced another process took this host name */
  static forRoot(onReplaced: () => void): DynamicModule {
    return {
      module: ConductorModule,
      imports: [ScheduleModule.forRoot(), ImageModule, DriverModule],
      providers: [
        { provide: ON_REPLACED, useValue: onReplaced },
        injected({ config: CONFIG }).provide(RULE_CALL, ({ config }) =>
          ruleCall(
            () => addressGuardSettings(config.image),
            outboundSettings(config.image, processEnvironment()),
          ),
        ),
        injected({ config: CONFIG }).provide(
          CALLBACK_CHECK,
          ({ config: { agent } }) =>
            (url, source) =>
              checkCallbackUrl(url, { source, requireTls: agent.require_tls, ports: agent.callback_ports }),
        ),
        injected({ config: CONFIG, leases: LeaseRepository }).provide(SourceRule, ({ config, leases }) =>
          sourceRule(config, leases),
        ),
        CONDUCTOR_PARTS.provide(COMPOSED_CONDUCTOR, composeConductor),
        injected({ all: COMPOSED_CONDUCTOR }).provide(Conductor, ({ all }) => all.conductor),
        injected({ scheduler: SchedulerRegistry, log: LOGGER }).provide(
          PeriodicRunner,
          ({ scheduler, log }) => new PeriodicRunner(scheduler, log),
        ),
      ],
      exports: [Conductor, COMPOSED_CONDUCTOR, PeriodicRunner, SourceRule],
    };
  }
}
