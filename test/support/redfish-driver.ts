import { createHash, X509Certificate } from 'node:crypto';
import { type RedfishSettings, redfishSection } from '../../src/config/section/redfish.js';
import { RedfishClient } from '../../src/driver/redfish/client.js';
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
  readonly settings: RedfishSettings;

  constructor(settings: object = {}) {
    this.settings = redfishSection.parse({
      connect_timeout: 2,
      read_timeout: 5,
      connection_attempts: 3,
      connection_retry_interval: 0.1,
      power_on_conflict_retry_interval: 0.5,
      boot_mode_config_timeout: 10,
      ...settings,
    });
    this.client = new RedfishClient(this.settings);
    this.machines = new RedfishMachines(this.client);
    const resets = new RedfishResets(this.settings);
    this.management = new RedfishManagement({ machines: this.machines, resets, settings: this.settings });
    this.power = new RedfishPower({ machines: this.machines, management: this.management, resets });
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
