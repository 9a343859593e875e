import { join } from 'node:path';
import { agentApiUrl, bootHttpUrl, conductorHost, httpRoot, tftpRoot } from '../config/endpoints.js';
import type { Config } from '../config/schema.js';
import { addressGuardSettings, imageAuthorities } from '../image/settings.js';
import { authoritiesIn } from '../platform/authorities.js';
import { resolveHost } from '../platform/host-resolver.js';
import { ownEndpoints } from '../platform/own-listeners.js';
import { AgentInspect } from './agent/agent-inspect.js';
import { AgentRaid } from './agent/agent-raid.js';
import { AgentRescue } from './agent/agent-rescue.js';
import { AgentWork } from './agent/agent-work.js';
import { AgentClient } from './agent/client.js';
import { CustomAgentDeploy } from './agent/custom-agent-deploy.js';
import { DirectDeploy } from './agent/direct-deploy.js';
import { InstanceImage, type InstanceImageSource } from './agent/instance-image.js';
import { Ramdisk } from './agent/ramdisk.js';
import { RamdiskDeploy } from './agent/ramdisk-deploy.js';
import { RamdiskLogs } from './agent/ramdisk-logs.js';
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
import type { BmcLink } from './ipmi/link.js';
import { ipxeFlavour, PXE_FLAVOUR, pxeByHttp } from './pxe/flavour.js';
import { type BootImages, type BootPlans, NetworkBoot, type PublishedFiles } from './pxe/network-boot.js';
import { RedfishBootDrives } from './redfish/boot-drives.js';
import { BootMedia } from './redfish/boot-media.js';
import { DiscBoot, type DiscBootParts } from './redfish/disc-boot.js';
import { FirmwareFiles, type FirmwarePublisher, type FirmwareStore } from './redfish/firmware/image-file.js';
import { RedfishHttpDelivery } from './redfish/http-delivery.js';
import { BootLoaderFiles } from './redfish/loader-files.js';
import type { RedfishMachines } from './redfish/machine.js';
import { DriverRegistry } from './registry.js';

/** What the interfaces that work with an agent take from the rest of the daemon. */
export interface AgentParts {
  readonly config: Config;
  readonly images: InstanceImageSource;
  readonly published: PublishedFiles;
}

/** What the boot interfaces take from the rest of the daemon. */
export interface BootParts {
  readonly config: Config;
  readonly images: BootImages;
  readonly plans: BootPlans;
  readonly published: DiscBootParts['published'];
  readonly redfish: RedfishMachines;
}

/** What all implementations together take from the rest of the daemon. */
export interface DriverParts extends AgentParts, BootParts {
  readonly images: InstanceImageSource & BootImages & FirmwareStore;
  readonly published: DiscBootParts['published'] & FirmwarePublisher;
  readonly link: BmcLink;
}

/** All hardware types and implementations, as far as `config.driver` enables them. @throws InvalidError */
export function driverRegistry(parts: DriverParts): DriverRegistry {
  const { config, link, redfish } = parts;
  return new DriverRegistry({
    hardwareTypes: [IPMI, REDFISH, MANUAL_MANAGEMENT, FAKE_HARDWARE],
    implementations: mergeImplementations(
      noopImplementations(),
      ipmiImplementations({ settings: config.ipmi, deploy: config.deploy, link }),
      redfishImplementations({
        settings: config.redfish,
        inspector: config.inspector,
        machines: redfish,
        files: firmwareFiles(parts),
        ramdisk: ramdiskOf(config, agentClient(config)),
      }),
      bootImplementations(parts),
      agentImplementations(parts),
      fakeImplementations({
        deploy: config.deploy,
        journalDirectory: config.driver.fake_journal_directory,
        delays: config.fake,
      }),
    ),
    settings: config.driver,
  });
}

/** The boot interfaces that a real machine can have. @throws InvalidError for an unusable `agent.api_ca_file` */
export function bootImplementations(parts: BootParts) {
  const { config, redfish } = parts;
  const common = commonOfBoots(parts);
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
    unreadTimeout: config.boot_media.unread_timeout * 1000,
  };
  const drives = new RedfishBootDrives(redfish, addressesOf);
  const byUrl = new RedfishHttpDelivery(redfish);
  return {
    boot: [
      new NetworkBoot({ ...byIpxe, name: 'ipxe' }),
      new NetworkBoot({ ...byPxe, name: 'pxe' }),
      new NetworkBoot({ ...byIpxe, name: 'http-ipxe' }),
      new NetworkBoot({ ...byPxe, name: 'http' }),
      new DiscBoot({ ...byDisc, name: 'redfish-virtual-media', delivery: drives }),
      new DiscBoot({ ...byDisc, name: 'redfish-https', delivery: byUrl }),
    ] as const,
  };
}

function commonOfBoots({ config, images, plans, published }: BootParts) {
  const { deploy_kernel, deploy_ramdisk, rescue_kernel, rescue_ramdisk } = config.conductor;
  return {
    plans,
    published,
    host: conductorHost(config),
    images,
    settings: config.pxe,
    defaultBootMode: config.deploy.default_boot_mode,
    defaults: { deploy_kernel, deploy_ramdisk, rescue_kernel, rescue_ramdisk },
  };
}

/** The interfaces that work with an agent. @throws InvalidError for an unusable `image.ca_file` */
export function agentImplementations(parts: AgentParts) {
  const { config } = parts;
  const { deploy, conductor } = config;
  const client = agentClient(config);
  const logs = new RamdiskLogs({
    client,
    directory: deploy.deploy_logs_local_path ?? join(config.data_dir, 'ramdisk-logs'),
    maxBytes: deploy.deploy_logs_max_bytes,
  });
  const ramdisk = ramdiskOf(config, client);
  const apiUrl = () => agentApiUrl(config);
  const work = new AgentWork({
    client,
    image: instanceImage(parts),
    logs,
    settings: deploy,
    apiUrl,
    inactivityTimeout: {
      deploy: conductor.deploy_callback_timeout * 1000,
      clean: conductor.clean_callback_timeout * 1000,
      service: conductor.service_callback_timeout * 1000,
    },
  });
  const inspect = new AgentInspect({
    ramdisk,
    logs,
    settings: config.inspector,
    collectLogs: deploy.deploy_logs_collect,
    apiUrl,
    resolve: addressesOf,
  });
  const rescue = new AgentRescue({
    ramdisk,
    client,
    hashAlgorithm: conductor.rescue_password_hash_algorithm,
    interval: deploy.command_wait_interval * 1000,
    apiUrl,
  });
  return {
    inspect: [inspect],
    rescue: [rescue],
    deploy: [new DirectDeploy(work), new RamdiskDeploy(work), new CustomAgentDeploy(work)],
    raid: [new AgentRaid()],
  } as const;
}

function instanceImage({ config, images, published }: AgentParts): InstanceImage {
  const authorities = imageAuthorities(config.image);
  return new InstanceImage({
    images,
    published,
    host: conductorHost(config),
    settings: config.deploy,
    httpRoot: httpRoot(config),
    httpUrl: () => bootHttpUrl(config),
    addresses: () => ({ ...addressGuardSettings(config.image), ownEndpoints: ownEndpoints() }),
    ...(authorities === undefined ? {} : { authorities }),
  });
}

function firmwareFiles({ config, images, published, redfish }: DriverParts): FirmwareFiles {
  const drives = new RedfishBootDrives(redfish, addressesOf);
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

function ramdiskOf({ deploy }: Config, client: AgentClient): Ramdisk {
  return new Ramdisk(client, deploy.ramdisk_boot_retries);
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
