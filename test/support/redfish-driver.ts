import { createHash, X509Certificate } from 'node:crypto';
import { type RedfishSettings, redfishSection } from '../../src/config/section/redfish.js';
import { isObject, type Json } from '../../src/domain/json.js';
import type { StepOutcome } from '../../src/domain/step/step.js';
import type { Interfaces } from '../../src/driver/contract/interfaces.js';
import type { StepContext } from '../../src/driver/contract/step.js';
import { RedfishBios } from '../../src/driver/redfish/bios.js';
import { RedfishClient } from '../../src/driver/redfish/client.js';
import { RedfishFirmware } from '../../src/driver/redfish/firmware/firmware.js';
import type { FirmwareFiles } from '../../src/driver/redfish/firmware/image-file.js';
import { RedfishMachines } from '../../src/driver/redfish/machine.js';
import { RedfishManagement } from '../../src/driver/redfish/management.js';
import { RedfishPower } from '../../src/driver/redfish/power.js';
import { RedfishResets } from '../../src/driver/redfish/resets.js';
import { DriverBench } from './driver-context.js';
import { REDFISH_PASSWORD, type RedfishRack } from './redfish-rack.js';

/** The interfaces of hardware type `redfish`, with their client. */
export class RedfishDriver implements AsyncDisposable {
  readonly client: RedfishClient;
  readonly machines: RedfishMachines;
  readonly management: RedfishManagement;
  readonly power: RedfishPower;
  readonly bios: RedfishBios;
  /** What a step's context offers. */
  readonly interfaces: Interfaces;
  readonly settings: RedfishSettings;
  /** Machines that the steps started their ramdisk on again. */
  readonly relaunched: string[] = [];
  private readonly ramdisk = {
    isBooting: (saved: Json) => isObject(saved) && saved['phase'] === 'booting',
    relaunch: async (context: StepContext): Promise<StepOutcome> => {
      await context.interfaces.power.setPowerState(context, 'power off', 10_000);
      const booting = { phase: 'booting', boots: 1 };
      await context.checkpoint(booting);
      await context.interfaces.power.setPowerState(context, 'power on', 10_000);
      this.relaunched.push(context.node.uuid);
      return { is: 'wait', for: 'heartbeat', checkpoint: booting };
    },
    arrival: async () => undefined,
  };

  constructor(settings: object = {}) {
    this.settings = redfishSection.parse({
      connect_timeout: 2,
      read_timeout: 5,
      connection_attempts: 3,
      connection_retry_interval: 0.1,
      power_on_conflict_retry_interval: 0.5,
      boot_mode_config_timeout: 10,
      bios_config_timeout: 3,
      ...settings,
    });
    this.client = new RedfishClient(this.settings);
    this.machines = new RedfishMachines(this.client);
    const resets = new RedfishResets(this.settings);
    this.management = new RedfishManagement({ machines: this.machines, resets, settings: this.settings });
    this.power = new RedfishPower({ machines: this.machines, management: this.management, resets });
    const { machines, settings: section } = this;
    this.bios = new RedfishBios({ machines, settings: section, ramdisk: this.ramdisk, interval: 20 });
    this.interfaces = { power: this.power, management: this.management } as unknown as Interfaces;
  }

  /** Firmware interface with these files; looks follow each other at once. */
  firmware(files: FirmwareFiles, evidence = 50): RedfishFirmware {
    const { machines, settings, ramdisk } = this;
    return new RedfishFirmware({ machines, settings, files, ramdisk, times: { look: 10, evidence } });
  }

  async [Symbol.asyncDispose]() {
    await this.client.stop();
  }
}

export function fingerprintOf(pem: string): string {
  return createHash('sha256').update(new X509Certificate(pem).raw).digest('hex');
}

/** A node whose BMC is the rack's, with its certificate pinned. */
export function redfishBench(rack: RedfishRack, info: object = {}, fields: object = {}): DriverBench {
  return new DriverBench({
    driver: 'redfish',
    driver_info: {
      redfish_address: rack.bmc.url,
      redfish_username: 'admin',
      redfish_password: REDFISH_PASSWORD,
      redfish_pin_certificate: fingerprintOf(rack.bmc.certificate),
      redfish_system_id: rack.bmc.systemPath,
      ...info,
    },
    ...fields,
  });
}
