import type { Json, JsonObject } from '../../domain/json.js';
import type { ReadContext } from './context.js';
import type { Implementation } from './implementation.js';
import type { StepDeclaration } from './step.js';

/** A driver method beyond the API's own; field names are those of the methods' listing. */
export interface VendorMethod {
  /** Upper case. */
  readonly http_methods: readonly string[];
  readonly description: string;
  /** Answered before it has finished; its result is discarded. */
  readonly async: boolean;
  /** The result is the raw response body, not JSON. */
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
