import { AsyncLocalStorage } from 'node:async_hooks';

/** What `run` takes from the work that it belongs to. */
export interface RunContext {
  /** Ends the programs: SIGTERM to their process groups, SIGKILL after `grace`. */
  signal?: AbortSignal;
  /** Receives each command line, and all output of the programs. */
  log?: (text: string) => void;
  /** Additional environment variables. */
  env?: Readonly<Record<string, string>>;
}

const current = new AsyncLocalStorage<RunContext>();

export function withRunContext<T>(context: RunContext, work: () => Promise<T>): Promise<T> {
  return current.run(context, work);
}

export function runContext(): RunContext {
  return current.getStore() ?? {};
}

/** Programs that `work` starts by `run` are ended when the signal fires, so that a build can be cancelled. */
export function cancellable<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  return withRunContext({ ...runContext(), signal }, work);
}
