import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { IpmiSettings } from '../../config/section/ipmi.js';
import { CancelledError, FerricError, UnsupportedError } from '../../domain/errors.js';
import type { Logger } from '../../platform/logger.js';
import { type Command, CommandError, type CommandResult, runCommand } from '../../platform/run-command.js';
import type { DriverContext } from '../contract/context.js';
import { type BmcTarget, bmcKey, parseTarget, prepareCall } from './arguments.js';
import { type IpmiFault, parseFault, parseVersion } from './output.js';
import { BmcQueue, type Verdict } from './queue.js';

/** Older ones read past their buffers when a BMC lies about lengths (CVE-2020-5208). */
const OLDEST = [1, 8, 19] as const;

/** How often a command is tried again, as data. */
const RETRIES = {
  /** Someone only wants to know: two tries at a silent BMC. */
  read: { silent: 2 },
  /** Something must happen: as often as the window allows. */
  control: { silent: Number.POSITIVE_INFINITY },
} as const;

/** s that one run of ipmitool may take; well below the life of a reservation, which must outlast it. */
const LONGEST = 40;

/** ms between two tries at a silent BMC. */
const PAUSE = 1_000;

export interface IpmiCall {
  target: BmcTarget;
  /** ipmitool's words: `['power', 'status']`. */
  command: readonly string[];
  kind: keyof typeof RETRIES;
  /** Called right before each try, with the ms that it may take. */
  fence(duration: number): Promise<void>;
  signal: AbortSignal;
  log: Logger;
  /** ms from now after which no new try begins; the configured window is the limit anyway. */
  within?: number;
  /** Judges an exit with status 0, which ipmitool gives to some failures. */
  succeeded?(stdout: string): boolean;
}

export class IpmiError extends FerricError {
  constructor(
    readonly fault: IpmiFault,
    command: readonly string[],
  ) {
    super(fault.code, `IPMI ${command.join(' ')} failed: ${fault.message}.`);
  }
}

/** The one door to BMCs: runs ipmitool in turn, bounded and without secrets in sight, and tries again as RETRIES says. */
export class Ipmitool {
  private readonly settings: IpmiSettings;
  private readonly home: string;
  private readonly run: (command: Command) => Promise<CommandResult>;
  private readonly queue: BmcQueue;
  /** BMCs that needed the long response timeout last time. */
  private readonly slow = new Set<string>();

  /** @param parts.runtimeDirectory a directory of the daemon's own; it need not exist, nothing secret is put there */
  constructor(parts: {
    settings: IpmiSettings;
    runtimeDirectory: string;
    run?: (command: Command) => Promise<CommandResult>;
    queue?: BmcQueue;
  }) {
    this.settings = parts.settings;
    this.home = join(parts.runtimeDirectory, 'ipmitool-home');
    this.run = parts.run ?? runCommand;
    this.queue =
      parts.queue ??
      new BmcQueue({
        maxRunning: parts.settings.max_running,
        maxWaiting: parts.settings.max_waiting,
        maxInterval: parts.settings.max_command_interval * 1000,
      });
  }

  /**
   * Checks that ipmitool is there and new enough, and spares it the 4.7 MB list of enterprise numbers that it parses
   * on every call (27 to 8 ms of CPU): it looks below HOME first, and only this path is tried (1.8.19: ipmi_oem).
   * @throws UnsupportedError
   */
  async start(): Promise<{ version: string }> {
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
    return { version: version.join('.') };
  }

  /**
   * @returns standard output
   * @throws IpmiError bmc-unreachable, bmc-authentication, bmc-failed, unsupported
   * @throws CancelledError when the signal fires
   */
  async execute(call: IpmiCall): Promise<string> {
    const window = Math.min(
      this.settings.command_retry_timeout * 1000,
      call.within ?? Number.POSITIVE_INFINITY,
    );
    const end = performance.now() + window;
    const key = bmcKey(call.target);
    for (let tries = 1; ; tries++) {
      try {
        return await this.queue.run(key, () => this.once(call, tries > 1 || this.slow.has(key)), {
          signal: call.signal,
          urgent: call.kind === 'control',
          judge: verdictOf,
        });
      } catch (error) {
        const passing = error instanceof IpmiError ? error.fault.passing : undefined;
        if (passing === undefined) throw error;
        const spent = passing === 'silent' && tries >= RETRIES[call.kind].silent;
        if (spent || performance.now() + PAUSE >= end) throw error;
        call.log.debug({ command: call.command, tries, fault: passing }, 'IPMI command is tried again');
        await rest(PAUSE, call.signal);
      }
    }
  }

  private async once(call: IpmiCall, patiently: boolean): Promise<string> {
    const { min_response_timeout: brief, max_response_timeout: long } = this.settings;
    const seconds = patiently ? Math.max(long, brief) : brief;
    const prepared = prepareCall(call.target, call.command, seconds);
    // A session takes about 12 packets, so a BMC that just keeps within the response timeout needs nearly this long.
    const timeout = Math.min(12 * seconds, LONGEST) * 1000;
    await call.fence(timeout + 2_000);
    const key = bmcKey(call.target);
    let fault: IpmiFault;
    try {
      const { stdout, stderr, duration } = await this.run({
        file: this.settings.program,
        args: prepared.args,
        env: { ...prepared.env, HOME: this.home },
        ...(prepared.stdin ? { stdin: prepared.stdin } : {}),
        timeout,
        signal: call.signal,
      });
      if (duration < brief * 1000) this.slow.delete(key);
      else if (this.slow.size < 50_000) this.slow.add(key);
      if (!call.succeeded || call.succeeded(stdout)) return stdout;
      fault = this.faultOf(stderr);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      if (error.fault === 'exit') fault = this.faultOf(error.result.stderr);
      else if (error.fault === 'timeout') {
        fault = { code: 'bmc-unreachable', message: 'the BMC does not answer in time', passing: 'silent' };
      } else if (error.fault === 'output') {
        fault = { code: 'bmc-failed', message: 'the BMC’s answer is endless' };
      } else fault = { code: 'bmc-failed', message: error.message };
    }
    throw new IpmiError(fault, call.command);
  }

  private faultOf(stderr: string): IpmiFault {
    return parseFault(stderr, this.settings.additional_retryable_ipmi_errors);
  }
}

function verdictOf(error: unknown): Verdict {
  return (error instanceof IpmiError ? error.fault.passing : undefined) ?? 'answered';
}

/** A call for a node, under its reservation. @throws InvalidError */
export function callOf(
  context: DriverContext,
  command: readonly string[],
  kind: IpmiCall['kind'],
): Pick<IpmiCall, 'target' | 'command' | 'kind' | 'fence' | 'signal' | 'log'> {
  return {
    target: parseTarget(context.node.driver_info),
    command,
    kind,
    fence: (duration) => context.fence(duration),
    signal: context.signal,
    log: context.log,
  };
}

/** @throws CancelledError when the signal fires first */
export async function rest(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    if (signal.aborted) throw new CancelledError(undefined, { cause: error });
    throw error;
  }
}
