/** One command, and ipmitool's messages about it (-v; ipmitool 1.8.19: lib/ipmi_chassis.c, ipmi_raw.c, ipmi_mc.c). */
export interface IpmiCommand {
  /** ipmitool's command line arguments. */
  readonly words: readonly string[];
  /**
   * Idempotent: sent again when it is unknown whether the BMC has received it. Any other command is sent in one
   * packet, and the caller checks the machine before it sends the command again.
   */
  readonly repeatable: boolean;
  /** On standard output, with exit status 0: the BMC has executed it. */
  readonly success: RegExp;
  /** On standard error: it was sent, and no answer arrived. */
  readonly unanswered: RegExp;
  /** On standard error: the BMC answered with a completion code, whose text follows. */
  readonly refused: RegExp;
}

type Texts = Omit<IpmiCommand, 'words' | 'repeatable'>;

const POWER_STATUS: Texts = {
  success: /^Chassis Power is (on|off)$/m,
  unanswered: /^Unable to get Chassis Power Status$/m,
  refused: /^Get Chassis Power Status failed: /m,
};

const POWER_CONTROL: Texts = {
  success: /^Chassis Power Control: /m,
  unanswered: /^Unable to set Chassis Power Control to /m,
  refused: /^Set Chassis Power Control to .+ failed: /m,
};

const BOOT_PARAMETER: Texts = {
  success: /^Boot parameter data: /m,
  unanswered: /^Error Getting Chassis Boot Parameter \d+$/m,
  refused: /^Get Chassis Boot Parameter \d+ failed: /m,
};

/** ipmitool sends five commands; parameters 0 and 4 come before and after the device, and 0 may fail silently. */
const BOOT_DEVICE: Texts = {
  success: /^Set Boot Device to \S+$/m, // it exits 0 for some refusals: only this line says that it was set
  unanswered: /^Error setting Chassis Boot Parameter \d+$/m,
  refused: /^Set Chassis Boot Parameter \d+ failed: /m,
};

const RAW: Texts = {
  success: /^/,
  unanswered: /^Unable to send RAW command \(channel=\w+ netfn=\w+ lun=\w+ cmd=\w+\)$/m,
  refused: /^Unable to send RAW command \(.+ rsp=\w+\): /m,
};

/** ipmitool does not wait for the answer to a cold reset: it reports "sent" even if the packet was lost. */
const BMC_RESET: Texts = {
  success: /^Sent (warm|cold) reset command to MC$/m,
  unanswered: /^MC reset command failed\.$/m,
  refused: /^MC reset command failed: /m,
};

/** All message tables above. */
export const TEXTS = [POWER_STATUS, POWER_CONTROL, BOOT_PARAMETER, BOOT_DEVICE, RAW, BMC_RESET] as const;

const REPEATABLE = { on: true, off: true, soft: false, reset: false, diag: false } as const;

export const powerStatus: IpmiCommand = { words: ['power', 'status'], repeatable: true, ...POWER_STATUS };

export function powerControl(act: keyof typeof REPEATABLE): IpmiCommand {
  return { words: ['power', act], repeatable: REPEATABLE[act], ...POWER_CONTROL };
}

/** Boot option parameter 5. */
export const getBootFlags: IpmiCommand = {
  words: ['chassis', 'bootparam', 'get', '5'],
  repeatable: true,
  ...BOOT_PARAMETER,
};

export function setBootDevice(device: string, options: readonly string[]): IpmiCommand {
  return { words: ['chassis', 'bootdev', device, ...options], repeatable: true, ...BOOT_DEVICE };
}

/** Set Boot Options with one parameter's whole value. */
export function setBootOption(parameter: number, ...value: readonly number[]): IpmiCommand {
  const bytes = [0x00, 0x08, parameter, ...value];
  return { words: ['raw', ...bytes.map(hex)], repeatable: true, ...RAW };
}

/** Any command: its effect is unknown, so it is never repeated. */
export function raw(bytes: readonly number[]): IpmiCommand {
  return { words: ['raw', ...bytes.map(hex)], repeatable: false, ...RAW };
}

export function bmcReset(kind: 'warm' | 'cold'): IpmiCommand {
  return { words: ['bmc', 'reset', kind], repeatable: false, ...BMC_RESET };
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`;
}
