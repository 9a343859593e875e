import { messageOf } from '../domain/errors.js';
import { type Lines, ThrottledLog } from './throttled-log.js';

/**
 * The boundary between Node.js and our handlers. Whatever Node.js itself calls (a listener of a socket, stream, worker
 * or child, a timer, an abort listener) or nobody waits for (a promise) runs through here: what it throws would end the
 * process. A lint rule (`scripts/lint/contained.js`) finds a handler that does not.
 */

const faults = new Map<string, number>();
let sink: ThrottledLog | null = null;

/** Where faults are written; one line a second for each owner at most, with the number left out. */
export function reportFaults(log: Lines): void {
  sink = new ThrottledLog(log);
}

/** How many faults each owner had since the start. */
export function faultCounts(): Record<string, number> {
  return Object.fromEntries(faults);
}

/** Counts and writes a fault of a handler. */
export function noteFault(owner: string, error: unknown): void {
  faults.set(owner, (faults.get(owner) ?? 0) + 1);
  const words = { owner, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  const text = `${owner}: a fault in its handler; the rest goes on`;
  if (sink) sink.error(words, text);
  else process.stderr.write(`${text}: ${messageOf(error)}\n`);
}

/**
 * A handler whose throw or rejection ends with it.
 * @param owner whose fault it is, for the log: `TFTP: datagram`
 * @param failed what a fault must lead to: a connection is cut, a wait is refused. Its own faults end here, too
 */
export function contained<A extends unknown[]>(
  owner: string,
  handler: (...args: A) => unknown,
  failed?: (error: unknown, args: NoInfer<A>) => unknown,
): (...args: A) => void {
  return (...args) => {
    const fault = (error: unknown): void => {
      noteFault(owner, error);
      if (failed) contained(owner, failed)(error, args);
    };
    try {
      const result = handler(...args);
      if (result instanceof Promise) result.catch(fault);
    } catch (error) {
      fault(error);
    }
  };
}

/** Work that nobody waits for: its rejection ends with it. */
export function detached(owner: string, work: Promise<unknown>, failed?: (error: unknown) => unknown): void {
  contained(owner, () => work, failed)();
}

/**
 * The last net: faults of libraries' handlers, which do not come through `contained`. The process lives on; what was
 * thrown there reached no state of ours half-way, since every handler of ours has its own net.
 */
export function catchTheRest(): void {
  process.on('uncaughtException', (error) => noteFault('a library', error));
  process.on('unhandledRejection', (error) => noteFault('a promise of a library', error));
}
