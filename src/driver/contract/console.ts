import type { JsonObject } from '../../domain/json.js';
import type { DriverContext, ReadContext } from './context.js';
import type { Implementation } from './implementation.js';

/** Whether a node's console is on is the conductor's to record. */
export interface ConsoleInterface extends Implementation {
  start(context: DriverContext): Promise<void>;
  stop(context: DriverContext): Promise<void>;
  /** `console_info`: type and url where there are any. */
  describe(context: ReadContext): Promise<JsonObject>;
}
