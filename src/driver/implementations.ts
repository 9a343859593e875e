import type { DeploySettings } from '../config/section/deploy.js';
import type { FakeSettings } from '../config/section/fake.js';
import type { InspectorSettings } from '../config/section/inspector.js';
import type { IpmiSettings } from '../config/section/ipmi.js';
import type { RedfishSettings } from '../config/section/redfish.js';
import type { Ramdisk } from './agent/ramdisk.js';
import { INTERFACE_KINDS } from './contract/interfaces.js';
import { FakeBoot } from './fake/boot.js';
import { FakeConsole } from './fake/console.js';
import { FakeDeploy, OFFERED } from './fake/deploy.js';
import { FakeInspect } from './fake/inspect.js';
import { FakeMachine } from './fake/machine.js';
import { FakeManagement } from './fake/management.js';
import { FakePower } from './fake/power.js';
import { FakeRescue } from './fake/rescue.js';
import { FakeBios, FakeFirmware, FakeRaid } from './fake/settings.js';
import { FakeVendor } from './fake/vendor.js';
import type { BmcLink } from './ipmi/link.js';
import { IpmiManagement } from './ipmi/management.js';
import { IpmiPower } from './ipmi/power.js';
import { IpmiVendor } from './ipmi/vendor.js';
import { NoopManagement } from './noop/management.js';
import { NoopNetwork } from './noop/network.js';
import { AbsentInterface, InertInterface } from './noop/passive.js';
import { RedfishBios } from './redfish/bios.js';
import { RedfishFirmware } from './redfish/firmware/firmware.js';
import type { FirmwareFiles } from './redfish/firmware/image-file.js';
import { RedfishInspect } from './redfish/inspect.js';
import type { RedfishMachines } from './redfish/machine.js';
import { RedfishManagement } from './redfish/management.js';
import { RedfishPower } from './redfish/power.js';
import { RedfishResets } from './redfish/resets.js';
import type { ImplementationTable } from './registry.js';

const ABSENT = ['bios', 'console', 'firmware', 'inspect', 'raid', 'rescue', 'vendor'] as const;

/** `no-<kind>` and `noop`. */
export function noopImplementations(): Partial<ImplementationTable> {
  return {
    ...Object.fromEntries(ABSENT.map((kind) => [kind, [new AbsentInterface(kind)]])),
    management: [new NoopManagement()],
    network: [new NoopNetwork()],
    storage: [new InertInterface('noop')],
  };
}

/** @param parts.journalDirectory driver.fake_journal_directory; `delays`: the section `fake` */
export function fakeImplementations(parts: {
  deploy: DeploySettings;
  journalDirectory: string | null;
  delays: FakeSettings;
}): Partial<ImplementationTable> {
  const machine = new FakeMachine(parts.journalDirectory, parts.delays);
  const table: Partial<ImplementationTable> = {
    power: [new FakePower(machine)],
    management: [new FakeManagement(machine)],
    boot: [new FakeBoot(machine)],
    deploy: [new FakeDeploy({ machine, settings: parts.deploy })],
    inspect: [new FakeInspect(machine)],
    bios: [new FakeBios(machine)],
    console: [new FakeConsole(machine)],
    firmware: [new FakeFirmware(machine)],
    raid: [new FakeRaid(machine)],
    storage: [new InertInterface('fake')],
    rescue: [new FakeRescue(machine)],
    vendor: [new FakeVendor(machine)],
  };
  machine.knows(OFFERED.map(({ step }) => step));
  for (const one of Object.values(table).flat()) {
    if ('steps' in one && one.steps) machine.knows(one.steps.map(({ name }) => name));
    if ('methods' in one) machine.knows(Object.keys(one.methods));
  }
  return table;
}

/** @param parts.link started, or to be started before the first use */
export function ipmiImplementations(parts: {
  settings: IpmiSettings;
  deploy: DeploySettings;
  link: BmcLink;
}): Partial<ImplementationTable> {
  const { link, settings, deploy } = parts;
  const management = new IpmiManagement({ link, settings, defaultBootMode: deploy.default_boot_mode });
  return {
    power: [new IpmiPower({ link, management })],
    management: [management],
    vendor: [new IpmiVendor(link)],
  };
}

/** @param parts.machines their client is stopped with the daemon */
export function redfishImplementations(parts: {
  settings: RedfishSettings;
  inspector: InspectorSettings;
  machines: RedfishMachines;
  files: FirmwareFiles;
  /** Starts a running ramdisk again when a step reboots its machine. */
  ramdisk: Ramdisk;
}): Partial<ImplementationTable> {
  const { settings, inspector, machines, files, ramdisk } = parts;
  const resets = new RedfishResets(settings);
  const management = new RedfishManagement({ machines, resets, settings });
  return {
    bios: [new RedfishBios({ machines, settings, ramdisk })],
    firmware: [new RedfishFirmware({ machines, settings, files, ramdisk })],
    inspect: [new RedfishInspect({ machines, settings, inspector })],
    power: [new RedfishPower({ machines, management, resets })],
    management: [management],
  };
}

/** Merges all tables into one for the registry. */
export function mergeImplementations(
  ...tables: readonly Partial<ImplementationTable>[]
): ImplementationTable {
  return Object.fromEntries(
    INTERFACE_KINDS.map((kind) => [kind, tables.flatMap((table) => [...(table[kind] ?? [])])]),
  ) as unknown as ImplementationTable;
}
