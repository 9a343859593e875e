import { InvalidError } from '../../domain/errors.js';
import { INDICATOR_STATES, MEDIA_DEVICES, type MediaDevice } from '../../domain/hardware/component.js';
import { BOOT_DEVICES, type BootDevice } from '../../domain/node/boot-device.js';
import { pause } from '../../platform/pause.js';
import type { DriverContext, ReadContext } from '../contract/context.js';
import { type InternalInfo, internalOf } from '../contract/internal-info.js';
import type {
  FirmwareBoot,
  Indicators,
  IndicatorTable,
  ManagementInterface,
  VirtualMedia,
} from '../contract/management.js';
import { FAKE_PROPERTIES, type FakeMachine } from './machine.js';

/** The indicators of upstream's fake machine (drivers/modules/fake.py). */
const INDICATORS: IndicatorTable = {
  chassis: { 'led-0': { readonly: true, states: ['off', 'on'] } },
  system: { led: { readonly: false, states: ['blinking', 'off', 'on'] } },
};

const MEDIA_TYPES = {
  disk: ['USBStick'],
  cdrom: ['CD', 'DVD'],
  floppy: ['Floppy'],
} as const satisfies Record<MediaDevice, readonly string[]>;

/** Management of a fake machine, which stores its settings in driver_internal_info. */
export class FakeManagement implements ManagementInterface {
  readonly name = 'fake';
  readonly properties = FAKE_PROPERTIES;

  constructor(private readonly machine: FakeMachine) {}

  readonly firmwareBoot: FirmwareBoot = {
    getBootMode: async (context) => {
      await this.look(context);
      return internalOf(context.node).fake_boot_mode === 'bios' ? 'bios' : 'uefi';
    },
    setBootMode: (context, mode) => this.act(context, `boot mode ${mode}`, { fake_boot_mode: mode }),
    getSecureBoot: async (context) => {
      await this.look(context);
      return internalOf(context.node).fake_secure_boot === true;
    },
    setSecureBoot: (context, on) =>
      this.act(context, `secure boot ${on ? 'on' : 'off'}`, { fake_secure_boot: on }),
  };

  readonly indicators: Indicators = {
    list: async (context) => {
      await this.look(context);
      return INDICATORS;
    },
    get: async (context, component, name) => {
      await this.look(context);
      indicator(component, name);
      const state = internalOf(context.node).fake_indicators?.[`${name}@${component}`];
      return INDICATOR_STATES.find((known) => known === state) ?? 'on';
    },
    set: async (context, component, name, state) => {
      const { readonly, states } = indicator(component, name);
      if (readonly) throw new InvalidError(`Indicator ${name} of ${component} is read-only.`);
      if (!states.includes(state)) throw new InvalidError(`Invalid indicator state ${state} specified.`);
      await this.act(context, `indicator ${name} ${state}`, {
        fake_indicators: {
          ...internalOf(context.node).fake_indicators,
          [`${name}@${component}`]: state,
        },
      });
    },
  };

  readonly media: VirtualMedia = {
    list: async (context) => {
      await this.look(context);
      const inserted = internalOf(context.node).fake_media ?? {};
      return MEDIA_DEVICES.map((device) => ({
        media_types: [...MEDIA_TYPES[device]],
        image: typeof inserted[device] === 'string' ? inserted[device] : null,
        inserted: device in inserted,
      }));
    },
    attach: (context, { device_type, image_url }) =>
      this.act(context, `attach ${device_type}`, {
        fake_media: { ...internalOf(context.node).fake_media, [device_type]: image_url },
      }),
    detach: (context, devices) => {
      const inserted = Object.entries(internalOf(context.node).fake_media ?? {});
      const kept = inserted.filter(([device]) => devices && !devices.some((one) => one === device));
      return this.act(context, `detach ${devices?.join(', ') ?? 'all'}`, {
        fake_media: Object.fromEntries(kept),
      });
    },
  };

  async validate(context: ReadContext): Promise<void> {
    this.machine.validate(context);
  }

  supportedBootDevices(): readonly BootDevice[] {
    return BOOT_DEVICES;
  }

  async getBootDevice(
    context: ReadContext,
  ): Promise<{ boot_device: BootDevice | null; persistent: boolean | null }> {
    await this.look(context);
    const device = internalOf(context.node).fake_boot_device;
    const known = BOOT_DEVICES.find((one) => one === device);
    return known
      ? { boot_device: known, persistent: internalOf(context.node).fake_boot_persistent === true }
      : { boot_device: 'pxe', persistent: false }; // as upstream's fake machine says
  }

  async setBootDevice(context: DriverContext, device: BootDevice, persistent: boolean): Promise<void> {
    await this.act(context, `boot device ${device}`, {
      fake_boot_device: device,
      fake_boot_persistent: persistent,
    });
  }

  async injectNmi(context: DriverContext): Promise<void> {
    await this.act(context, 'inject NMI', {});
  }

  private act(context: DriverContext, effect: string, state: Partial<InternalInfo>): Promise<void> {
    return this.machine.act(context, 'management', effect, state);
  }

  private async look(context: ReadContext): Promise<void> {
    const delay = this.machine.delayOf(context, 'management', 'management');
    if (delay > 0) await pause(delay, context.signal);
    this.machine.failIfAsked(context, 'management');
  }
}

/** @throws InvalidError in upstream's words */
function indicator(component: string, name: string): IndicatorTable[string][string] {
  const lights = INDICATORS[component];
  if (!lights) throw new InvalidError(`Invalid component ${component} specified.`);
  const light = lights[name];
  if (!light) throw new InvalidError(`Invalid indicator ${name} specified.`);
  return light;
}
