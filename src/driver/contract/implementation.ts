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
  /** What it works with on this machine; several implementations may share it. */
  readonly tool?: Tool;
}

/** A program that implementations need. Started with the daemon, and only where one that is enabled needs it. */
export interface Tool {
  readonly name: string;
  /** @throws FerricError where it cannot work here */
  start(): Promise<{ version: string }>;
  stop?(): Promise<void>;
}
