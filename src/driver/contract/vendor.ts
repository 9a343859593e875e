import type { Json, JsonObject } from '../../domain/json.js';
import type { ReadContext } from './context.js';
import type { Implementation } from './implementation.js';
import type { StepDeclaration } from './step.js';

/** A method beyond the API's own, passed through to the driver; the names are those of the methods' listing. */
export interface VendorMethod {
  /** In capitals. */
  readonly http_methods: readonly string[];
  readonly description: string;
  /** Answered before it is done; its result is nobody's. */
  readonly async: boolean;
  /** The result is the body as it stands, not JSON. */
  readonly attach: boolean;
  readonly require_exclusive_lock: boolean;
  /** @throws InvalidError */
  validate?(args: JsonObject): void;
  run(context: ReadContext, args: JsonObject, httpMethod: string): Promise<Json>;
}

export interface VendorInterface extends Implementation {
  readonly steps?: readonly StepDeclaration[];
  readonly methods: Readonly<Record<string, VendorMethod>>;
}
