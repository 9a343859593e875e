import { isObject, type Json, type JsonObject } from '../../../domain/json.js';
import type { Uri } from '../../../protocol/redfish/resource.js';
import type { RebootRecord } from '../step-reboot.js';

/**
 * Updates under way, as the step's checkpoint holds them. `stage`: nothing of this update was sent. `send`: its request is
 * being sent, or its answer was lost. `task`: the BMC has it. `reboot`: the machine is rebooted for it. `settle`: the BMC
 * must show its resources and the new version. `pause`: its records are written, and the configured time passes.
 */
export interface Progress extends JsonObject {
  phase: 'stage' | 'send' | 'task' | 'reboot' | 'settle' | 'pause';
  /** Index of the update under way. */
  at: number;
  /** ms since 1970: of the first update, and of this phase. */
  began: number;
  since: number;
  /** Versions by component before this update. */
  before: { [component: string]: string };
  /** How often its request was sent. */
  sent: number;
  /** Where to; null before. */
  target: Uri | null;
  /** The BMC fetches this conductor's file. */
  ours: boolean;
  /** The BMC did not reach this conductor: the image is sent to it, if it takes that. */
  unreached: boolean;
  /** Tasks before the request; null: the service does not show them. */
  tasksBefore: Uri[] | null;
  /** Manager.LastResetTime before the request. */
  managerReset: string | null;
  /** The BMC was away while the request's outcome was unknown: its tasks may be forgotten. */
  wasAway: boolean;
  /** The request was answered. */
  answered: boolean;
  task: Uri | null;
  /** The task was read at least once. */
  seen: boolean;
  /** How often it was missing. */
  missing: number;
  /** ms since 1970: since when the task waits for something; null: it does not. */
  waiting: number | null;
  reboot: RebootRecord | null;
  rebooted: boolean;
  /** The machine was off before the step. */
  wasOff: boolean;
  /** Successful reads in a row. */
  good: number;
  /** ms since 1970: when to look next. */
  due: number;
}

/** For one update that has not begun. */
export function beginning(more: Pick<Progress, 'at' | 'began' | 'before' | 'wasOff'>): Progress {
  return {
    ...more,
    phase: 'stage',
    since: Date.now(),
    sent: 0,
    target: null,
    ours: false,
    unreached: false,
    tasksBefore: null,
    managerReset: null,
    wasAway: false,
    answered: false,
    task: null,
    seen: false,
    missing: 0,
    waiting: null,
    reboot: null,
    rebooted: false,
    good: 0,
    due: 0,
  };
}

/** @returns undefined for anything but a checkpoint of updates */
export function progressOf(saved: Json): Progress | undefined {
  return isObject(saved) && typeof saved['phase'] === 'string' && typeof saved['at'] === 'number'
    ? (saved as Progress)
    : undefined;
}
