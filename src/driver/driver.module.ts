import { join } from 'node:path';
import { Module } from '@nestjs/common';
import { agentApiUrl, bootHttpUrl, conductorHost, httpRoot, tftpRoot } from '../config/endpoints.js';
import type { Config } from '../config/schema.js';
import { ImageModule } from '../image/image.module.js';
import { ImageService } from '../image/image-service.js';
import { addressGuardSettings, imageAuthorities } from '../image/settings.js';
import { BootPlanRepository } from '../persistence/boot-plan/boot-plan.repository.js';
import { PublishedFileRepository } from '../persistence/published-file/published-file.repository.js';
import { authoritiesIn } from '../platform/authorities.js';
import { CommandProcess } from '../platform/command-process.js';
import { CONFIG } from '../platform/config.module.js';
import { resolveHost } from '../platform/host-resolver.js';
import { injected } from '../platform/injected.js';
import type { Logger } from '../platform/logger.js';
import { LOGGER } from '../platform/logger.module.js';
import { ownEndpoints } from '../platform/own-listeners.js';
import { AgentInspect } from './agent/agent-inspect.js';
import { AgentRaid } from './agent/agent-raid.js';
import { AgentRescue } from './agent/agent-rescue.js';
import { AgentWork } from './agent/agent-work.js';
import { AgentClient } from './agent/client.js';
import { CustomAgentDeploy } from './agent/custom-agent-deploy.js';
import { DirectDeploy } from './agent/direct-deploy.js';
import { InstanceImage } from './agent/instance-image.js';
import { Ramdisk } from './agent/ramdisk.js';
import { RamdiskDeploy } from './agent/ramdisk-deploy.js';
import { RamdiskLogs } from './agent/ramdisk-logs.js';
import { BmcQueue, configuredQueue } from './bmc/queue.js';
import { meterDepth, meterTurn } from './bmc/queue-meter.js';
import { FAKE_HARDWARE } from './hardware-type/fake-hardware.js';
import { IPMI } from './hardware-type/ipmi.js';
import { MANUAL_MANAGEMENT } from './hardware-type/manual-management.js';
import { REDFISH } from './hardware-type/redfish.js';
import {
  fakeImplementations,
  ipmiImplementations,
  mergeImplementations,
  noopImplementations,
  redfishImplementations,
} from './implementations.js';
import { BmcCalls } from './ipmi/bmc-calls.js';
import { Ipmitool } from './ipmi/ipmitool.js';
import { IpmitoolLink } from './ipmi/ipmitool-link.js';
import { LinkChoice } from './ipmi/link-choice.js';
import { meterTraffic } from './ipmi/link-meter.js';
import { NativeLink } from './ipmi/native/native-link.js';
import { BmcSockets } from './ipmi/native/sockets.js';
import { Shadow } from './ipmi/shadow.js';
import { ipxeFlavour, PXE_FLAVOUR, pxeByHttp } from './pxe/flavour.js';
import { NetworkBoot } from './pxe/network-boot.js';
import { RedfishBootDrives } from './redfish/boot-drives.js';
import { BootMedia } from './redfish/boot-media.js';
import { RedfishClient } from './redfish/client.js';
import { DiscBoot } from './redfish/disc-boot.js';
import { FirmwareFiles } from './redfish/firmware/image-file.js';
import { RedfishHttpDelivery } from './redfish/http-delivery.js';
import { BootLoaderFiles } from './redfish/loader-files.js';
import { RedfishMachines } from './redfish/machine.js';
import { DriverRegistry, type ImplementationTable } from './registry.js';

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
    PARTS.provide(
      DriverRegistry,
      ({ config, images, plans, published, link, redfish }) =>
        new DriverRegistry({
          hardwareTypes: [IPMI, REDFISH, MANUAL_MANAGEMENT, FAKE_HARDWARE],
          implementations: mergeImplementations(
            noopImplementations(),
            ipmiImplementations({ settings: config.ipmi, deploy: config.deploy, link }),
            redfishImplementations({
              settings: config.redfish,
              inspector: config.inspector,
              machines: redfish,
              files: firmwareFiles(config, images, published, new RedfishBootDrives(redfish, addressesOf)),
              ramdisk: ramdiskOf(config),
            }),
            bootImplementations(config, images, plans, published, redfish),
            deployImplementations(config, images, published),
            fakeImplementations({
              deploy: config.deploy,
              journalDirectory: config.driver.fake_journal_directory,
              delays: config.fake,
            }),
          ),
          settings: config.driver,
        }),
    ),
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

function bootImplementations(
  config: Config,
  images: ImageService,
  plans: BootPlanRepository,
  published: PublishedFileRepository,
  redfish: RedfishMachines,
): Partial<ImplementationTable> {
  const common = {
    plans,
    published,
    host: conductorHost(config),
    images,
    settings: config.pxe,
    defaultBootMode: config.deploy.default_boot_mode,
    defaults: {
      deploy_kernel: config.conductor.deploy_kernel,
      deploy_ramdisk: config.conductor.deploy_ramdisk,
      rescue_kernel: config.conductor.rescue_kernel,
      rescue_ramdisk: config.conductor.rescue_ramdisk,
    },
  };
  const ipxe = ipxeFlavour(() => bootHttpUrl(config), config.pxe.ipxe_timeout * 1000);
  const byIpxe = { ...common, flavour: ipxe, root: httpRoot(config) };
  const byPxe = { ...common, flavour: PXE_FLAVOUR, alsoUefi: pxeByHttp(ipxe), root: tftpRoot(config) };
  const byDisc = {
    ...common,
    media: new BootMedia(new BootLoaderFiles(config.boot_media, httpRoot(config))),
    root: httpRoot(config),
    url: () => bootHttpUrl(config),
    appended: config.pxe.kernel_append_params,
    apiAuthorities: apiAuthorities(config),
    patience: config.boot_media.unread_timeout * 1000,
  };
  return {
    boot: [
      new NetworkBoot({ ...byIpxe, name: 'ipxe' }),
      new NetworkBoot({ ...byPxe, name: 'pxe' }),
      new NetworkBoot({ ...byIpxe, name: 'http-ipxe' }),
      new NetworkBoot({ ...byPxe, name: 'http' }),
      new DiscBoot({
        ...byDisc,
        name: 'redfish-virtual-media',
        delivery: new RedfishBootDrives(redfish, addressesOf),
      }),
      new DiscBoot({ ...byDisc, name: 'redfish-https', delivery: new RedfishHttpDelivery(redfish) }),
    ],
  };
}

function firmwareFiles(
  config: Config,
  images: ImageService,
  published: PublishedFileRepository,
  drives: RedfishBootDrives,
): FirmwareFiles {
  return new FirmwareFiles({
    images,
    published,
    host: conductorHost(config),
    root: httpRoot(config),
    url: () => bootHttpUrl(config),
    addresses: (context) => drives.addresses(context),
  });
}

/** @throws InvalidError */
function apiAuthorities({ agent }: Config): string | undefined {
  return agent.api_ca_file === null ? undefined : authoritiesIn(agent.api_ca_file, 'agent.api_ca_file');
}

/** It holds no state: each holder may have its own. */
function agentClient({ deploy, agent }: Config): AgentClient {
  return new AgentClient({
    timeout: deploy.command_timeout * 1000,
    attempts: deploy.max_command_attempts,
    requireTls: agent.require_tls,
    ports: agent.callback_ports,
  });
}

function ramdiskOf(config: Config): Ramdisk {
  return new Ramdisk(agentClient(config), config.deploy.ramdisk_boot_retries);
}

function deployImplementations(
  config: Config,
  images: ImageService,
  published: PublishedFileRepository,
): Partial<ImplementationTable> {
  const { deploy, conductor } = config;
  const client = agentClient(config);
  const logs = new RamdiskLogs({
    client,
    directory: deploy.deploy_logs_local_path ?? join(config.data_dir, 'ramdisk-logs'),
    maxBytes: deploy.deploy_logs_max_bytes,
  });
  const ramdisk = ramdiskOf(config);
  const apiUrl = () => agentApiUrl(config);
  const authorities = imageAuthorities(config.image);
  const work = new AgentWork({
    client,
    image: new InstanceImage({
      images,
      published,
      host: conductorHost(config),
      settings: deploy,
      httpRoot: httpRoot(config),
      httpUrl: () => bootHttpUrl(config),
      addresses: () => ({ ...addressGuardSettings(config.image), ownEndpoints: ownEndpoints() }),
      ...(authorities === undefined ? {} : { authorities }),
    }),
    logs,
    settings: deploy,
    apiUrl,
    inactivityTimeout: {
      deploy: conductor.deploy_callback_timeout * 1000,
      clean: conductor.clean_callback_timeout * 1000,
      service: conductor.service_callback_timeout * 1000,
    },
  });
  return {
    inspect: [
      new AgentInspect({
        ramdisk,
        logs,
        settings: config.inspector,
        collectLogs: deploy.deploy_logs_collect,
        apiUrl,
        resolve: addressesOf,
      }),
    ],
    rescue: [
      new AgentRescue({
        ramdisk,
        client,
        hashAlgorithm: conductor.rescue_password_hash_algorithm,
        interval: deploy.command_wait_interval * 1000,
        apiUrl,
      }),
    ],
    deploy: [new DirectDeploy(work), new RamdiskDeploy(work), new CustomAgentDeploy(work)],
    raid: [new AgentRaid()],
  };
}

/** ms to resolve a BMC's name. */
const NAME_TIMEOUT = 5_000;

/** Empty for an unknown name or a silent DNS: then only the name itself identifies the BMC. */
async function addressesOf(name: string, signal: AbortSignal): Promise<string[]> {
  try {
    return (await resolveHost(name, { timeout: NAME_TIMEOUT }, signal)).map(({ address }) => address);
  } catch {
    signal.throwIfAborted();
    return [];
  }
}
