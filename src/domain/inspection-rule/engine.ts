import type { Json, JsonObject } from '../json.js';
import { act, type Inspected, type RuleEffects } from './action.js';
import type { RuleContext } from './arguments.js';
import { holds } from './condition.js';
import type { RuleBody } from './rule.js';

/** Keys whose values are masked for rules, unless the configuration or a sensitive rule says otherwise. */
const SENSITIVE = ['password', 'auth_token', 'bmc_password'];
const MASK = '***';

export interface RunnableRule extends RuleBody {
  readonly priority: number;
  readonly sensitive: boolean;
}

/**
 * Applies rules to the data of an inspection, highest priority first; a rule sees the changes of those before it.
 * Source: ironic/common/inspection_rules/engine.py, except that no rule's changes are kept when one rule fails.
 * @param masking `always`: no rule sees secrets; `never`: all do; `sensitive`: only sensitive rules do
 * @returns the data to write; `inspected` itself is not changed
 * @throws InvalidError, which ends the inspection with its message
 */
export async function applyRules(
  rules: readonly RunnableRule[],
  inspected: Inspected,
  masking: 'always' | 'never' | 'sensitive',
  effects: RuleEffects,
): Promise<Inspected> {
  const changed = structuredClone(inspected);
  for (const rule of rules.toSorted((a, b) => b.priority - a.priority)) {
    const hides = masking === 'always' || (masking === 'sensitive' && !rule.sensitive);
    const context = (): RuleContext => ({
      node: changed.node,
      inventory: hides ? masked(changed.inventory) : changed.inventory,
      plugin_data: hides ? masked(changed.plugin_data) : changed.plugin_data,
    });
    if (!rule.conditions.every((condition) => holds(condition, context()))) continue;
    for (const action of rule.actions) await act(action, changed, context(), effects);
  }
  return changed;
}

function masked(value: JsonObject): JsonObject {
  const walk = (below: Json): Json => {
    if (Array.isArray(below)) return below.map(walk);
    return below !== null && typeof below === 'object' ? masked(below) : below;
  };
  return Object.fromEntries(
    Object.entries(value).map(([key, below]) => [key, SENSITIVE.includes(key) ? MASK : walk(below)]),
  );
}
