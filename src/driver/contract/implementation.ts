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
  /** A dependency that must be started before first use; several implementations may share it. */
  readonly needs?: Startable;
}

/**
 * A dependency of implementations: a program of this machine, a client with sessions. It is started once with the
 * daemon, and only if an enabled implementation needs it.
 */
export interface Startable {
  /** For the log, and for the message if it does not start. */
  readonly name: string;
  /**
   * @returns details for the log, such as its version
   * @throws FerricError if it cannot work here: the daemon does not start
   */
  start?(): Promise<string | undefined>;
  /**
   * Called in reverse order, once nothing uses it any more.
   * @param hurry cuts running work short
   */
  stop?(hurry?: AbortSignal): Promise<void>;
}
