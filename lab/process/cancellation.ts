import { AsyncLocalStorage } from 'node:async_hooks';

const current = new AsyncLocalStorage<AbortSignal>();

/** What `work` runs through `run` gets SIGTERM when the signal fires, so that building can be given up half-way. */
export function cancellable<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  return current.run(signal, work);
}

export function cancelSignal(): AbortSignal | undefined {
  return current.getStore();
}
