import type { DeploySettings } from '../config/section/deploy.js';
import type { IpmiSettings } from '../config/section/ipmi.js';
import type { PxeSettings } from '../config/section/pxe.js';
import { AgentClient, type AgentClientSettings } from './agent/client.js';
import { DirectDeploy } from './agent/direct-deploy.js';
import { InstanceImage, type InstanceImageSource } from './agent/instance-image.js';
import { RamdiskLogs } from './agent/ramdisk-logs.js';
import { INTERFACE_KINDS } from './contract/interfaces.js';
import { FakeBoot } from './fake/boot.js';
import { FakeDeploy } from './fake/deploy.js';
import { FakeMachine } from './fake/machine.js';
import { FakeManagement } from './fake/management.js';
import { FakePower } from './fake/power.js';
import { IPMI_PROPERTIES, parseTarget } from './ipmi/arguments.js';
import type { Ipmitool } from './ipmi/ipmitool.js';
import { IpmiManagement } from './ipmi/management.js';
import { IpmiPower } from './ipmi/power.js';
import { NoopManagement } from './noop/management.js';
import { AbsentInterface, InertInterface } from './noop/passive.js';
import { ipxeFlavour, PXE_FLAVOUR } from './pxe/flavour.js';
import { type BootImages, type BootPlans, NetworkBoot } from './pxe/network-boot.js';
import type { ImplementationTable, PassiveKind } from './registry.js';

const ABSENT = ['bios', 'console', 'firmware', 'inspect', 'raid', 'rescue', 'vendor'] as const;
const FAKE_PASSIVE = [...ABSENT, 'storage'] as const satisfies readonly PassiveKind[];

/** `no-<kind>` and `noop`. */
export function noopImplementations(): Partial<ImplementationTable> {
  return {
    ...Object.fromEntries(ABSENT.map((kind) => [kind, [new AbsentInterface(kind)]])),
    management: [new NoopManagement()],
    network: [new InertInterface('noop')],
    storage: [new InertInterface('noop')],
  };
}

/** @param parts.journalDirectory driver.fake_journal_directory */
export function fakeImplementations(parts: {
  deploy: DeploySettings;
  journalDirectory: string | null;
}): Partial<ImplementationTable> {
  const machine = new FakeMachine(parts.journalDirectory);
  return {
    ...Object.fromEntries(FAKE_PASSIVE.map((kind) => [kind, [new InertInterface('fake')]])),
    power: [new FakePower(machine)],
    management: [new FakeManagement(machine)],
    boot: [new FakeBoot(machine)],
    deploy: [new FakeDeploy({ machine, settings: parts.deploy })],
  };
}

/** @param parts.ipmitool started, or to be started before the first use */
export function ipmiImplementations(parts: {
  settings: IpmiSettings;
  deploy: DeploySettings;
  ipmitool: Ipmitool;
}): Partial<ImplementationTable> {
  const { ipmitool, settings, deploy } = parts;
  const management = new IpmiManagement({ ipmitool, settings, defaultBootMode: deploy.default_boot_mode });
  return {
    power: [new IpmiPower({ ipmitool, management })],
    management: [management],
    // Vendor methods (send_raw, bmc_reset) are none; the name is what clients of Ironic expect of an ipmi node.
    vendor: [
      new InertInterface('ipmitool', IPMI_PROPERTIES, ({ node }) => void parseTarget(node.driver_info)),
    ],
  };
}

/** Where the boot servers take their files, and where machines find them. */
export interface BootPlaces {
  httpRoot: string;
  tftpRoot: string;
  /** Base URL of the HTTP boot server as machines see it; asked when it is needed. */
  httpUrl: () => string;
}

export function pxeImplementations(parts: {
  settings: PxeSettings;
  deploy: DeploySettings;
  places: BootPlaces;
  plans: BootPlans;
  images: BootImages;
  /** conductor.deploy_kernel and deploy_ramdisk. */
  defaults: { deploy_kernel: string | null; deploy_ramdisk: string | null };
}): Partial<ImplementationTable> {
  const { settings, places, plans, images, defaults } = parts;
  const common = { settings, plans, images, defaults, defaultBootMode: parts.deploy.default_boot_mode };
  return {
    boot: [
      new NetworkBoot({
        ...common,
        flavour: ipxeFlavour(places.httpUrl, settings.ipxe_timeout * 1000),
        root: places.httpRoot,
      }),
      new NetworkBoot({ ...common, flavour: PXE_FLAVOUR, root: places.tftpRoot }),
    ],
  };
}

export function agentImplementations(parts: {
  deploy: DeploySettings;
  /** agent.require_tls and agent.callback_ports. */
  rules: Pick<AgentClientSettings, 'requireTls' | 'ports'>;
  /** Base URL of the agent listener as machines see it; asked when it is needed. */
  apiUrl: () => string;
  /** conductor.deploy_callback_timeout and clean_callback_timeout, in ms; 0: no limit. */
  patience: { deploy: number; clean: number };
  places: BootPlaces;
  plans: BootPlans;
  images: InstanceImageSource;
  /** deploy.deploy_logs_local_path, made absolute. */
  logDirectory: string;
}): Partial<ImplementationTable> {
  const { deploy: settings, places, plans, images, apiUrl, patience } = parts;
  const client = new AgentClient({
    ...parts.rules,
    timeout: settings.command_timeout * 1000,
    attempts: settings.max_command_attempts,
  });
  const image = new InstanceImage({
    images,
    plans,
    settings,
    httpRoot: places.httpRoot,
    httpUrl: places.httpUrl,
  });
  const logs = new RamdiskLogs({
    client,
    directory: parts.logDirectory,
    maxBytes: settings.deploy_logs_max_bytes,
  });
  return { deploy: [new DirectDeploy({ client, image, logs, settings, apiUrl, patience })] };
}

/** One table of all, for the registry. */
export function mergeImplementations(
  ...tables: readonly Partial<ImplementationTable>[]
): ImplementationTable {
  return Object.fromEntries(
    INTERFACE_KINDS.map((kind) => [kind, tables.flatMap((table) => [...(table[kind] ?? [])])]),
  ) as unknown as ImplementationTable;
}
