import type { ErrorCode } from '../../domain/errors.js';
import type { BootDevice } from '../../domain/node/boot-device.js';
import {
  bootDeviceOf,
  decodeBootFlags,
  type BootDevice as Selector,
} from '../../protocol/ipmi/boot-flags.js';

/** What went wrong, and whether it may pass. */
export interface IpmiFault {
  code: Extract<ErrorCode, 'bmc-unreachable' | 'bmc-authentication' | 'unsupported' | 'bmc-failed'>;
  /** For `last_error`; holds nothing of the call's arguments. */
  message: string;
  /** silent: no or late answers. busy: the BMC asks for a rest. None: trying again changes nothing. */
  passing?: 'silent' | 'busy';
}

/**
 * ipmitool exits 1 for everything, so its texts decide (with -v; 1.8.19: lib/ipmi_strings.c, plugins/lanplus,
 * plugins/lan). The first row that matches wins: a late answer to an earlier packet makes the ones after it look
 * like a wrong password, therefore silence comes before authentication.
 */
const ROWS: readonly (IpmiFault & { pattern: RegExp })[] = [
  {
    pattern: /insufficient resources for|No session slot available|No slot available/,
    code: 'bmc-failed',
    message: 'the BMC has no free session',
    passing: 'busy',
  },
  {
    pattern: /Node busy|: Timeout$|Out of space|BMC initialization in progress|firmeware in update mode/m,
    code: 'bmc-failed',
    message: 'the BMC is busy',
    passing: 'busy',
  },
  {
    pattern: /Address lookup for .* failed/,
    code: 'bmc-unreachable',
    message: 'the BMC’s address cannot be resolved',
    passing: 'silent',
  },
  {
    pattern: /No supported authtypes found|Authentication type .* not supported/,
    code: 'unsupported',
    message: 'the BMC does not support the authentication type',
  },
  {
    pattern: /This BMC does not support IPMI v2/,
    code: 'unsupported',
    message: 'the BMC does not support IPMI 2.0',
  },
  {
    pattern: /no response from RAKP|IPMI Request Match NOT FOUND|Received an Unexpected (Open|RAKP)/,
    code: 'bmc-unreachable',
    message: 'the BMC does not answer in time',
    passing: 'silent',
  },
  {
    pattern: /Error issuing Get Channel|Get Auth Capabilities (error|command failed)$|Could not open socket/m,
    code: 'bmc-unreachable',
    message: 'the BMC does not answer',
    passing: 'silent',
  },
  {
    pattern: /RAKP 2 HMAC is invalid/,
    code: 'bmc-authentication',
    message: 'the BMC refused the login: wrong password',
  },
  {
    pattern: /unauthorized name|Invalid user name|NULL user name not enabled/,
    code: 'bmc-authentication',
    message: 'the BMC refused the login: unknown user',
  },
  {
    pattern: /RAKP 4 message has invalid integrity check value/,
    code: 'bmc-authentication',
    message: 'the BMC refused the login: wrong Kg key',
  },
  {
    pattern: /RAKP [24] message indicates an error : invalid integrity check value/,
    code: 'bmc-authentication',
    message: 'the BMC refused the login: wrong password or Kg key',
  },
  {
    pattern:
      /unauthorized role|invalid role|Insufficient privilege level|Requested privilege level|Set Session Privilege Level to/,
    code: 'bmc-authentication',
    message: 'the BMC refused the login: the user does not have the privilege level',
  },
  {
    pattern:
      /Unsupported cipher suite|no matching (cipher suite|authentication|integrity)|invalid (authentication|integrity|confidentiality) algorithm|algorithm 0x\w+ is not/,
    code: 'unsupported',
    message: 'the BMC does not support the cipher suite',
  },
  {
    pattern: /Activate Session command failed/,
    code: 'bmc-authentication',
    message: 'the BMC refused the login: wrong password',
  },
  {
    pattern: /Unable to establish (IPMI|LAN)|Get Session Challenge command failed/,
    code: 'bmc-unreachable',
    message: 'no session with the BMC could be established',
    passing: 'silent',
  },
  {
    pattern: /: Invalid command( on LUN)?$|: Cannot execute command, command disabled$/m,
    code: 'unsupported',
    message: 'the BMC does not support the command',
  },
  {
    pattern: /: Invalid data field in request$|: Parameter out of range$/m,
    code: 'unsupported',
    message: 'the BMC does not support the command with this value',
  },
  {
    pattern: /: Command not supported in present state$/m,
    code: 'bmc-failed',
    message: 'the BMC does not do that in its present state',
  },
];

/** Lines that -v prints whatever happens; "Invalid completion code" is the answer to a probe for vendor extensions. */
const NOISE =
  /^(Loading IANA PEN|Using best available|Running Get |Invalid completion code received|Discovered |RAW |\s|Acquire IPMB|Interface address|$)/;

const MOST_TEXT = 16_384;
const MOST_LINE = 300;

/**
 * @param stderr of `ipmitool -v`
 * @param retryable texts after which a site wants another try
 */
export function parseFault(stderr: string, retryable: readonly string[] = []): IpmiFault {
  // Bounded: what a hostile BMC makes it print must not keep the patterns busy.
  const lines = stderr
    .slice(-MOST_TEXT)
    .split('\n')
    .map((line) => line.slice(0, MOST_LINE))
    .filter((line) => !NOISE.test(line));
  const text = lines.join('\n');
  const row = ROWS.find((one) => one.pattern.test(text));
  const last = printable(lines.at(-1) ?? '');
  const fault: IpmiFault = row
    ? { code: row.code, message: row.message, ...(row.passing ? { passing: row.passing } : {}) }
    : { code: 'bmc-failed', message: last === '' ? 'ipmitool failed' : `ipmitool failed: ${last}` };
  if (!fault.passing && retryable.some((one) => stderr.includes(one))) fault.passing = 'busy';
  return fault;
}

/** @returns undefined for anything but the two texts of ipmitool */
export function parsePowerStatus(stdout: string): 'power on' | 'power off' | undefined {
  const state = /^Chassis Power is (on|off)$/m.exec(stdout)?.[1];
  return state === 'on' ? 'power on' : state === 'off' ? 'power off' : undefined;
}

/** ipmitool exits 0 even when `chassis bootdev` was refused; only this line says that it was not. */
export function saysBootDeviceSet(stdout: string): boolean {
  return /^Set Boot Device to \S+$/m.test(stdout);
}

const DEVICES: Partial<Record<Selector, BootDevice>> = {
  pxe: 'pxe',
  disk: 'disk',
  remoteMedia: 'disk', // what Supermicro takes for a disk in UEFI mode
  remoteDisk: 'disk',
  safe: 'safe',
  cdrom: 'cdrom',
  remoteCdrom: 'cdrom',
  bios: 'bios',
  floppy: 'floppy',
};

/** `chassis bootparam get 5`, from its line of raw bytes: the words beside it are there for bad flags too. */
export function parseBootDevice(
  stdout: string,
): { boot_device: BootDevice | null; persistent: boolean | null } | undefined {
  const bytes = /^Boot parameter data: ([0-9a-f]{10})$/m.exec(stdout)?.[1];
  if (bytes === undefined) return undefined;
  const flags = decodeBootFlags(Uint8Array.from(Buffer.from(bytes, 'hex')));
  const selector = bootDeviceOf(flags.selector);
  const device = flags.valid && selector !== undefined ? DEVICES[selector] : undefined;
  return device
    ? { boot_device: device, persistent: flags.persistent }
    : { boot_device: null, persistent: null };
}

/** `ipmitool version 1.8.19`; undefined for anything else. */
export function parseVersion(stdout: string): [major: number, minor: number, patch: number] | undefined {
  const match = /^ipmitool version (\d+)\.(\d+)\.(\d+)/m.exec(stdout);
  return match ? [Number(match[1]), Number(match[2]), Number(match[3])] : undefined;
}

/** A BMC's own words end up in `last_error`: one line, no control characters, not long. */
function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 200);
}
