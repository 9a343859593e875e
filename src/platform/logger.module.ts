import { type DynamicModule, Global, Module } from '@nestjs/common';
import { valueToken } from './injected.js';
import type { Logger } from './logger.js';

/** Injection token of the daemon's logger. */
export const LOGGER = valueToken<Logger>('logger');

@Global()
@Module({})
export class LoggerModule {
  static forRoot(log: Logger): DynamicModule {
    return { module: LoggerModule, providers: [{ provide: LOGGER, useValue: log }], exports: [LOGGER] };
  }
}
