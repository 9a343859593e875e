import { FerricError } from '../../domain/errors.js';
import { pause } from '../../platform/pause.js';
import { wordsOf } from '../../protocol/redfish/error-body.js';
import type { Uri } from '../../protocol/redfish/resource.js';
import { readTask, type TaskReading, taskOf } from '../../protocol/redfish/task.js';
import { RedfishError } from './faults.js';
import type { RedfishMachine } from './machine.js';
import type { Answer } from './transport.js';

/** ms between two polls of a task, unless its service requests another interval. */
const LOOK = 2_000;
const LONGEST_LOOK = 30_000;
/** How often a new task may be missing, and ms between the polls (iDRAC). */
export const MISSING = 3;
const MISSING_PAUSE = 10_000;

/**
 * Waits for the task that an answer started; without a task the work is done. A missing task counts as done: services
 * delete finished tasks. The caller checks the result.
 * @param timeout ms
 * @throws FerricError bmc-failed for a task that failed or does not end
 */
export async function awaitTask(machine: RedfishMachine, answer: Answer, timeout: number): Promise<void> {
  const uri = taskOf(answer);
  if (uri === undefined) return;
  const end = performance.now() + timeout;
  let seen = false;
  let missing = 0;
  for (;;) {
    const task = await lookAtTask(machine, uri);
    if (task?.end === 'completed') return;
    if (task?.end === 'failed') throw taskFailure(uri, task);
    if (!task && (seen || ++missing >= MISSING)) return;
    seen ||= task !== undefined;
    const delay = task ? Math.min(task.retryAfter ?? LOOK, LONGEST_LOOK) : MISSING_PAUSE;
    if (performance.now() + delay >= end) {
      throw new FerricError(
        'bmc-failed',
        `The BMC’s task ${uri} did not end within ${Math.round(timeout / 1000)} s.`,
      );
    }
    await pause(delay, machine.caller.signal);
  }
}

/**
 * Reads a task, or the monitor of one.
 * @returns undefined where the service has it no more, or not yet
 * @throws RedfishError, also for the refusal that a monitor passes on
 */
export async function lookAtTask(
  machine: RedfishMachine,
  uri: Uri,
): Promise<(TaskReading & { retryAfter: number | undefined }) | undefined> {
  try {
    const look = await machine.client.send(machine.caller, { method: 'GET', path: uri, repeat: 'looks' });
    const body = look.body ?? {};
    const { retryAfter } = look;
    // A task monitor answers 202 while the task runs, and afterwards with the answer of the original request.
    const isTask = 'TaskState' in body || 'JobState' in body;
    if (look.status === 202 || isTask) return { ...readTask(body), retryAfter };
    return { end: 'completed', state: 'Completed', percent: undefined, messages: [], retryAfter };
  } catch (error) {
    if (!(error instanceof RedfishError) || (error.status !== 404 && error.status !== 410)) throw error;
    return undefined;
  }
}

/** The failure of a task, in the BMC's own words. */
export function taskFailure(uri: Uri, { state, messages }: TaskReading): FerricError {
  const words = wordsOf(messages);
  return new FerricError(
    'bmc-failed',
    `The BMC’s task ${uri} ended as ${state}${words === undefined ? '' : `: ${words}`}`,
  );
}
