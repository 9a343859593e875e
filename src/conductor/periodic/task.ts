/** A periodic task as a value; listed once in periodic/tasks.ts. */
export interface PeriodicTask {
  readonly name: string;
  /** Seconds between the end of one run and the start of the next; 0: off. */
  readonly every: number;
  /** Runs once soon after the start, before the first interval is over. */
  readonly atStart?: boolean;
  run(signal: AbortSignal): Promise<void>;
  /** Ends when nothing of its runs goes on any more; their signal has fired. */
  drain?(): Promise<void>;
}
