import { type ErrorCode, FerricError } from '../../domain/errors.js';
import type { Logger } from '../../platform/logger.js';
import type { BootFlags } from '../../protocol/ipmi/boot-flags.js';
import type { ReadContext } from '../contract/context.js';
import type { Startable } from '../contract/implementation.js';
import { type BmcTarget, parseTarget } from './arguments.js';

/** Options of a command, whatever the command is. */
export interface LinkCall {
  target: BmcTarget;
  /** An operator, or work that one requested, waits for it; else the daemon polls by itself. */
  attended: boolean;
  /** Called right before each attempt, with the ms that it may take. */
  fence(duration: number): Promise<void>;
  signal: AbortSignal;
  log: Logger;
  /** ms from now after which no new attempt begins; never more than the configured window. */
  within?: number;
  /** A single attempt that sends the command once, though it could be repeated. */
  once?: true;
  /** A look that nobody needs: its outcome decides nothing about later calls. */
  aside?: true;
}

/** Chassis Control (IPMI 2.0 §28.3). The link never repeats `soft`, `reset` and `diag`. */
export type ChassisAct = 'on' | 'off' | 'soft' | 'reset' | 'diag';

/**
 * The IPMI commands that Ferric uses, independent of the program that sends them. One command at a time per BMC, with a
 * timeout; only idempotent commands are repeated. `power.ts`, `management.ts` and `vendor.ts` decide on their order.
 *
 * Each throws IpmiError (bmc-unreachable, bmc-authentication, bmc-failed, unsupported), `unanswered` if it was not
 * repeated and it is unknown whether the BMC has executed it; CancelledError when the signal fires.
 */
export interface BmcLink extends Startable {
  /** Get Chassis Status. @returns undefined for an answer without the power state */
  chassisPower(call: LinkCall): Promise<'power on' | 'power off' | undefined>;
  chassisControl(call: LinkCall, act: ChassisAct): Promise<void>;
  /** Boot option parameter 5. @returns undefined for an answer without boot flags */
  bootFlags(call: LinkCall): Promise<BootFlags | undefined>;
  setBootFlags(call: LinkCall, flags: BootFlags): Promise<void>;
  /** Set System Boot Options of any other parameter (IPMI 2.0 table 28-14), with its whole value. */
  setBootOption(call: LinkCall, parameter: number, value: readonly number[]): Promise<void>;
  /**
   * Any command: network function, command, data. Its effect is unknown, so it is never repeated.
   * @returns the response's data, without its completion code
   */
  raw(call: LinkCall, request: readonly number[]): Promise<Uint8Array>;
  /** Never repeated. A cold reset has no answer to wait for. */
  resetBmc(call: LinkCall, kind: 'warm' | 'cold'): Promise<void>;
}

/** The cause of a failure, and which remedy is possible. */
export interface IpmiFault {
  code: Extract<ErrorCode, 'bmc-unreachable' | 'bmc-authentication' | 'unsupported' | 'bmc-failed'>;
  /** For `last_error`; contains none of the call's arguments. */
  message: string;
  /** silent: no or late answers. busy: the BMC needs a pause. Absent: a retry changes nothing. */
  passing?: 'silent' | 'busy';
  /**
   * session: none was established, so the command was not sent. refusal: it was sent, and the BMC refused it. Absent:
   * it is unknown whether the BMC has executed it.
   */
  stage?: 'session' | 'refusal';
  /** Not one packet came back. */
  absent?: true;
  /** No other program may try it either: it would weaken the session. */
  final?: true;
  /** A lost packet looks the same to ipmitool: the fault is certain only if no packet was lost. */
  unsure?: true;
}

/** The message contains none of the call's arguments but the command, and the address of an unreachable BMC. */
export class IpmiError extends FerricError {
  /** @param command its arguments */
  constructor(
    readonly fault: IpmiFault,
    private readonly command: string,
    private readonly target: BmcTarget,
  ) {
    const { code, message } = fault;
    const reason =
      code === 'bmc-unreachable' ? message.replace(/the BMC(’s address)?/, `$& ${target.address}`) : message;
    super(code, `IPMI ${command} failed: ${reason}.`);
  }

  /** The BMC answered with a refusal that a retry does not change. */
  get refused(): boolean {
    return this.fault.stage === 'refusal' && this.fault.passing === undefined;
  }

  /** It is unknown whether the BMC has executed the command. */
  get unanswered(): boolean {
    return this.fault.passing !== undefined && this.fault.stage === undefined;
  }

  /** The same fault with a longer message. */
  adding(text: string): IpmiError {
    return new IpmiError(
      { ...this.fault, message: `${this.fault.message}; ${text}` },
      this.command,
      this.target,
    );
  }
}

/** A call for a node, under its reservation. @throws InvalidError */
export function callOf(context: ReadContext): LinkCall {
  return {
    target: parseTarget(context.node.driver_info),
    attended: context.attended,
    fence: (duration) => context.fence(duration),
    signal: context.signal,
    log: context.log,
  };
}

/** Runs a command that is sent once and never again. @throws IpmiError that says so if the answer is missing */
export async function givenOnce<T>(command: () => Promise<T>): Promise<T> {
  try {
    return await command();
  } catch (error) {
    if (!(error instanceof IpmiError) || !error.unanswered) throw error;
    throw error.adding('it may have been carried out, and is not sent twice');
  }
}
