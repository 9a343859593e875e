import type { Json, JsonObject } from '../json.js';
import { formatText, MissingKey, NotFormatted } from './format.js';
import type { RuleArguments } from './rule.js';
import { namedArguments, type Signature } from './signature.js';

/** Values that texts may refer to: node, inventory, plugin_data, and in loops the item. */
export type RuleContext = JsonObject;

/** Arguments by name, with references resolved (Ironic: common/inspection_rules/base.py, _process_args). */
export function settleArguments(
  op: string,
  signature: Signature,
  args: RuleArguments,
  context: RuleContext,
): JsonObject {
  const inLoop = Object.hasOwn(context, 'item');
  const text = (value: string): Json => formatted(value, op, context);
  const settle = (value: Json): Json => {
    if (typeof value === 'string') {
      const once = text(value);
      // A loop's item may itself contain references.
      return inLoop && typeof once === 'string' ? text(once) : once;
    }
    if (Array.isArray(value)) return value.map(settle);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [String(text(key)), settle(item)]));
  };
  return Object.fromEntries(
    Object.entries(namedArguments(signature, args)).map(([name, value]) => [
      name,
      inLoop || signature.formatted.includes(name) ? settle(value) : value,
    ]),
  );
}

function formatted(value: string, op: string, context: RuleContext): Json {
  try {
    return formatText(value, context);
  } catch (error) {
    if (error instanceof MissingKey) return op === 'is-empty' ? null : value;
    if (error instanceof NotFormatted) return value;
    throw error;
  }
}
