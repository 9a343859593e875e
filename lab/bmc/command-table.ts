import { COMPLETION } from '../../src/protocol/ipmi/command.js';
import type { FaultSet } from './fault.js';
import type { Machine } from './machine.js';
import type { Session, SessionTable } from './session.js';

export interface CommandContext {
  machine: Machine;
  faults: FaultSet;
  sessions: SessionTable;
  /** Absent outside a session. */
  session: Session | undefined;
  guid: Uint8Array;
  /** Restarts the BMC itself; absent: unsupported. */
  restart: (() => void) | undefined;
  chassis: ChassisState;
}

/** State of the chassis commands, apart from the machine's. */
export interface ChassisState {
  identifyUntil: number;
  /** Boot option parameters other than the flags, as written. */
  bootParameters: Map<number, Uint8Array>;
  /** An accepted power action has failed later. */
  powerFault: boolean;
  /** Milliseconds that the BMC waits for an action before it responds; the action continues. */
  answerWithin: number;
  flagTimer: NodeJS.Timeout | undefined;
  /** Milliseconds until unused boot flags are cleared. */
  flagTimeout: number;
  failed(error: unknown): void;
}

export interface Reply {
  code: number;
  data: Uint8Array;
}

export function ok(...octets: readonly number[]): Reply {
  return { code: COMPLETION.ok, data: Uint8Array.from(octets) };
}

export function okBytes(data: Uint8Array): Reply {
  return { code: COMPLETION.ok, data };
}

export function refused(code: number): Reply {
  return { code, data: new Uint8Array(0) };
}

export interface CommandRow {
  netFn: number;
  command: number;
  /** Least privilege; 0: allowed without a session. */
  privilege: number;
  /** Least octets of request data; fewer give completion code 0xc7. */
  length: number;
  run(data: Uint8Array, context: CommandContext): Reply | Promise<Reply>;
}
