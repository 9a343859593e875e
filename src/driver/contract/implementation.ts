import type { ReadContext } from './context.js';

/** driver_info key to its description, as `GET /v1/drivers/X/properties` shows it. */
export type PropertyTable = Readonly<Record<string, string>>;

/** What every implementation of every interface kind has. */
export interface Implementation {
  /** As in the node's `<kind>_interface` field. */
  readonly name: string;
  readonly properties: PropertyTable;
  /**
   * Checks the node's settings without touching the machine.
   * @throws InvalidError naming every fault of its fields
   */
  validate(context: ReadContext): Promise<void>;
  /** What an operator should know though nothing is wrong, such as that a step takes hours. */
  notice?(context: ReadContext): string | undefined;
  /** What has to be started before its first use; several implementations may share it. */
  readonly needs?: Startable;
}

/**
 * What implementations work with: a program of this machine, a client with sessions. Started with the daemon, once,
 * and only where an implementation that is enabled needs it.
 */
export interface Startable {
  /** For the log, and for the message where it does not start. */
  readonly name: string;
  /**
   * @returns what the log should say of it, such as its version
   * @throws FerricError where it cannot work here: the daemon does not start
   */
  start?(): Promise<string | undefined>;
  /**
   * Called in the reverse order, once nothing uses it any more.
   * @param hurry cuts short what is under way
   */
  stop?(hurry?: AbortSignal): Promise<void>;
}
