import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { IpmiSettings } from '../../config/section/ipmi.js';
import { UnsupportedError } from '../../domain/errors.js';
import { type Command, CommandError, type CommandResult, runCommand } from '../../platform/run-command.js';
import type { Startable } from '../contract/implementation.js';
import { type PreparedCall, prepareCall } from './arguments.js';
import { type Attempt, BmcCalls } from './bmc-calls.js';
import type { IpmiCommand } from './commands.js';
import { FAULTS } from './faults.js';
import { IpmiError, type IpmiFault, type LinkCall } from './link.js';
import { parseFault, parseSuite, parseVersion, wasWithoutSession } from './output.js';
import { retransmissionFor } from './retry.js';

/** Older versions read past their buffers when a BMC sends wrong lengths (CVE-2020-5208). */
const OLDEST = [1, 8, 19] as const;

/** s that one run of ipmitool may take; well below the lifetime of a reservation, which must outlast it. */
const LONGEST = 40;

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
  private readonly calls: BmcCalls;

  /** @param parts.runtimeDirectory a directory of the daemon's own; it need not exist, and holds no secrets */
  constructor(parts: {
    settings: IpmiSettings;
    runtimeDirectory: string;
    run?: (command: Command) => Promise<CommandResult>;
    calls?: BmcCalls;
  }) {
    this.settings = parts.settings;
    this.home = join(parts.runtimeDirectory, 'ipmitool-home');
    this.run = parts.run ?? runCommand;
    this.calls = parts.calls ?? new BmcCalls(parts.settings);
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
  execute(call: IpmiCall): Promise<string> {
    return this.calls.run(call, 'process', (attempt) => this.once(call, attempt));
  }

  private async once(call: IpmiCall, { key, last, doubt }: Attempt): Promise<string> {
    const { min_response_timeout: brief, max_response_timeout: long } = this.settings;
    const memory = this.calls.memoryFor(call);
    const known = memory.of(key);
    const retransmission = retransmissionFor(call.command, known, last, { brief, long });
    const suite = call.target.cipherSuite === undefined ? known.suite : undefined;
    const prepared = prepareCall(call.target, call.command.words, retransmission, suite);
    // A session takes about 12 packets, so a BMC that just keeps within the response timeout needs nearly this long.
    const timeout = Math.min(12 * retransmission.seconds, LONGEST) * 1000;
    await call.fence(timeout + 2_000);
    const { result, fault } = await this.runOnce(call, prepared, {
      timeout,
      seconds: retransmission.seconds,
    });
    doubt(suite !== undefined || (result?.duration ?? timeout) >= retransmission.seconds * 1000);
    if (result && fault?.stage !== 'session') memory.learnSuite(key, parseSuite(result.stderr));
    if (!fault) {
      const slow = (result?.duration ?? 0) >= LATE_ANSWERS * brief * 1000;
      memory.learn(key, { slow, silences: 0, refusal: undefined });
      return result?.stdout ?? '';
    }
    memory.learn(key, { silences: fault.absent ? known.silences + 1 : 0 });
    if (fault.unsure) memory.learn(key, { suite: undefined }); // perhaps it is another BMC by now
    throw new IpmiError(fault, call.command.words.join(' '), call.target);
  }

  private async runOnce(
    call: IpmiCall,
    prepared: PreparedCall,
    { timeout, seconds }: { timeout: number; seconds: number },
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
      return call.command.success.test(result.stdout) && !wasWithoutSession({ ...result, seconds })
        ? { result }
        : { result, fault: this.faultOf(result, seconds) };
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      const { result } = error;
      switch (error.fault) {
        case 'exit':
          return { result, fault: this.faultOf(result, seconds) };
        case 'timeout':
          return { fault: FAULTS.late }; // ipmitool was killed: its progress is unknown
        case 'output':
          return { fault: { code: 'bmc-failed', message: 'the BMC’s answer is endless' } };
        default:
          return { fault: { code: 'bmc-failed', message: error.message } };
      }
    }
  }

  private faultOf({ stderr, duration }: CommandResult, seconds: number): IpmiFault {
    return parseFault({ stderr, duration, seconds }, this.settings.additional_retryable_ipmi_errors);
  }
}
