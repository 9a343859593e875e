import { setTimeout as sleep } from 'node:timers/promises';
import {
  BOOT_PARAMETER,
  bootDeviceOf,
  decodeBootFlags,
  encodeBootFlags,
} from '../../src/protocol/ipmi/boot-flags.js';
import { concat } from '../../src/protocol/ipmi/bytes.js';
import { CHASSIS, CHASSIS_CONTROL, COMPLETION, NET_FN, PRIVILEGE } from '../../src/protocol/ipmi/command.js';
import { type CommandContext, type CommandRow, ok, okBytes, type Reply, refused } from './command-table.js';

/** IPMI 2.0 chapter 28. */
export const chassisCommands: readonly CommandRow[] = [
  {
    netFn: NET_FN.chassis,
    command: CHASSIS.getCapabilities,
    privilege: PRIVILEGE.user,
    length: 0,
    run: () => ok(0, 0x20, 0x20, 0x20, 0x20),
  },
  {
    netFn: NET_FN.chassis,
    command: CHASSIS.getStatus,
    privilege: PRIVILEGE.user,
    length: 0,
    run: (_, context) => {
      const on = claimsOn(context);
      // Bit 6 of byte 3: identify state is supported; bits 5:4: off, temporary on.
      const identify = performance.now() < context.chassis.identifyUntil ? 0x50 : 0x40;
      return ok((on ? 0x01 : 0) | (context.chassis.powerFault ? 0x08 : 0), 0, identify, 0);
    },
  },
  {
    netFn: NET_FN.chassis,
    command: CHASSIS.control,
    privilege: PRIVILEGE.operator,
    length: 1,
    run: (data, context) => control(data[0]! & 0x0f, context),
  },
  {
    netFn: NET_FN.chassis,
    command: CHASSIS.identify,
    privilege: PRIVILEGE.operator,
    length: 0,
    run: (data, { chassis }) => {
      const forever = ((data[1] ?? 0) & 1) === 1;
      chassis.identifyUntil = forever ? Number.POSITIVE_INFINITY : performance.now() + (data[0] ?? 15) * 1000;
      return ok();
    },
  },
  {
    netFn: NET_FN.chassis,
    command: CHASSIS.getRestartCause,
    privilege: PRIVILEGE.user,
    length: 0,
    run: () => ok(0x01, 1), // chassis control command, on channel 1
  },
  {
    netFn: NET_FN.chassis,
    command: CHASSIS.setBootOptions,
    privilege: PRIVILEGE.operator,
    length: 1,
    run: (data, context) => setBootOption(data[0]! & 0x7f, data.subarray(1), context),
  },
  {
    netFn: NET_FN.chassis,
    command: CHASSIS.getBootOptions,
    privilege: PRIVILEGE.operator,
    length: 3,
    run: (data, context) => getBootOption(data[0]! & 0x7f, context),
  },
];

function claimsOn({ faults, machine }: CommandContext): boolean {
  const claimed = faults.claimedPower();
  return claimed === undefined ? machine.isOn() : claimed === 'on';
}

async function control(operation: number, context: CommandContext): Promise<Reply> {
  const { machine, faults } = context;
  const known = [
    CHASSIS_CONTROL.powerDown,
    CHASSIS_CONTROL.powerUp,
    CHASSIS_CONTROL.powerCycle,
    CHASSIS_CONTROL.hardReset,
    CHASSIS_CONTROL.softShutdown,
  ] as number[];
  if (machine.interrupt !== undefined) known.push(CHASSIS_CONTROL.diagnosticInterrupt);
  if (!known.includes(operation)) return refused(COMPLETION.invalidField);
  if (faults.ignoresControl()) return ok();
  keepFlags(context); // §28.13: flags stay valid when a power command follows within their timeout
  switch (operation) {
    case CHASSIS_CONTROL.powerDown:
      return carryOut(context, () => machine.off());
    case CHASSIS_CONTROL.powerUp:
      return carryOut(context, () => machine.on());
    case CHASSIS_CONTROL.softShutdown:
      if (!machine.isOn()) return ok();
      return carryOut(context, () => machine.soft());
    case CHASSIS_CONTROL.diagnosticInterrupt:
      if (!machine.isOn()) return refused(COMPLETION.notInPresentState);
      return carryOut(context, async () => machine.interrupt?.());
    case CHASSIS_CONTROL.hardReset:
      if (!machine.isOn()) return refused(COMPLETION.notInPresentState);
      return carryOut(context, () => machine.reset());
    default:
      if (!machine.isOn()) return refused(COMPLETION.notInPresentState);
      return carryOut(context, async () => {
        await machine.off();
        await machine.on();
      });
  }
}

/**
 * Responds when the action is done, or after `answerWithin` ms, as real BMCs respond before the power has settled.
 * An action that fails later sets the power fault of the chassis status.
 */
async function carryOut({ chassis }: CommandContext, action: () => Promise<void>): Promise<Reply> {
  const done = action().then(
    () => {
      chassis.powerFault = false;
      return ok();
    },
    (error: unknown) => {
      chassis.powerFault = true;
      chassis.failed(error);
      return refused(COMPLETION.unspecified);
    },
  );
  const waited = new AbortController();
  const answerWithin = sleep(chassis.answerWithin, ok(), { signal: waited.signal });
  answerWithin.catch(() => undefined); // only the abort below can reject it
  try {
    return await Promise.race([done, answerWithin]);
  } finally {
    waited.abort();
  }
}

function setBootOption(parameter: number, value: Uint8Array, context: CommandContext): Reply {
  const { machine, chassis } = context;
  if (parameter > BOOT_PARAMETER.initiatorMailbox) return refused(COMPLETION.parameterNotSupported);
  if (value.length === 0) return ok(); // only marks the parameter valid or locked: nothing to store
  if (parameter !== BOOT_PARAMETER.flags) {
    chassis.bootParameters.set(parameter, value.slice());
    return ok();
  }
  if (value.length < 5) return refused(COMPLETION.requestLengthInvalid);
  const flags = decodeBootFlags(value);
  const device = bootDeviceOf(flags.selector);
  if (device === undefined || (device !== 'none' && !machine.bootDevices.includes(device)))
    return refused(COMPLETION.invalidField);
  machine.boot.set(flags);
  armFlagTimeout(context);
  return ok();
}

function getBootOption(parameter: number, { machine, chassis }: CommandContext): Reply {
  if (parameter > BOOT_PARAMETER.initiatorMailbox) return refused(COMPLETION.parameterNotSupported);
  const value =
    parameter === BOOT_PARAMETER.flags
      ? encodeBootFlags(machine.boot.flags)
      : (chassis.bootParameters.get(parameter) ?? Uint8Array.of(0));
  return okBytes(concat([1, parameter], value));
}

/** §28.13 parameter 3: the flags are cleared after 60 s without a power command, unless bit 3 forbids it. */
function armFlagTimeout(context: CommandContext): void {
  keepFlags(context);
  const { chassis, machine } = context;
  const clearing = chassis.bootParameters.get(BOOT_PARAMETER.flagValidClearing)?.[0] ?? 0;
  if ((clearing & 0x08) !== 0 || machine.boot.flags.persistent) return;
  chassis.flagTimer = setTimeout(() => machine.boot.clear(), chassis.flagTimeout);
  chassis.flagTimer.unref();
}

function keepFlags({ chassis }: CommandContext): void {
  clearTimeout(chassis.flagTimer);
}
