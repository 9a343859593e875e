import { AsyncLocalStorage } from 'node:async_hooks';

/** What programs started by `run` take from the work that they are part of. */
export interface RunContext {
  /** Ends them: SIGTERM to their process groups, SIGKILL after `grace`. */
  signal?: AbortSignal;
  /** Gets each command line, and all that the programs print. */
  log?: (text: string) => void;
  /** Added to their environment. */
  env?: Readonly<Record<string, string>>;
}

const current = new AsyncLocalStorage<RunContext>();

export function withRunContext<T>(context: RunContext, work: () => Promise<T>): Promise<T> {
  return current.run(context, work);
}

export function runContext(): RunContext {
  return current.getStore() ?? {};
}

/** What `work` runs through `run` is ended when the signal fires, so that building can be given up half-way. */
export function cancellable<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  return withRunContext({ ...runContext(), signal }, work);
}
