import type { IpmiSettings } from '../../../config/section/ipmi.js';
import { CancelledError } from '../../../domain/errors.js';
import { resolveHost } from '../../../platform/host-resolver.js';
import {
  BOOT_PARAMETER,
  type BootFlags,
  decodeBootFlags,
  encodeBootFlags,
} from '../../../protocol/ipmi/boot-flags.js';
import { APP, CHASSIS, CHASSIS_CONTROL, NET_FN } from '../../../protocol/ipmi/command.js';
import type { ConsoleSession } from '../../../protocol/ipmi/console-session.js';
import { type IpmiCall, setPrivilegeRequest } from '../../../protocol/ipmi/session-commands.js';
import type { BmcTarget } from '../arguments.js';
import { type Attempt, type BmcCall, type BmcCalls, bmcCall, type Sent } from '../bmc-calls.js';
import type { BmcMemory } from '../bmc-memory.js';
import {
  bmcReset,
  getBootFlags,
  powerControl,
  powerStatus,
  raw,
  setBootDevice,
  setBootOption,
} from '../commands.js';
import { FAULTS } from '../faults.js';
import { type BmcLink, type ChassisAct, IpmiError, type IpmiFault, type LinkCall } from '../link.js';
import { retransmissionFor } from '../retry.js';
import { KeptSessions } from './kept-sessions.js';
import { faultOfCode, inSession, NativeFault } from './outcome.js';
import type { BmcSockets, Place } from './sockets.js';
import { Visit } from './visit.js';

/** s that one attempt may take; well below the lifetime of a reservation, which must outlast it. */
const LONGEST = 40;
/** Answers of one attempt: a login, its privilege, the command. */
const ANSWERS = 12;
/** ms to resolve a BMC's name. */
const NAME_TIMEOUT = 5_000;
const SUITES = [17, 3] as const;

const ACTS: Readonly<Record<ChassisAct, number>> = {
  on: CHASSIS_CONTROL.powerUp,
  off: CHASSIS_CONTROL.powerDown,
  soft: CHASSIS_CONTROL.softShutdown,
  reset: CHASSIS_CONTROL.hardReset,
  diag: CHASSIS_CONTROL.diagnosticInterrupt,
};

const NO_BRIDGING: IpmiFault = {
  code: 'unsupported',
  message: 'IPMI 1.5 and bridging need ipmitool (ipmi.link: auto or ipmitool)',
  stage: 'session',
};
const NO_DOWNGRADE: IpmiFault = {
  code: 'unsupported',
  message:
    'the BMC refuses cipher suite 17, which it accepted before; a weaker one is used only if driver_info names it (ipmi_cipher_suite)',
  stage: 'session',
  final: true,
};

/** IPMI 2.0 by this process itself: RMCP+ over a few UDP sockets that all BMCs share. */
export class NativeLink implements BmcLink {
  readonly name = 'native IPMI';
  private readonly settings: IpmiSettings;
  private readonly calls: BmcCalls;
  private readonly sockets: BmcSockets;
  private readonly kept: KeptSessions;

  /** @param parts.calls shared with every other link of the process */
  constructor(parts: { settings: IpmiSettings; calls: BmcCalls; sockets: BmcSockets }) {
    this.settings = parts.settings;
    this.calls = parts.calls;
    this.sockets = parts.sockets;
    this.kept = new KeptSessions(parts.calls, parts.sockets);
  }

  async start(): Promise<string> {
    return 'RMCP+';
  }

  /** Takes leave of the BMCs whose sessions are open. */
  async close(): Promise<void> {
    this.kept.close();
    await this.sockets.close();
  }

  /** Whether this link can speak to that BMC at all. */
  static speaks({ protocol, bridging }: BmcTarget): boolean {
    return protocol === '2.0' && bridging.length === 0;
  }

  async chassisPower(call: LinkCall): Promise<'power on' | 'power off' | undefined> {
    const request = { netFn: NET_FN.chassis, command: CHASSIS.getStatus, data: NONE };
    const [state] = await this.give(call, powerStatus, request);
    if (state === undefined) return undefined;
    return (state & 1) === 1 ? 'power on' : 'power off';
  }

  async chassisControl(call: LinkCall, act: ChassisAct): Promise<void> {
    const data = Uint8Array.of(ACTS[act]);
    await this.give(call, powerControl(act), { netFn: NET_FN.chassis, command: CHASSIS.control, data });
  }

  async bootFlags(call: LinkCall): Promise<BootFlags | undefined> {
    const data = Uint8Array.of(BOOT_PARAMETER.flags, 0, 0);
    const request = { netFn: NET_FN.chassis, command: CHASSIS.getBootOptions, data };
    const answer = await this.give(call, getBootFlags, request);
    // Parameter version, parameter number, five bytes of flags.
    return answer.length < 7 ? undefined : decodeBootFlags(answer.subarray(2));
  }

  async setBootFlags(call: LinkCall, flags: BootFlags): Promise<void> {
    const data = Uint8Array.of(BOOT_PARAMETER.flags, ...encodeBootFlags(flags));
    const request = { netFn: NET_FN.chassis, command: CHASSIS.setBootOptions, data };
    await this.give(call, setBootDevice(String(flags.selector), []), request);
  }

  async setBootOption(call: LinkCall, parameter: number, value: readonly number[]): Promise<void> {
    const data = Uint8Array.of(parameter, ...value);
    const request = { netFn: NET_FN.chassis, command: CHASSIS.setBootOptions, data };
    await this.give(call, setBootOption(parameter, ...value), request);
  }

  async raw(call: LinkCall, request: readonly number[]): Promise<Uint8Array> {
    const [netFn, command, ...data] = request;
    const command_ = raw(request);
    if (netFn === undefined || command === undefined || netFn > 0x3e || netFn % 2 === 1) {
      const message = 'a request needs an even network function up to 0x3e, and a command';
      throw new IpmiError(
        { code: 'unsupported', message, stage: 'session' },
        command_.words.join(' '),
        call.target,
      );
    }
    return this.give(call, command_, { netFn, command, data: Uint8Array.from(data) });
  }

  async resetBmc(call: LinkCall, kind: 'warm' | 'cold'): Promise<void> {
    const command = kind === 'warm' ? APP.warmReset : APP.coldReset;
    await this.give(call, bmcReset(kind), { netFn: NET_FN.app, command, data: NONE }, true);
  }

  /** @param ends the BMC loses its sessions by it */
  private give(call: LinkCall, sent: Sent, request: IpmiCall, ends = false): Promise<Uint8Array> {
    const given = bmcCall(call, sent);
    return this.calls.run(given, 'socket', (attempt) => this.attempt(given, request, attempt, ends));
  }

  private async attempt(
    call: BmcCall,
    request: IpmiCall,
    { key, last }: Attempt,
    ends: boolean,
  ): Promise<Uint8Array> {
    const { min_response_timeout: brief, max_response_timeout: long } = this.settings;
    const memory = this.calls.memoryFor(call);
    const known = memory.of(key);
    const { seconds } = retransmissionFor(call.command, known, last, { brief, long });
    const timeout = Math.min(ANSWERS * seconds, LONGEST) * 1000;
    await call.fence(timeout + 2_000);
    const end = performance.now() + timeout;
    let visit: Visit | undefined;
    try {
      if (!NativeLink.speaks(call.target)) throw new NativeFault(NO_BRIDGING);
      const place = await placeOf(call.target, call.signal);
      visit = new Visit(this.sockets, place, { seconds, end, signal: call.signal });
      const data = await this.perform(visit, call, request, key, ends);
      memory.learn(key, { slow: visit.slowest >= brief * 1000, silences: 0, refusal: undefined });
      return data;
    } catch (error) {
      if (!(error instanceof NativeFault)) throw error;
      const { fault } = error;
      const { absent = false } = fault;
      memory.learn(key, { silences: absent ? known.silences + 1 : 0 });
      throw new IpmiError(fault, call.command.words.join(' '), call.target);
    } finally {
      visit?.end();
    }
  }

  private async perform(
    visit: Visit,
    call: BmcCall,
    request: IpmiCall,
    key: string,
    ends: boolean,
  ): Promise<Uint8Array> {
    const { target, command } = call;
    const memory = this.calls.memoryFor(call);
    const login = memory.fingerprint(target);
    const once = !command.repeatable;
    const old = await this.kept.take(key, login, visit);
    let session = old && (await this.usable(visit, old, once)) ? old : undefined;
    let response = session && (await visit.command(session, request, this.timeoutOf(once)));
    if (session && !response && once) throw new NativeFault(FAULTS.unanswered);
    if (!session || !response) {
      if (old) visit.leave(old);
      session = await this.establish(visit, key, target, memory);
      response = await visit.command(session, request, { once });
    }
    if (!response) throw new NativeFault(FAULTS.unanswered);
    const fault = faultOfCode(response.completionCode);
    visit.disown(session);
    if (!ends || fault) this.kept.keep(key, { session, login, place: visit.place }, call.attended);
    if (fault) throw new NativeFault(fault);
    return response.data;
  }

  /** A lost session is silent. What must be sent once is therefore not sent before the session has answered. */
  private async usable(visit: Visit, session: ConsoleSession, once: boolean): Promise<boolean> {
    if (!once) return true;
    const asked = await visit.command(session, setPrivilegeRequest(0), this.timeoutOf(false));
    return asked !== undefined;
  }

  /** In a session that may be lost: rather a new one than to wait for long. */
  private timeoutOf(once: boolean): { once: boolean; timeout?: number } {
    return once ? { once } : { once, timeout: this.settings.min_response_timeout * 1000 };
  }

  private async establish(
    visit: Visit,
    key: string,
    target: BmcTarget,
    memory: BmcMemory,
  ): Promise<ConsoleSession> {
    const { suite, strong } = memory.of(key);
    // Before each login: pyghmi's BMC takes other packets from a known port for those of the earlier session.
    await visit.contact(target);
    const allowed = strong
      ? [17]
      : suite === undefined
        ? SUITES
        : [suite, ...SUITES.filter((one) => one !== suite)];
    try {
      const suites = target.cipherSuite === undefined ? allowed : [target.cipherSuite];
      const session = await visit.establish(target, suites);
      const { id } = session.identity.suite;
      memory.learn(key, { suite: id, ...(id === 17 ? { strong: true } : {}) });
      return session;
    } catch (error) {
      const refused = error instanceof NativeFault && error.fault.message === FAULTS.noSuite.message;
      if (refused && strong && target.cipherSuite === undefined) throw new NativeFault(NO_DOWNGRADE);
      throw error;
    }
  }
}

const NONE = new Uint8Array(0);

async function placeOf({ address, port }: BmcTarget, signal: AbortSignal): Promise<Place> {
  let found: { address: string }[] = [];
  try {
    found = await resolveHost(address, { timeout: NAME_TIMEOUT }, signal);
  } catch (error) {
    if (signal.aborted) throw new CancelledError(undefined, { cause: error });
    // Whatever DNS says of it, the name has no address now.
  }
  const [first] = found;
  if (!first) throw new NativeFault(inSession(FAULTS.unresolved));
  return { address: first.address, port };
}
