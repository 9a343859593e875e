import type { SchedulerRegistry } from '@nestjs/schedule';
import { messageOf } from '../../domain/errors.js';
import { contained } from '../../platform/boundary.js';
import type { Logger } from '../../platform/logger.js';
import { count, observe } from '../../platform/meter/meter.js';
import type { PeriodicTask } from './task.js';

/** Results of a task's runs, for logs and health. */
export interface TaskStatus {
  runs: number;
  failures: number;
  lastDuration: number | null;
  lastError: string | null;
}

/** Part of a task's interval that lies at least between two runs. */
const LEAST_PAUSE = 0.25;

/**
 * @param took how long a run took, ms
 * @param every the task's interval, ms
 * @returns ms until the next run starts
 */
export function delayAfter(took: number, every: number): number {
  return Math.max(every - took, every * LEAST_PAUSE);
}

/** Runs periodic tasks on Nest's scheduler: first runs are spread, runs of one task never overlap. */
export class PeriodicRunner {
  readonly #stopping = new AbortController();
  readonly #running = new Map<string, Promise<void>>();
  readonly #tasks: PeriodicTask[] = [];
  readonly status = new Map<string, TaskStatus>();

  constructor(
    private readonly registry: SchedulerRegistry,
    private readonly log: Logger,
  ) {}

  start(tasks: readonly PeriodicTask[]): void {
    for (const task of tasks) this.add(task);
  }

  /** Adds a task of a module that starts after the conductor. */
  add(task: PeriodicTask): void {
    this.#tasks.push(task);
    this.status.set(task.name, { runs: 0, failures: 0, lastDuration: null, lastError: null });
    if (task.every === 0) {
      this.log.info({ task: task.name }, 'periodic task is off');
      return;
    }
    // Conductors that start together must not poll the BMCs at the same moment.
    this.#schedule(task, task.atStart ? 100 : task.every * 1000 * (0.5 + Math.random() / 2));
  }

  /** @param delay ms until the next run */
  #schedule(task: PeriodicTask, delay: number): void {
    if (this.#stopping.signal.aborted) return;
    if (this.registry.doesExist('timeout', task.name)) this.registry.deleteTimeout(task.name);
    const due = contained(
      `periodic task ${task.name}`,
      () => this.#turn(task),
      () => this.#schedule(task, task.every * 1000),
    );
    this.registry.addTimeout(task.name, setTimeout(due, delay));
  }

  async #turn(task: PeriodicTask): Promise<void> {
    const begun = performance.now();
    await this.run(task);
    this.#schedule(task, delayAfter(performance.now() - begun, task.every * 1000));
  }

  /** Runs the task now, or joins the run under way. */
  run(task: PeriodicTask): Promise<void> {
    const running = this.#running.get(task.name);
    if (running || this.#stopping.signal.aborted) return running ?? Promise.resolve();
    const run = this.#once(task).finally(() => this.#running.delete(task.name));
    this.#running.set(task.name, run);
    return run;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const name of this.registry.getTimeouts()) this.registry.deleteTimeout(name);
    await Promise.allSettled(this.#running.values());
    await Promise.allSettled(this.#tasks.map(async (task) => task.drain?.()));
  }

  async #once(task: PeriodicTask): Promise<void> {
    const status = this.status.get(task.name) ?? {
      runs: 0,
      failures: 0,
      lastDuration: null,
      lastError: null,
    };
    const started = performance.now();
    let outcome = 'succeeded';
    try {
      await task.run(this.#stopping.signal);
      status.lastError = null;
    } catch (error) {
      status.failures++;
      outcome = this.#stopping.signal.aborted ? 'cut' : 'failed';
      status.lastError = messageOf(error);
      if (!this.#stopping.signal.aborted)
        this.log.warn({ task: task.name, error: messageOf(error) }, 'periodic task failed');
    }
    status.runs++;
    status.lastDuration = performance.now() - started;
    count('periodic_runs_total', { task: task.name, outcome });
    observe('periodic_duration_seconds', { task: task.name }, status.lastDuration / 1000);
    this.status.set(task.name, status);
  }
}
