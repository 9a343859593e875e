import { join } from 'node:path';
import { Module } from '@nestjs/common';
import type { Config } from '../config/schema.js';
import { ImageModule } from '../image/image.module.js';
import { ImageService } from '../image/image-service.js';
import { BootPlanRepository } from '../persistence/boot-plan/boot-plan.repository.js';
import { PublishedFileRepository } from '../persistence/published-file/published-file.repository.js';
import { CommandProcess } from '../platform/command-process.js';
import { CONFIG } from '../platform/config.module.js';
import { injected } from '../platform/injected.js';
import type { Logger } from '../platform/logger.js';
import { LOGGER } from '../platform/logger.module.js';
import { BmcQueue, configuredQueue } from './bmc/queue.js';
import { meterDepth, meterTurn } from './bmc/queue-meter.js';
import { driverRegistry } from './composition.js';
import { BmcCalls } from './ipmi/bmc-calls.js';
import { Ipmitool } from './ipmi/ipmitool.js';
import { IpmitoolLink } from './ipmi/ipmitool-link.js';
import { LinkChoice } from './ipmi/link-choice.js';
import { meterTraffic } from './ipmi/link-meter.js';
import { NativeLink } from './ipmi/native/native-link.js';
import { BmcSockets } from './ipmi/native/sockets.js';
import { Shadow } from './ipmi/shadow.js';
import { RedfishClient } from './redfish/client.js';
import { RedfishMachines } from './redfish/machine.js';
import { DriverRegistry } from './registry.js';

const PARTS = injected({
  config: CONFIG,
  images: ImageService,
  plans: BootPlanRepository,
  published: PublishedFileRepository,
  link: LinkChoice,
  redfish: RedfishMachines,
});

/** Hardware types and their interfaces, as the configuration enables them. */
@Module({
  imports: [ImageModule],
  providers: [
    CommandProcess,
    injected({ config: CONFIG }).provide(BmcQueue, ({ config }) => {
      const queue = configuredQueue(config.ipmi, meterTurn);
      meterDepth(queue);
      return queue;
    }),
    injected({ config: CONFIG, commands: CommandProcess, queue: BmcQueue, log: LOGGER }).provide(
      LinkChoice,
      ({ config, commands, queue, log }) => ipmiLink(config, commands, queue, log),
    ),
    injected({ config: CONFIG }).provide(
      RedfishMachines,
      ({ config }) => new RedfishMachines(new RedfishClient(config.redfish)),
    ),
    PARTS.provide(DriverRegistry, driverRegistry),
  ],
  exports: [DriverRegistry, CommandProcess],
})
export class DriverModule {}

function ipmiLink(config: Config, commands: CommandProcess, queue: BmcQueue, log: Logger): LinkChoice {
  const settings = config.ipmi;
  const calls = new BmcCalls(settings, queue);
  const sockets = new BmcSockets({ packetsPerSecond: settings.max_packets_per_second, log });
  const ipmitool = new Ipmitool({
    settings,
    calls,
    runtimeDirectory: join(config.data_dir, 'run'),
    run: (command) => commands.run(command),
  });
  const link = new LinkChoice({
    settings,
    native: new NativeLink({ settings, calls, sockets }),
    ipmitool: new IpmitoolLink(ipmitool),
    ...(settings.shadow_share > 0 ? { shadow: new Shadow(settings.shadow_share) } : {}),
  });
  meterTraffic(sockets.traffic, link);
  return link;
}
