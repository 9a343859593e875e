import { Module } from '@nestjs/common';
import { CONFIG } from '../config/config.module.js';
import type { Config } from '../config/schema.js';
import { FAKE_HARDWARE } from './hardware-type/fake-hardware.js';
import { IPMI } from './hardware-type/ipmi.js';
import { fakeImplementations, mergeImplementations, noopImplementations } from './implementations.js';
import { DriverRegistry } from './registry.js';

/** Hardware types and their interfaces, as the configuration enables them. */
@Module({
  providers: [
    {
      provide: DriverRegistry,
      inject: [CONFIG],
      useFactory: (config: Config) =>
        new DriverRegistry({
          hardwareTypes: [IPMI, FAKE_HARDWARE],
          implementations: mergeImplementations(
            noopImplementations(),
            fakeImplementations({
              deploy: config.deploy,
              journalDirectory: config.driver.fake_journal_directory,
            }),
          ),
          settings: config.driver,
        }),
    },
  ],
  exports: [DriverRegistry],
})
export class DriverModule {}
