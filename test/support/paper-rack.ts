import { BootRegister } from '../../lab/bmc/boot-register.js';
import type { BmcFault } from '../../lab/bmc/fault.js';
import type { Machine } from '../../lab/bmc/machine.js';
import { type BmcEvent, VirtualBmc, type VirtualBmcOptions } from '../../lab/bmc/virtual-bmc.js';
import type { JsonObject } from '../../src/domain/json.js';
import { DriverBench } from './driver-context.js';

export const CANARY = 'canary-bmc-pw';
export const OPERATOR = 'canary-oper-pw';

/** A machine in memory that records the BMC's actions. */
export class PaperMachine implements Machine {
  readonly name = 'paper';
  readonly bootDevices = ['pxe', 'disk', 'bios'] as const;
  readonly boot = new BootRegister();
  readonly done: string[] = [];
  /** ms until the power state follows a command. */
  inertia = 0;
  #on = false;
  isOn = () => this.#on;
  on = () => this.#act('on', true);
  off = () => this.#act('off', false);
  reset = () => this.#act('reset', true);
  soft = () => this.#act('soft', false);
  interrupt?: () => Promise<void>;
  async #act(what: string, on: boolean) {
    this.done.push(what);
    if (this.inertia > 0)
      setTimeout(() => {
        this.#on = on;
      }, this.inertia);
    else this.#on = on;
  }
}

/** A BMC in front of a machine in memory. */
export class Rack implements AsyncDisposable {
  readonly machine = new PaperMachine();
  readonly events: BmcEvent[] = [];
  readonly bmc: VirtualBmc;
  port = 0;
  constructor(options: Partial<VirtualBmcOptions> = {}) {
    this.bmc = new VirtualBmc({
      machine: this.machine,
      users: [
        { name: 'admin', password: CANARY, privilege: 'administrator' },
        { name: 'oper', password: OPERATOR, privilege: 'operator' },
      ],
      onEvent: (event) => void this.events.push(event),
      ...options,
    });
  }
  static up(...faults: BmcFault[]): Promise<Rack> {
    return Rack.with({}, ...faults);
  }
  static async with(options: Partial<VirtualBmcOptions>, ...faults: BmcFault[]): Promise<Rack> {
    const rack = new Rack(options);
    rack.bmc.setFaults(...faults);
    rack.port = (await rack.bmc.listen(0)).port;
    return rack;
  }
  /** How often the BMC received that command, inside or outside a session. */
  given(netFn: number, command: number): number {
    return this.events.filter(
      (event) => event.kind === 'command' && event.netFn === netFn && event.command === command,
    ).length;
  }
  /** How often the BMC executed that command. */
  executed(netFn: number, command: number): number {
    return this.events.filter(
      (event) =>
        event.kind === 'command' && event.netFn === netFn && event.command === command && event.code === 0,
    ).length;
  }
  bench(info: JsonObject = {}, fields = {}): DriverBench {
    return new DriverBench({
      driver_info: {
        ipmi_address: '127.0.0.1',
        ipmi_port: this.port,
        ipmi_username: 'admin',
        ipmi_password: CANARY,
        ...info,
      },
      ...fields,
    });
  }
  async [Symbol.asyncDispose]() {
    await this.bmc.close();
  }
}
