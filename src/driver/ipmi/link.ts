import { type ErrorCode, FerricError } from '../../domain/errors.js';
import type { Logger } from '../../platform/logger.js';
import type { BootFlags } from '../../protocol/ipmi/boot-flags.js';
import type { ReadContext } from '../contract/context.js';
import type { Startable } from '../contract/implementation.js';
import { type BmcTarget, parseTarget } from './arguments.js';

/** How a command is given, whatever it is. */
export interface LinkCall {
  target: BmcTarget;
  /** An operator, or work that one asked for, waits for it; else the daemon looks by itself. */
  attended: boolean;
  /** Called right before each try, with the ms that it may take. */
  fence(duration: number): Promise<void>;
  signal: AbortSignal;
  log: Logger;
  /** ms from now after which no new try begins; the configured window is the limit anyway. */
  within?: number;
  /** One try that sends the command once, though it could be repeated. */
  once?: true;
}

/** Chassis Control (IPMI 2.0 §28.3). A `soft` or a `reset` is never repeated by the link, nor is `diag`. */
export type ChassisAct = 'on' | 'off' | 'soft' | 'reset' | 'diag';

/**
 * IPMI by words: what a BMC is told and asked, whoever carries it. One command at a time, in turn, bounded; repeated
 * only where twice is as once. What is done in which order stands above it (`power.ts`, `management.ts`, `vendor.ts`).
 *
 * Each throws IpmiError (bmc-unreachable, bmc-authentication, bmc-failed, unsupported), `unanswered` where it was not
 * repeated and nobody knows whether the BMC has done it; CancelledError when the signal fires.
 */
export interface BmcLink extends Startable {
  /** Get Chassis Status. @returns undefined for an answer that tells neither */
  chassisPower(call: LinkCall): Promise<'power on' | 'power off' | undefined>;
  chassisControl(call: LinkCall, act: ChassisAct): Promise<void>;
  /** Boot option parameter 5. @returns undefined for an answer that holds none */
  bootFlags(call: LinkCall): Promise<BootFlags | undefined>;
  setBootFlags(call: LinkCall, flags: BootFlags): Promise<void>;
  /** Set System Boot Options of any other parameter (IPMI 2.0 table 28-14), with its whole value. */
  setBootOption(call: LinkCall, parameter: number, value: readonly number[]): Promise<void>;
  /**
   * Any command: network function, command, data. What it does nobody knows, so it is never repeated.
   * @returns the response's data, without its completion code
   */
  raw(call: LinkCall, request: readonly number[]): Promise<Uint8Array>;
  /** Never repeated. A cold reset has no answer that could be waited for. */
  resetBmc(call: LinkCall, kind: 'warm' | 'cold'): Promise<void>;
}

/** What went wrong, and what may be done about it. */
export interface IpmiFault {
  code: Extract<ErrorCode, 'bmc-unreachable' | 'bmc-authentication' | 'unsupported' | 'bmc-failed'>;
  /** For `last_error`; holds nothing of the call's arguments. */
  message: string;
  /** silent: no or late answers. busy: the BMC asks for a rest. None: trying again changes nothing. */
  passing?: 'silent' | 'busy';
  /**
   * session: none came about, so the command was not sent. refusal: it was sent, and the BMC's answer was no. None:
   * nobody knows whether the BMC has acted on it.
   */
  stage?: 'session' | 'refusal';
  /** Not one packet came back. */
  absent?: true;
  /** A lost packet looks the same to the carrier: it counts when none was lost. */
  unsure?: true;
}

/** The message holds nothing of the call's arguments but the command, and the address of a BMC that is not reached. */
export class IpmiError extends FerricError {
  /** @param command its words */
  constructor(
    readonly fault: IpmiFault,
    private readonly command: string,
    private readonly target: BmcTarget,
  ) {
    const { code, message } = fault;
    const told =
      code === 'bmc-unreachable' ? message.replace(/the BMC(’s address)?/, `$& ${target.address}`) : message;
    super(code, `IPMI ${command} failed: ${told}.`);
  }

  /** The BMC has answered, and does not want to. */
  get refused(): boolean {
    return this.fault.stage === 'refusal' && this.fault.passing === undefined;
  }

  /** Nobody knows whether the BMC has acted on the command. */
  get unanswered(): boolean {
    return this.fault.passing !== undefined && this.fault.stage === undefined;
  }

  /** The same fault, with more to say of it. */
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

/** A command that is given once and never again. @throws IpmiError that says so where the answer is missing */
export async function givenOnce<T>(command: () => Promise<T>): Promise<T> {
  try {
    return await command();
  } catch (error) {
    if (!(error instanceof IpmiError) || !error.unanswered) throw error;
    throw error.adding('it may have been carried out, and is not sent twice');
  }
}
