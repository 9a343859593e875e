import type { JsonObject } from '../../domain/json.js';
import type { DriverContext, ReadContext } from './context.js';
import type { Implementation } from './implementation.js';

/** The console of a node. The conductor records whether it is on. */
export interface ConsoleInterface extends Implementation {
  start(context: DriverContext): Promise<void>;
  stop(context: DriverContext): Promise<void>;
  /** `console_info`: type and url, if any. */
  describe(context: ReadContext): Promise<JsonObject>;
}
