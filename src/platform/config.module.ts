import { type DynamicModule, Global, Module } from '@nestjs/common';
import type { Config } from '../config/schema.js';
import { valueToken } from './injected.js';

/** Injection token of the loaded configuration. Module factories take it and pass rooms their own section. */
export const CONFIG = valueToken<Config>('config');

@Global()
@Module({})
export class ConfigModule {
  static forRoot(config: Config): DynamicModule {
    return { module: ConfigModule, providers: [{ provide: CONFIG, useValue: config }], exports: [CONFIG] };
  }
}
