import type { RedfishSettings } from '../../config/section/redfish.js';
import { InvalidError, UnsupportedError } from '../../domain/errors.js';
import type { Json } from '../../domain/json.js';
import type { BootDevice } from '../../domain/node/boot-device.js';
import { actionOf } from '../../protocol/redfish/action.js';
import { OVERRIDE_DEVICES } from '../../protocol/redfish/boot-override.js';
import { linkOf } from '../../protocol/redfish/resource.js';
import type { SensorReadings } from '../../protocol/redfish/sensors.js';
import type { DriverContext, ReadContext } from '../contract/context.js';
import type { Startable } from '../contract/implementation.js';
import { changedInternal } from '../contract/internal-info.js';
import type { FirmwareBoot, Indicators, ManagementInterface, VirtualMedia } from '../contract/management.js';
import type { StepContext, StepDeclaration } from '../contract/step.js';
import { RedfishBootDevice } from './boot-device.js';
import { setClock, verifyClock } from './clock.js';
import { RedfishFirmwareBoot } from './firmware-boot.js';
import { RedfishIndicators } from './indicators.js';
import type { RedfishMachines } from './machine.js';
import { RedfishMedia } from './media.js';
import type { RedfishResets } from './resets.js';
import { readSensors } from './sensor-reading.js';
import { parseTarget, REDFISH_PROPERTIES } from './target.js';
import { awaitTask } from './tasks.js';

export interface RedfishManagementParts {
  machines: RedfishMachines;
  resets: RedfishResets;
  settings: RedfishSettings;
}

const step: Omit<StepDeclaration, 'name' | 'kind' | 'run'> = {
  interface: 'management',
  priority: 0,
  abortable: false,
  rerunnable: true,
  visible: true,
  requiresRamdisk: false,
};

/** Boot device, boot mode, Secure Boot, indicators, media, sensors and clock (Ironic: redfish/management.py). */
export class RedfishManagement implements ManagementInterface {
  readonly name = 'redfish';
  readonly needs: Startable;
  readonly properties = REDFISH_PROPERTIES;
  readonly firmwareBoot: FirmwareBoot;
  readonly indicators: Indicators;
  readonly media: VirtualMedia;
  readonly steps: readonly StepDeclaration[];
  private readonly bootDevice: RedfishBootDevice;

  constructor(private readonly parts: RedfishManagementParts) {
    const { machines } = parts;
    this.needs = machines.client;
    this.bootDevice = new RedfishBootDevice(machines);
    this.firmwareBoot = new RedfishFirmwareBoot({ ...parts, bootDevice: this.bootDevice });
    this.indicators = new RedfishIndicators(machines);
    this.media = mediaOf(machines);
    this.steps = [
      // Precedes the first request to the BMC, which is Ironic's verify step `verify_power_credentials`.
      {
        ...step,
        name: 'pin_certificate',
        kind: 'verify',
        priority: 200,
        visible: false,
        run: (context) => this.pin(context),
      },
      {
        ...step,
        name: 'detect_vendor',
        kind: 'verify',
        priority: 90,
        visible: false,
        run: (context) => this.recordVendor(context),
      },
      {
        ...step,
        name: 'verify_bmc_clock',
        visible: false,
        kind: 'verify',
        priority: 1,
        run: (context) => this.verifyClock(context),
      },
      {
        ...step,
        name: 'set_bmc_clock',
        kind: 'clean',
        args: {
          target_datetime: { description: 'Time to set, as ISO 8601; the present by default' },
          datetime_local_offset: { description: 'The clock’s offset to UTC, such as +02:00' },
        },
        run: (context) => this.setClock(context),
      },
      ...secureBootSteps(machines),
    ];
  }

  async validate(context: ReadContext): Promise<void> {
    parseTarget(context.node.driver_info, context.node.driver_internal_info);
  }

  notice(context: ReadContext): string | undefined {
    const target = parseTarget(context.node.driver_info, context.node.driver_internal_info);
    if (target.origin.startsWith('http:')) {
      return 'redfish_address is http: the password goes over the network in clear';
    }
    return target.trust.by === 'nothing'
      ? 'redfish_verify_ca is false: whoever stands between learns the password'
      : undefined;
  }

  supportedBootDevices(): readonly BootDevice[] {
    return OVERRIDE_DEVICES;
  }

  getBootDevice(context: ReadContext) {
    return this.bootDevice.get(context);
  }

  setBootDevice(
    context: DriverContext,
    device: BootDevice,
    persistent: boolean,
    uri?: string,
  ): Promise<void> {
    return this.bootDevice.set(context, device, persistent, uri);
  }

  /** Called right before a start. */
  renewBootDevice(context: DriverContext): Promise<void> {
    return this.bootDevice.renew(context);
  }

  injectNmi(context: DriverContext): Promise<void> {
    return this.parts.resets.once(this.parts.machines.of(context), 'Nmi');
  }

  /** Sensor readings under Ironic's kinds and keys. */
  sensors(context: ReadContext): Promise<SensorReadings & { Extra: Record<string, Json> }> {
    return readSensors(this.parts.machines.of(context));
  }

  /** `redfish_pin_certificate: true`: pins the certificate that the BMC presents now. */
  private async pin(context: StepContext) {
    const target = parseTarget(context.node.driver_info, context.node.driver_internal_info);
    const asked = context.node.driver_info['redfish_pin_certificate'];
    const first = asked === true || String(asked).toLowerCase() === 'true';
    if (target.trust.by === 'pin' && first && target.origin.startsWith('https:')) {
      const machine = this.parts.machines.of(context);
      const fingerprint = await machine.client.fingerprint(machine.caller);
      if (target.trust.fingerprint !== fingerprint) {
        const told = { redfish_pinned_certificate: fingerprint };
        await context.save({ driver_internal_info: changedInternal(context.node, told) });
        await context.tell(`The BMC's certificate is pinned, SHA-256 ${fingerprint}.`);
      }
    }
    return { is: 'done' } as const;
  }

  /** Sets properties/vendor, as Ironic does: runbooks and inspection rules read it. */
  private async recordVendor(context: StepContext) {
    const machine = this.parts.machines.of(context);
    const { resource } = await machine.system();
    const { identity } = await machine.differences(resource);
    const { properties } = context.node;
    if (identity.vendor !== '' && properties['vendor'] !== identity.vendor) {
      await context.save({ properties: { ...properties, vendor: identity.vendor } });
    }
    return { is: 'done' } as const;
  }

  private async verifyClock(context: StepContext) {
    if (this.parts.settings.enable_verify_bmc_clock) await verifyClock(this.parts.machines.of(context));
    return { is: 'done' } as const;
  }

  private async setClock(context: StepContext) {
    const { target_datetime: asked, datetime_local_offset: offset } = context.step.args;
    const time = asked === undefined || asked === null ? new Date() : new Date(String(asked));
    if (Number.isNaN(time.getTime()))
      throw new InvalidError('target_datetime must be a time as ISO 8601 has it');
    if (offset !== undefined && offset !== null && !/^[+-]\d{2}:\d{2}$/.test(String(offset))) {
      throw new InvalidError('datetime_local_offset must be an offset such as +02:00');
    }
    const machine = this.parts.machines.of(context);
    await setClock(machine, time, typeof offset === 'string' ? offset : undefined);
    return { is: 'done' } as const;
  }
}

function mediaOf(machines: RedfishMachines): VirtualMedia {
  const media = new RedfishMedia();
  return {
    list: (context) => media.list(machines.of(context)),
    attach: async (context, { device_type, image_url, image_download_source }) => {
      if (image_download_source !== 'http') {
        throw new UnsupportedError(
          `Virtual media with image_download_source ${image_download_source} are not built: with "http" the BMC fetches the image itself.`,
        );
      }
      await media.insert(machines.of(context), device_type, { url: image_url });
    },
    detach: (context, devices) => media.eject(machines.of(context), devices),
  };
}

function secureBootSteps(machines: RedfishMachines): StepDeclaration[] {
  const keys = {
    reset_secure_boot_keys_to_default: 'ResetAllKeysToDefault',
    clear_secure_boot_keys: 'DeleteAllKeys',
  };
  return Object.entries(keys).flatMap(([name, type]) =>
    (['clean', 'deploy'] as const).map((kind) => ({
      ...step,
      name,
      kind,
      run: async (context: StepContext) => {
        await resetKeys(machines.of(context), type);
        return { is: 'done' } as const;
      },
    })),
  );
}

async function resetKeys(machine: ReturnType<RedfishMachines['of']>, type: string): Promise<void> {
  const { resource } = await machine.system();
  const secureBoot = await machine.find(linkOf(resource, 'SecureBoot'));
  const action = actionOf(secureBoot, 'SecureBoot.ResetKeys');
  if (!action) throw new UnsupportedError('The BMC does not reset the keys of Secure Boot.');
  await awaitTask(machine, await machine.post(action.target, { ResetKeysType: type }), 60_000);
}
