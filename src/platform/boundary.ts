import { messageOf } from '../domain/errors.js';
import { type Lines, ThrottledLog } from './throttled-log.js';

/**
 * The boundary between Node.js and our handlers. Every callback of Node.js (listener of a socket, stream, worker or
 * child, timer, abort listener) and every promise that nobody awaits runs through here: a throw would end the
 * process. A lint rule (`scripts/lint/contained.js`) finds a handler that does not.
 */

const faults = new Map<string, number>();
let sink: ThrottledLog | null = null;

/**
 * Is told of each handler that is wrapped, and of each promise that is detached.
 * @returns is called each time before the handler runs, or when the promise is fulfilled: what it throws is a fault of
 *   that handler
 */
export type HandlerWatch = (owner: string) => () => void;

let watch: HandlerWatch | null = null;

/** For tests that make handlers throw, those wrapped from now on; nothing in `src` calls it. */
export function watchHandlers(next: HandlerWatch | null): void {
  watch = next;
}

/** Where faults are logged; at most one line a second per owner, with the number of omitted lines. */
export function reportFaults(log: Lines): void {
  sink = new ThrottledLog(log);
}

/** How many faults each owner had since the start. */
export function faultCounts(): Record<string, number> {
  return Object.fromEntries(faults);
}

/** Counts and logs a fault of a handler. */
export function noteFault(owner: string, error: unknown): void {
  faults.set(owner, (faults.get(owner) ?? 0) + 1);
  const words = { owner, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  const text = `${owner}: a fault in its handler; the rest goes on`;
  if (sink) sink.error(words, text);
  else process.stderr.write(`${text}: ${messageOf(error)}\n`);
}

/**
 * Wraps a handler so that a throw or rejection does not leave it.
 * @param owner names the handler in the log: `TFTP: datagram`
 * @param failed the reaction to a fault: a connection is cut, a wait is rejected. Its own faults end here, too
 */
export function contained<A extends unknown[]>(
  owner: string,
  handler: (...args: A) => unknown,
  failed?: (error: unknown, args: NoInfer<A>) => unknown,
): (...args: A) => void {
  return guarded(owner, watch ? watched(watch, owner, handler) : handler, failed);
}

/** Runs work that nobody awaits: its rejection does not leave this function. */
export function detached(owner: string, work: Promise<unknown>, failed?: (error: unknown) => unknown): void {
  const end = watch ? work.then(watched(watch, owner, (value: unknown) => value)) : work;
  guarded(owner, () => end, failed)();
}

function watched<A extends unknown[], R>(
  by: HandlerWatch,
  owner: string,
  handler: (...args: A) => R,
): (...args: A) => R {
  const called = by(owner);
  return (...args) => {
    called();
    return handler(...args);
  };
}

function guarded<A extends unknown[]>(
  owner: string,
  handler: (...args: A) => unknown,
  failed?: (error: unknown, args: A) => unknown,
): (...args: A) => void {
  return (...args) => {
    const fault = (error: unknown): void => {
      noteFault(owner, error);
      if (failed) guarded(owner, failed)(error, args);
    };
    try {
      const result = handler(...args);
      if (result instanceof Promise) result.catch(fault);
    } catch (error) {
      fault(error);
    }
  };
}

/**
 * The last net: faults in handlers of libraries, which do not come through `contained`. The process continues: such a
 * fault left none of our state half-changed, since every handler of ours has its own net.
 */
export function catchTheRest(): void {
  process.on('uncaughtException', (error) => noteFault('a library', error));
  process.on('unhandledRejection', (error) => noteFault('a promise of a library', error));
}
