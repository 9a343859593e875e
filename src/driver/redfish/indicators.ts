import { FerricError, NotFoundError, UnsupportedError } from '../../domain/errors.js';
import type { IndicatorState } from '../../domain/hardware/component.js';
import { booleanOf, idOf, linkOf, type Resource, textOf } from '../../protocol/redfish/resource.js';
import type { DriverContext, ReadContext } from '../contract/context.js';
import type { Indicators, IndicatorTable } from '../contract/management.js';
import type { RedfishMachine, RedfishMachines } from './machine.js';

const STATES = { Lit: 'on', Off: 'off', Blinking: 'blinking', Unknown: 'unknown' } as const satisfies Record<
  string,
  IndicatorState
>;
const WORDS = { on: 'Lit', off: 'Off', blinking: 'Blinking' } as const;

/** Indicators: of the system and its chassis by UUID, of drives by `storage:drive` (Ironic: redfish/management.py). */
export class RedfishIndicators implements Indicators {
  constructor(private readonly machines: RedfishMachines) {}

  async list(context: ReadContext): Promise<IndicatorTable> {
    const found = await this.all(this.machines.of(context));
    const table: Record<string, Record<string, { readonly: boolean; states: IndicatorState[] }>> = {};
    for (const { component, name, light } of found) {
      const states: IndicatorState[] = 'IndicatorLED' in light ? ['off', 'on', 'blinking'] : ['off', 'on'];
      table[component] = { ...table[component], [name]: { readonly: false, states } };
    }
    return table;
  }

  async get(context: ReadContext, component: string, name: string): Promise<IndicatorState> {
    const { light } = await this.one(context, component, name);
    const located = booleanOf(light, 'LocationIndicatorActive');
    const said = textOf(light, 'IndicatorLED');
    if (said !== undefined && said in STATES) return STATES[said as keyof typeof STATES];
    return located === undefined ? 'unknown' : located ? 'on' : 'off';
  }

  async set(context: DriverContext, component: string, name: string, state: IndicatorState): Promise<void> {
    if (state === 'unknown') throw new UnsupportedError('A light cannot be made unknown.');
    const { machine, light, path } = await this.one(context, component, name);
    // IndicatorLED is deprecated since ComputerSystem 1.13; some services have only it, some have only its successor.
    if ('IndicatorLED' in light) {
      await machine.patch(path, { IndicatorLED: WORDS[state] });
      return;
    }
    if (state === 'blinking') throw new UnsupportedError('This light is on or off.');
    await machine.patch(path, { LocationIndicatorActive: state === 'on' });
  }

  private async one(context: ReadContext, component: string, name: string) {
    const machine = this.machines.of(context);
    const found = (await this.all(machine)).find((one) => one.component === component && one.name === name);
    if (!found) throw new NotFoundError(`The machine has no light ${name} of component ${component}.`);
    const path = idOf(found.light);
    if (path === undefined)
      throw new FerricError('bmc-failed', `The BMC names no path of the light ${name}.`);
    return { machine, light: found.light, path };
  }

  private async all(machine: RedfishMachine) {
    const { resource: system } = await machine.system();
    const found: { component: string; name: string; light: Resource }[] = [];
    const add = (component: string, name: string | undefined, light: Resource) => {
      const lit =
        'IndicatorLED' in light ? light['IndicatorLED'] !== null : 'LocationIndicatorActive' in light;
      if (lit && name !== undefined) found.push({ component, name, light });
    };
    add('system', textOf(system, 'UUID') ?? textOf(system, 'Id'), system);
    for (const chassis of await machine.chassis(system)) {
      add('chassis', textOf(chassis, 'UUID') ?? textOf(chassis, 'Id'), chassis);
    }
    for (const storage of await machine.members(linkOf(system, 'Storage'))) {
      for (const drive of await machine.linked(storage, 'Drives')) {
        add('disk', `${textOf(storage, 'Id')}:${textOf(drive, 'Id')}`, drive);
      }
    }
    return found;
  }
}
