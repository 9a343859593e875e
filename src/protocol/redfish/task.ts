import { type ExtendedMessage, readMessage } from './error-body.js';
import { idOf, numberOf, partsOf, pathOf, type Resource, textOf, type Uri } from './resource.js';

/** What a task or job has come to. `gone`: purged by a service that keeps none that ended. */
export type TaskEnd = 'running' | 'completed' | 'failed' | 'gone';

export interface TaskReading {
  readonly end: TaskEnd;
  readonly state: string;
  readonly percent: number | undefined;
  readonly messages: readonly ExtendedMessage[];
}

const FAILED = ['exception', 'killed', 'cancelled', 'failed'];

/**
 * A Task (DSP0268): TaskState decides, since iDRAC says that it is processing still when it is not; a completed one whose
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
  // A state that is not known is work that is not over: whoever waits has a deadline.
  const end: TaskEnd = bad ? 'failed' : done ? 'completed' : 'running';
  return { end, state, percent: numberOf(task, 'PercentComplete'), messages };
}

/** Where the work that an answer began can be watched: Location first, else the Task in its body (iLO5, Supermicro). */
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
  // A 200 of an update with nothing but a link to its task.
  const id = idOf(body);
  return id !== undefined && /\/(Tasks|TaskMonitors|Jobs)\//.test(id) ? id : location;
}
