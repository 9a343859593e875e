import { type ExtendedMessage, readMessage } from './error-body.js';
import { idOf, numberOf, partsOf, pathOf, type Resource, textOf, type Uri } from './resource.js';

/** State of a task or job. `gone`: deleted by a service that keeps no finished tasks. */
export type TaskEnd = 'running' | 'completed' | 'failed' | 'gone';

export interface TaskReading {
  readonly end: TaskEnd;
  readonly state: string;
  readonly percent: number | undefined;
  readonly messages: readonly ExtendedMessage[];
}

const FAILED = ['exception', 'killed', 'cancelled', 'failed'];

/**
 * Reads a Task (DSP0268). TaskState decides, since iDRAC still reports processing after the end; a completed task whose
 * TaskStatus is Critical has failed.
 */
export function readTask(task: Resource): TaskReading {
  const state = textOf(task, 'TaskState') ?? textOf(task, 'JobState') ?? '';
  const word = state.toLowerCase();
  const status = textOf(task, 'TaskStatus') ?? textOf(task, 'JobStatus');
  const messages = partsOf(task, 'Messages')
    .map(readMessage)
    .filter((message) => message !== undefined);
  const critical = status?.toLowerCase() === 'critical';
  const done = word.startsWith('completed');
  const bad =
    FAILED.some((name) => word.includes(name)) || (done && (critical || /error|failure/.test(word)));
  // An unknown state counts as running: the caller has a deadline.
  const end: TaskEnd = bad ? 'failed' : done ? 'completed' : 'running';
  return { end, state, percent: numberOf(task, 'PercentComplete'), messages };
}

/** The URI of the task that an answer started: Location, else the Task in its body (iLO5, Supermicro). */
export function taskOf(answer: {
  status: number;
  location: string | undefined;
  body: Resource | undefined;
}): Uri | undefined {
  const { status, body } = answer;
  const location = pathOf(answer.location);
  if (status === 202 && location !== undefined) return location;
  if (!body) return status === 202 ? location : undefined;
  const monitor = pathOf(body['TaskMonitor']);
  if (monitor !== undefined) return monitor;
  const isTask = /#Task\./.test(textOf(body, '@odata.type') ?? '') || 'TaskState' in body;
  if (isTask) return idOf(body) ?? location;
  // The 200 of an update that contains only a link to its task.
  const id = idOf(body);
  return id !== undefined && /\/(Tasks|TaskMonitors|Jobs)\//.test(id) ? id : location;
}
