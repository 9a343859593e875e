import { join } from 'node:path';
import { Module } from '@nestjs/common';
import { BootPlanModule } from '../boot-plan/boot-plan.module.js';
import { BootPlanRepository } from '../boot-plan/boot-plan.repository.js';
import { CONFIG } from '../config/config.module.js';
import { bootHttpUrl, httpRoot, tftpRoot } from '../config/endpoints.js';
import type { Config } from '../config/schema.js';
import { ImageModule } from '../image/image.module.js';
import { ImageService } from '../image/image-service.js';
import { FAKE_HARDWARE } from './hardware-type/fake-hardware.js';
import { IPMI } from './hardware-type/ipmi.js';
import {
  fakeImplementations,
  ipmiImplementations,
  mergeImplementations,
  noopImplementations,
} from './implementations.js';
import { Ipmitool } from './ipmi/ipmitool.js';
import { ipxeFlavour, PXE_FLAVOUR } from './pxe/flavour.js';
import { NetworkBoot } from './pxe/network-boot.js';
import { DriverRegistry, type ImplementationTable } from './registry.js';

/** Hardware types and their interfaces, as the configuration enables them. */
@Module({
  imports: [ImageModule, BootPlanModule],
  providers: [
    {
      provide: Ipmitool,
      inject: [CONFIG],
      useFactory: (config: Config) =>
        new Ipmitool({ settings: config.ipmi, runtimeDirectory: join(config.data_dir, 'run') }),
    },
    {
      provide: DriverRegistry,
      inject: [CONFIG, ImageService, BootPlanRepository, Ipmitool],
      useFactory: (config: Config, images: ImageService, plans: BootPlanRepository, ipmitool: Ipmitool) =>
        new DriverRegistry({
          hardwareTypes: [IPMI, FAKE_HARDWARE],
          implementations: mergeImplementations(
            noopImplementations(),
            ipmiImplementations({ settings: config.ipmi, deploy: config.deploy, ipmitool }),
            bootImplementations(config, images, plans),
            fakeImplementations({
              deploy: config.deploy,
              journalDirectory: config.driver.fake_journal_directory,
            }),
          ),
          settings: config.driver,
        }),
    },
  ],
  exports: [DriverRegistry, Ipmitool],
})
export class DriverModule {}

function bootImplementations(
  config: Config,
  images: ImageService,
  plans: BootPlanRepository,
): Partial<ImplementationTable> {
  const common = {
    plans,
    images,
    settings: config.pxe,
    defaultBootMode: config.deploy.default_boot_mode,
    defaults: {
      deploy_kernel: config.conductor.deploy_kernel,
      deploy_ramdisk: config.conductor.deploy_ramdisk,
    },
  };
  const ipxe = ipxeFlavour(() => bootHttpUrl(config), config.pxe.ipxe_timeout * 1000);
  return {
    boot: [
      new NetworkBoot({ ...common, flavour: ipxe, root: httpRoot(config) }),
      new NetworkBoot({ ...common, flavour: PXE_FLAVOUR, root: tftpRoot(config) }),
    ],
  };
}
