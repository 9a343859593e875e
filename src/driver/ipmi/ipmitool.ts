import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { IpmiSettings } from '../../config/section/ipmi.js';
import { CancelledError, UnsupportedError } from '../../domain/errors.js';
import { pause } from '../../platform/pause.js';
import { type Command, CommandError, type CommandResult, runCommand } from '../../platform/run-command.js';
import { type BmcQueue, bmcKey, configuredQueue, type Verdict } from '../bmc/queue.js';
import type { Startable } from '../contract/implementation.js';
import { type PreparedCall, prepareCall } from './arguments.js';
import { BmcMemory } from './bmc-memory.js';
import type { IpmiCommand } from './commands.js';
import { IpmiError, type IpmiFault, type LinkCall } from './link.js';
import { parseFault, parseSuite, parseVersion } from './output.js';
import { retransmissionFor, type Tried, wasRefused, worthAnother } from './retry.js';

/** Older versions read past their buffers when a BMC sends wrong lengths (CVE-2020-5208). */
const OLDEST = [1, 8, 19] as const;

/** s that one run of ipmitool may take; well below the lifetime of a reservation, which must outlast it. */
const LONGEST = 40;

/** ms between two runs. */
const PAUSE = 1_000;

/** Late answers after which a BMC counts as slow; fewer are lost packets. */
const LATE_ANSWERS = 6;

export interface IpmiCall extends Omit<LinkCall, 'once'> {
  command: IpmiCommand;
}

/**
 * The only access to BMCs through ipmitool: runs it one at a time per BMC, with a timeout and without visible secrets,
 * and again where `retry.ts` allows it.
 */
export class Ipmitool implements Startable {
  readonly name = 'ipmitool';
  private readonly settings: IpmiSettings;
  private readonly home: string;
  private readonly run: (command: Command) => Promise<CommandResult>;
  private readonly queue: BmcQueue;
  private readonly memory = new BmcMemory();

  /** @param parts.runtimeDirectory a directory of the daemon's own; it need not exist, and holds no secrets */
  constructor(parts: {
    settings: IpmiSettings;
    runtimeDirectory: string;
    run?: (command: Command) => Promise<CommandResult>;
    queue?: BmcQueue;
  }) {
    this.settings = parts.settings;
    this.home = join(parts.runtimeDirectory, 'ipmitool-home');
    this.run = parts.run ?? runCommand;
    this.queue = parts.queue ?? configuredQueue(parts.settings);
  }

  /**
   * Checks that ipmitool exists and is new enough. A stub below HOME, the first path that ipmitool tries, replaces the
   * 4.7 MB list of enterprise numbers that it parses on every call (8 instead of 27 ms of CPU; 1.8.19: ipmi_oem).
   * @throws UnsupportedError
   */
  async start(): Promise<string> {
    let stdout: string;
    try {
      ({ stdout } = await this.run({ file: this.settings.program, args: ['-V'], timeout: 10_000 }));
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      throw new UnsupportedError(`ipmi.program: ${error.message}. Install ipmitool 1.8.19 or newer.`, {
        cause: error,
      });
    }
    const version = parseVersion(stdout);
    const older = version?.findIndex((part, i) => part !== OLDEST[i]) ?? -1;
    if (!version || (older >= 0 && version[older]! < OLDEST[older]!)) {
      throw new UnsupportedError(
        `ipmi.program: ${this.settings.program} is ${version?.join('.') ?? 'not ipmitool'}; ${OLDEST.join('.')} or newer is needed.`,
      );
    }
    const stub = join(this.home, '.local/usr/share/misc/enterprise-numbers.txt');
    await mkdir(dirname(stub), { recursive: true, mode: 0o700 });
    await writeFile(stub, '0\n  Reserved\n    IANA\n      iana&iana.org\n'); // an empty one is refused
    return version.join('.');
  }

  /**
   * @returns standard output
   * @throws IpmiError bmc-unreachable, bmc-authentication, bmc-failed, unsupported; `unanswered` if the command must
   *   not be repeated and it is unknown whether the BMC has executed it
   * @throws CancelledError when the signal fires
   */
  async execute(call: IpmiCall): Promise<string> {
    const heard: { last: IpmiFault | undefined } = { last: undefined };
    try {
      return await this.repeated(call, heard);
    } catch (error) {
      // A timeout of the caller is no cancellation: the caller gets the last fault seen until then.
      const timeIsUp = error instanceof CancelledError && isTimeout(call.signal.reason);
      throw timeIsUp
        ? new IpmiError(heard.last ?? TOO_LATE, call.command.words.join(' '), call.target)
        : error;
    }
  }

  private async repeated(call: IpmiCall, heard: { last: IpmiFault | undefined }): Promise<string> {
    const window = Math.min(
      this.settings.command_retry_timeout * 1000,
      call.within ?? Number.POSITIVE_INFINITY,
    );
    const end = performance.now() + window;
    const key = bmcKey(call.target);
    this.assertWelcome(key, call);
    let unsure = 0;
    for (let runs = 1; ; runs++) {
      let doubtful = false;
      try {
        const turn = { signal: call.signal, urgent: call.attended, judge: verdictOf };
        return await this.queue.run(
          key,
          () =>
            this.once(key, call, heard.last, (doubt) => {
              doubtful = doubt;
            }),
          turn,
        );
      } catch (error) {
        if (!(error instanceof IpmiError)) throw error;
        heard.last = error.fault;
        const { last } = heard;
        if (last.unsure) unsure++;
        const tried: Tried = {
          unsure,
          doubtful,
          attended: call.attended,
          silences: this.memory.of(key).silences,
        };
        if (!worthAnother(last, call.command, tried) || performance.now() + PAUSE >= end) {
          if (wasRefused(last, tried)) this.memory.learnRefusal(key, call.target, last);
          throw error;
        }
        call.log.debug(
          { command: call.command.words, runs, fault: last.message },
          'IPMI command is tried again',
        );
        await pause(PAUSE, call.signal);
      }
    }
  }

  /** The daemon does not retry a refused login by itself: BMCs lock the account after a few attempts. */
  private assertWelcome(key: string, call: IpmiCall): void {
    const refusal = call.attended ? undefined : this.memory.refusalOf(key, call.target);
    if (!refusal) return;
    const message = `${refusal.message}; it is not tried again until the credentials change or an operator asks`;
    throw new IpmiError({ ...refusal, message }, call.command.words.join(' '), call.target);
  }

  /** @param doubt receives whether the run lost a packet, or relied on remembered state */
  private async once(
    key: string,
    call: IpmiCall,
    last: IpmiFault | undefined,
    doubt: (doubtful: boolean) => void,
  ): Promise<string> {
    const { min_response_timeout: brief, max_response_timeout: long } = this.settings;
    const known = this.memory.of(key);
    const retransmission = retransmissionFor(call.command, known, last, { brief, long });
    const suite = call.target.cipherSuite === undefined ? known.suite : undefined;
    const prepared = prepareCall(call.target, call.command.words, retransmission, suite);
    // A session takes about 12 packets, so a BMC that just keeps within the response timeout needs nearly this long.
    const timeout = Math.min(12 * retransmission.seconds, LONGEST) * 1000;
    await call.fence(timeout + 2_000);
    const { result, fault } = await this.runOnce(call, prepared, timeout);
    doubt(suite !== undefined || (result?.duration ?? timeout) >= retransmission.seconds * 1000);
    if (result && fault?.stage !== 'session') this.memory.learnSuite(key, parseSuite(result.stderr));
    if (!fault) {
      const slow = (result?.duration ?? 0) >= LATE_ANSWERS * brief * 1000;
      this.memory.learn(key, { slow, silences: 0, refusal: undefined });
      return result?.stdout ?? '';
    }
    this.memory.learn(key, { silences: fault.absent ? known.silences + 1 : 0 });
    if (fault.unsure) this.memory.learn(key, { suite: undefined }); // perhaps it is another BMC by now
    throw new IpmiError(fault, call.command.words.join(' '), call.target);
  }

  private async runOnce(
    call: IpmiCall,
    prepared: PreparedCall,
    timeout: number,
  ): Promise<{ result?: CommandResult; fault?: IpmiFault }> {
    try {
      const result = await this.run({
        file: this.settings.program,
        args: prepared.args,
        env: { ...prepared.env, HOME: this.home },
        ...(prepared.stdin ? { stdin: prepared.stdin } : {}),
        timeout,
        signal: call.signal,
      });
      return call.command.success.test(result.stdout)
        ? { result }
        : { result, fault: this.faultOf(result.stderr) };
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      const { result } = error;
      switch (error.fault) {
        case 'exit':
          return { result, fault: this.faultOf(result.stderr) };
        case 'timeout':
          return { fault: TOO_LATE };
        case 'output':
          return { fault: { code: 'bmc-failed', message: 'the BMC’s answer is endless' } };
        default:
          return { fault: { code: 'bmc-failed', message: error.message } };
      }
    }
  }

  private faultOf(stderr: string): IpmiFault {
    return parseFault(stderr, this.settings.additional_retryable_ipmi_errors);
  }
}

/** ipmitool was killed: its progress is unknown. */
const TOO_LATE: IpmiFault = {
  code: 'bmc-unreachable',
  message: 'the BMC does not answer in time',
  passing: 'silent',
};

/** The reason of AbortSignal.timeout(). */
function isTimeout(reason: unknown): boolean {
  return reason instanceof DOMException && reason.name === 'TimeoutError';
}

function verdictOf(error: unknown): Verdict {
  return (error instanceof IpmiError ? error.fault.passing : undefined) ?? 'answered';
}
