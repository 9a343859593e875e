import { FerricError, UnsupportedError } from '../../domain/errors.js';
import {
  BOOT_PARAMETER,
  type BootFlags,
  bootDeviceOf,
  encodeBootFlags,
} from '../../protocol/ipmi/boot-flags.js';
import { bmcCall } from './bmc-calls.js';
import {
  bmcReset,
  getBootFlags,
  type IpmiCommand,
  powerControl,
  powerStatus,
  raw,
  setBootDevice,
  setBootOption,
} from './commands.js';
import type { Ipmitool } from './ipmitool.js';
import type { BmcLink, ChassisAct, LinkCall } from './link.js';
import { parseBootFlags, parsePowerStatus, parseRawAnswer } from './output.js';

/** IPMI through ipmitool: arguments of each command, and parsers of its output. */
export class IpmitoolLink implements BmcLink {
  constructor(private readonly ipmitool: Ipmitool) {}

  get name(): string {
    return this.ipmitool.name;
  }

  start(): Promise<string> {
    return this.ipmitool.start();
  }

  async chassisPower(call: LinkCall): Promise<'power on' | 'power off' | undefined> {
    return parsePowerStatus(await this.execute(call, powerStatus));
  }

  async chassisControl(call: LinkCall, act: ChassisAct): Promise<void> {
    await this.execute(call, powerControl(act));
  }

  async bootFlags(call: LinkCall): Promise<BootFlags | undefined> {
    return parseBootFlags(await this.execute(call, getBootFlags));
  }

  async setBootFlags(call: LinkCall, flags: BootFlags): Promise<void> {
    if (flags.efi) {
      // Raw: `options=efiboot,persistent` is broken or missing in ipmitool as some distributions ship it.
      return this.setBootOption(call, BOOT_PARAMETER.flags, [...encodeBootFlags(flags)]);
    }
    const device = bootDeviceOf(flags.selector);
    const word = WORDS.find((one) => one === device);
    if (word === undefined)
      throw new UnsupportedError(`ipmitool has no word for boot device ${flags.selector}`);
    await this.execute(call, setBootDevice(word, flags.persistent ? ['options=persistent'] : []));
  }

  async setBootOption(call: LinkCall, parameter: number, value: readonly number[]): Promise<void> {
    await this.execute(call, setBootOption(parameter, ...value));
  }

  async raw(call: LinkCall, request: readonly number[]): Promise<Uint8Array> {
    const answer = parseRawAnswer(await this.execute(call, raw(request)));
    if (!answer) throw new FerricError('bmc-failed', 'IPMI raw: the BMC’s answer cannot be read.');
    return answer;
  }

  async resetBmc(call: LinkCall, kind: 'warm' | 'cold'): Promise<void> {
    await this.execute(call, bmcReset(kind));
  }

  private execute(call: LinkCall, command: IpmiCommand): Promise<string> {
    return this.ipmitool.execute(bmcCall(call, command));
  }
}

/** Devices of `chassis bootdev`. */
const WORDS = ['pxe', 'disk', 'safe', 'cdrom', 'bios', 'floppy'] as const;
