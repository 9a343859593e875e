/** A periodic task; all are listed in periodic/tasks.ts. */
export interface PeriodicTask {
  readonly name: string;
  /**
   * Seconds from the start of one run to the start of the next. Runs of a task never overlap, and at least a quarter of
   * this time lies between the end of one and the start of the next, however long it took. 0: off.
   */
  readonly every: number;
  /** Runs once soon after the start, before the first interval is over. */
  readonly atStart?: boolean;
  run(signal: AbortSignal): Promise<void>;
  /** Resolves when nothing of its runs is under way; their signal has fired. */
  drain?(): Promise<void>;
}
