import { type BootFlags, decodeBootFlags } from '../../protocol/ipmi/boot-flags.js';
import { printableAscii } from '../../protocol/printable.js';
import { TEXTS } from './commands.js';
import { FAULTS } from './faults.js';
import type { IpmiFault } from './link.js';

/** `outside`: a BMC answers so to what is sent without a session, too. */
type Row = Omit<IpmiFault, 'stage'> & { pattern: RegExp; outside?: true };

/** ipmitool's last message if no session was established (lanplus.c, lan.c): nothing of the command was sent. */
const NO_SESSION = /^Error: Unable to establish (IPMI|LAN)|^Address lookup for |^Could not open socket/m;

/**
 * Why there was no session (ipmitool 1.8.19 with -v: plugins/lanplus/lanplus.c, plugins/lan/lan.c). ipmitool exits 1
 * for everything, so its messages decide. The first matching row wins: after a late answer to an earlier packet the
 * following ones look like a wrong password, therefore silence comes before authentication.
 */
const SESSION_ROWS: readonly Row[] = [
  {
    pattern: /insufficient resources for|No session slot available|No slot available/,
    ...FAULTS.noRoom,
  },
  {
    pattern: /Address lookup for .* failed/,
    ...FAULTS.unresolved,
  },
  {
    pattern: /No supported authtypes found|Authentication type .* not supported/,
    code: 'unsupported',
    message: 'the BMC does not support the authentication type',
  },
  {
    // After a first request without an answer ipmitool sends one of version 1.5: any BMC answers that one so.
    pattern: /This BMC does not support IPMI v2/,
    ...FAULTS.noV20,
    unsure: true,
  },
  {
    pattern: /no response from RAKP|IPMI Request Match NOT FOUND|Received an Unexpected (Open|RAKP)/,
    ...FAULTS.late,
  },
  {
    pattern: /Error issuing Get Channel|Get Auth Capabilities (error|command failed)$|Could not open socket/m,
    ...FAULTS.absent,
  },
  {
    // No reason follows: the answer is missing.
    pattern: /^(Set Session Privilege Level to \S+|Get Session Challenge command) failed$/m,
    ...FAULTS.late,
  },
  {
    pattern: /RAKP 2 HMAC is invalid/,
    ...FAULTS.wrongPassword,
    unsure: true,
  },
  {
    pattern: /unauthorized name|Invalid user name|NULL user name not enabled/,
    ...FAULTS.unknownUser,
  },
  {
    pattern: /RAKP 4 message has invalid integrity check value/,
    ...FAULTS.wrongKg,
    unsure: true,
  },
  {
    pattern: /RAKP [24] message indicates an error : invalid integrity check value/,
    code: 'bmc-authentication',
    message: 'the BMC refused the login: wrong password or Kg key',
    unsure: true,
  },
  {
    pattern:
      /unauthorized role|invalid role|^Activate Session error:\s+Insufficient privilege level|Requested privilege level/m,
    ...FAULTS.noPrivilege,
  },
  {
    pattern: /^Set Session Privilege Level to \S+ failed: /m,
    ...FAULTS.noPrivilege,
    outside: true,
  },
  {
    // Without the list of suites, which may have been lost, ipmitool uses suite 3.
    pattern:
      /Unsupported cipher suite|no matching (cipher suite|authentication|integrity)|invalid (authentication|integrity|confidentiality) algorithm|algorithm 0x\w+ is not/,
    ...FAULTS.noSuite,
    unsure: true,
  },
  {
    // IPMI 1.5: a BMC drops a packet with a wrong authentication code, which looks like a lost packet.
    pattern: /^Activate Session command failed$/m,
    ...FAULTS.wrongPassword,
    unsure: true,
  },
  {
    pattern: /Unable to establish (IPMI|LAN)|Get Session Challenge command failed/,
    code: 'bmc-unreachable',
    message: 'no session with the BMC could be established',
    passing: 'silent',
  },
];

/** Completion codes by ipmitool's names (lib/ipmi_strings.c). */
const REFUSAL_ROWS: readonly Row[] = [
  {
    pattern: /Node busy|Out of space|BMC initialization in progress|firmeware in update mode/,
    ...FAULTS.busy,
  },
  {
    pattern: /: Invalid command( on LUN)?$|: Cannot execute command, command disabled$/m,
    ...FAULTS.noCommand,
  },
  {
    pattern: /: Invalid data field in request$|: Parameter out of range$|: Unsupported parameter$/m,
    ...FAULTS.noValue,
  },
  {
    pattern: /: Command not supported in present state$/m,
    ...FAULTS.notNow,
    outside: true,
  },
  {
    pattern: /: Insufficient privilege level$/m,
    ...FAULTS.notAllowed,
    outside: true,
  },
];

/**
 * Lines that -v prints whatever the result: "Invalid completion code" answers a probe for vendor extensions; others
 * report such a probe without an answer, or the end of the session.
 */
const NOISE =
  /^(Loading IANA PEN|Using best available|Unable to Get Channel Cipher Suites|Running Get |Invalid completion code received|No valid response received|Error sending request|Get Device ID command failed|Close Session command failed|Discovered |RAW |Get HPM\.x |Invalid (Get PICMG|group extension|Get VSO)|Bad response length|\s|Acquire IPMB|Interface address|$)/;

/** Logins that ipmitool tries (IPMI_LAN_RETRY), each for at least the response timeout if its answer is missing. */
const LOGINS = 4;

/**
 * After its last login without an answer ipmitool goes on as if it had a session (lanplus.c, ipmi_lanplus_open), and
 * takes late answers to its logins for those to commands. Its probes tell: by their lengths (hpm2.c; Open Session has
 * 52 bytes, RAKP 2 76 or 88, RAKP 4 36 or 40), or by the first byte, RMCP's version (ipmi_picmg.c, ipmi_vita.c).
 */
const MISTAKEN =
  /^(Bad response length, len=(36|40|52|76|88)|Invalid (Get PICMG Properties )?group extension 0x6)$/m;

/** A probe that every session may send, refused as outside of one (ipmi_sel.c). */
const OUTSIDE = /^Get Device ID command failed: 0xd[45] /m;

const MOST_TEXT = 16_384;
const MOST_LINE = 300;

/** One run of `ipmitool -v`. */
export interface Run {
  stderr: string;
  /** ms */
  duration: number;
  /** Its response timeout, s. */
  seconds: number;
}

/** Whether the run had no session, whatever it reports of the command: nothing that it says is of that command. */
export function wasWithoutSession(run: Run): boolean {
  const text = run.stderr.slice(-MOST_TEXT);
  return MISTAKEN.test(text) || (mayHaveLostLogins(run) && OUTSIDE.test(text));
}

function mayHaveLostLogins({ duration, seconds }: Run): boolean {
  return duration >= LOGINS * Math.ceil(seconds) * 1000;
}

/** @param retryable configured messages after which a retry is wanted */
export function parseFault(run: Run, retryable: readonly string[] = []): IpmiFault {
  const { stderr } = run;
  if (wasWithoutSession(run)) return { ...FAULTS.late, stage: 'session' };
  // Bounded: output that a hostile BMC controls must not keep the patterns busy.
  const lines = stderr
    .slice(-MOST_TEXT)
    .split('\n')
    .map((line) => line.slice(0, MOST_LINE))
    .filter((line) => !NOISE.test(line));
  const text = lines.join('\n');
  const { outside, ...fault } = judge(text, printableAscii(lines.at(-1) ?? '', 200));
  // With time for it, all logins may have been lost: then the refusal is one of a command without a session.
  if (outside && mayHaveLostLogins(run)) return { ...FAULTS.late, stage: 'session' };
  if (!fault.passing && retryable.some((one) => stderr.includes(one))) fault.passing = 'busy';
  return fault;
}

function judge(text: string, last: string): Judged {
  if (NO_SESSION.test(text)) {
    const row = SESSION_ROWS.find(({ pattern }) => pattern.test(text));
    if (row) return faultOf(row, 'session');
  }
  if (TEXTS.some(({ refused }) => refused.test(text))) {
    // Possibly executed: the BMC itself has lost the answer (0xc3, 0xce).
    if (/: (Timeout|Command response could not be provided)$/m.test(text)) {
      return { ...FAULTS.busy };
    }
    const row = REFUSAL_ROWS.find(({ pattern }) => pattern.test(text));
    if (row) return faultOf(row, 'refusal');
    return { code: 'bmc-failed', message: `the BMC refused it: ${last}`, stage: 'refusal' };
  }
  if (TEXTS.some(({ unanswered }) => unanswered.test(text))) {
    return { ...FAULTS.unanswered };
  }
  return { code: 'bmc-failed', message: last === '' ? 'ipmitool failed' : `ipmitool failed: ${last}` };
}

type Judged = IpmiFault & Pick<Row, 'outside'>;

function faultOf({ pattern: _, ...fault }: Row, stage: IpmiFault['stage'] & string): Judged {
  return { ...fault, stage };
}

/**
 * The cipher suite that ipmitool chose, and whether the BMC had listed its suites; without the list it is 3.
 * @param stderr of `ipmitool -v` without -C
 */
export function parseSuite(stderr: string): { suite: number; reported: boolean } | undefined {
  const suite = /^Using best available cipher suite (\d+)$/m.exec(stderr)?.[1];
  if (suite !== undefined) return { suite: Number(suite), reported: true };
  return /^Unable to Get Channel Cipher Suites$/m.test(stderr) ? { suite: 3, reported: false } : undefined;
}

/** @returns undefined for anything but ipmitool's two messages */
export function parsePowerStatus(stdout: string): 'power on' | 'power off' | undefined {
  const state = /^Chassis Power is (on|off)$/m.exec(stdout)?.[1];
  return state === 'on' ? 'power on' : state === 'off' ? 'power off' : undefined;
}

/** `chassis bootparam get 5`, from its line of raw bytes: the text beside it is printed for invalid flags too. */
export function parseBootFlags(stdout: string): BootFlags | undefined {
  const bytes = /^Boot parameter data: ([0-9a-f]{10})$/m.exec(stdout)?.[1];
  return bytes === undefined ? undefined : decodeBootFlags(Uint8Array.from(Buffer.from(bytes, 'hex')));
}

/** `raw`: the response's bytes in hexadecimal, 16 a line. @returns undefined for anything else */
export function parseRawAnswer(stdout: string): Uint8Array | undefined {
  const bytes = stdout.split(/\s+/).filter((word) => word !== '');
  if (!bytes.every((byte) => /^[0-9a-f]{2}$/i.test(byte))) return undefined;
  return Uint8Array.from(bytes, (byte) => Number.parseInt(byte, 16));
}

/** `ipmitool version 1.8.19`; undefined for anything else. */
export function parseVersion(stdout: string): [major: number, minor: number, patch: number] | undefined {
  const match = /^ipmitool version (\d+)\.(\d+)\.(\d+)/m.exec(stdout);
  return match ? [Number(match[1]), Number(match[2]), Number(match[3])] : undefined;
}
