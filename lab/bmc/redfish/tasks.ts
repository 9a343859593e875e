import { type Body, collection, link, notFound } from './answer.js';
import { type Board, pathsOf, type Resources } from './board.js';

export type TaskState = 'Starting' | 'Running' | 'Completed' | 'Exception';

/** A task of the service (DSP0268, Task). */
export interface LabTask {
  readonly id: string;
  readonly path: string;
  /** The path that was asked to begin it. */
  readonly target: string;
  state: TaskState;
  percent: number;
  messages: { id: string; text: string }[];
}

/** TaskService of a BMC, and its maker's list of jobs, which outlives its tasks. */
export class Tasks {
  readonly #all = new Map<string, LabTask>();
  readonly #jobs = new Map<string, LabTask>();
  #last = 0;

  constructor(private readonly board: Board) {}

  begin(target: string): LabTask {
    const { jobs } = this.board.quirks;
    const id = `${jobs === null ? '' : 'JID_'}${++this.#last}`;
    const path = `/redfish/v1/TaskService/Tasks/${id}`;
    const task: LabTask = { id, path, target, state: 'Running', percent: 0, messages: [] };
    this.#all.set(id, task);
    this.#jobs.set(id, task);
    return task;
  }

  /** A finished task is deleted by services with that quirk. */
  end(task: LabTask, state: 'Completed' | 'Exception', text: string, id = 'Update.1.0.Told'): void {
    if (this.board.faults.has('endless-tasks')) return;
    task.state = state;
    task.percent = 100;
    task.messages.push({ id, text });
    if (this.board.quirks.tasksPurged) this.#all.delete(task.id);
  }

  resources(): Resources {
    const { personality, quirks } = this.board;
    const service = '/redfish/v1/TaskService';
    const tasks = `${service}/Tasks`;
    const found: Resources = {
      [service]: {
        get: () => ({
          '@odata.id': service,
          '@odata.type': '#TaskService.v1_2_0.TaskService',
          Id: 'TaskService',
          Name: 'Task Service',
          ServiceEnabled: true,
          Tasks: link(tasks),
        }),
      },
      [tasks]: {
        get: () => {
          if (quirks.tasksHidden) throw notFound(tasks);
          return collection(
            tasks,
            'TaskCollection',
            [...this.#all.values()].map(({ path }) => path),
          );
        },
        child: (id) => {
          const task = this.#all.get(id);
          return task && { get: () => taskBody(task) };
        },
      },
    };
    if (quirks.jobs === null) return found;
    const jobs = `${pathsOf(personality).manager}/${quirks.jobs}`;
    found[jobs] = {
      get: () => collection(jobs, 'DellJobCollection', []),
      child: (id) => {
        const job = this.#jobs.get(id);
        return job && { get: () => jobBody(job, `${jobs}/${id}`) };
      },
    };
    return found;
  }
}

export function taskBody(task: LabTask): Body {
  const { id, path, state, percent, messages, target } = task;
  return {
    '@odata.id': path,
    '@odata.type': '#Task.v1_6_0.Task',
    Id: id,
    Name: 'Update task',
    TaskState: state,
    TaskStatus: state === 'Exception' ? 'Critical' : 'OK',
    PercentComplete: percent,
    Messages: messages.map((one) => ({ MessageId: one.id, Message: one.text })),
    Payload: { TargetUri: target, HttpOperation: 'POST' },
  };
}

function jobBody({ id, state, percent, messages }: LabTask, path: string): Body {
  const states = { Starting: 'Scheduled', Running: 'Running', Completed: 'Completed', Exception: 'Failed' };
  return {
    '@odata.id': path,
    '@odata.type': '#DellJob.v1_3_0.DellJob',
    Id: id,
    Name: 'Firmware Update',
    JobState: states[state],
    PercentComplete: percent,
    Messages: messages.map((one) => ({ MessageId: one.id, Message: one.text })),
  };
}
