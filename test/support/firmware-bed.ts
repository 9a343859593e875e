import { labFirmware } from '../../lab/bmc/redfish/update.js';
import type { JsonObject } from '../../src/domain/json.js';
import type { NodeChanges } from '../../src/driver/contract/context.js';
import type { StepContext } from '../../src/driver/contract/step.js';
import type { DriverBench } from './driver-context.js';
import { FirmwareShelf } from './firmware-shelf.js';
import { RedfishDriver, redfishBench } from './redfish-driver.js';
import { RedfishRack } from './redfish-rack.js';

/** Times that a test can wait for. */
const QUICK = {
  firmware_source: 'local',
  firmware_update_status_interval: 0.01,
  firmware_update_reboot_delay: 0.5,
  firmware_update_nic_starting_wait: 0,
  firmware_update_bmc_version_check_interval: 0.01,
  firmware_update_validation_interval: 0.01,
  firmware_update_resource_validation_timeout: 10,
  firmware_update_overall_timeout: 30,
};

/** A BMC, the firmware interface in front of it, and images. */
export class FirmwareBed implements AsyncDisposable {
  readonly bench: DriverBench;

  private constructor(
    readonly rack: RedfishRack,
    readonly driver: RedfishDriver,
    readonly shelf: FirmwareShelf,
    fields: object,
  ) {
    this.bench = redfishBench(rack, {}, fields);
  }

  static async up(
    options: Parameters<typeof RedfishRack.up>[0] = {},
    { settings = {}, fields = {} }: { settings?: object; fields?: object } = {},
  ): Promise<FirmwareBed> {
    const rack = await RedfishRack.up({ restartTime: 300, ...options });
    const driver = new RedfishDriver({ ...QUICK, ...settings });
    return new FirmwareBed(rack, driver, await FirmwareShelf.up(), fields);
  }

  /** The step of an update, from its beginning to its end. */
  update(...settings: JsonObject[]) {
    return this.bench.drive(this.driver.interfaces, (context) => this.step(context), {
      step: 'update',
      args: { settings },
    });
  }

  step(context: StepContext) {
    const { steps } = this.driver.firmware(this.shelf.files);
    return steps.find((one) => one.name === 'update' && one.kind === 'service')!.run(context);
  }

  /** Item of the argument, for an image that is on the shelf. */
  item(component: string, version: string, more: JsonObject = {}): JsonObject {
    const named = component.startsWith('nic:') ? 'nic' : component.toLowerCase();
    return {
      component,
      url: this.shelf.put(`${named}-${version}.bin`, labFirmware(named, version)),
      ...more,
    };
  }

  get updates(): string[] {
    return this.rack.bmc.events.flatMap((event) =>
      event.kind === 'update'
        ? [`${event.act} ${event.component}${event.act === 'stored' ? ` by ${event.by}` : ''}`]
        : [],
    );
  }

  row(component: string) {
    return (this.bench.committed as NodeChanges).firmware_components?.find(
      (one) => one.component === component,
    );
  }

  async [Symbol.asyncDispose]() {
    await this.driver[Symbol.asyncDispose]();
    await this.rack[Symbol.asyncDispose]();
    await this.shelf[Symbol.asyncDispose]();
  }
}
