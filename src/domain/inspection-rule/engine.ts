import type { Json, JsonObject } from '../json.js';
import { act, type Inspected, type RuleDoors } from './action.js';
import type { RuleContext } from './arguments.js';
import { holds } from './condition.js';
import type { RuleBody } from './rule.js';

/** What rules are not shown of what was found, unless the configuration or a sensitive rule says so. */
const SENSITIVE = ['password', 'auth_token', 'bmc_password'];
const MASK = '***';

export interface RunnableRule extends RuleBody {
  readonly priority: number;
  readonly sensitive: boolean;
}

/**
 * Applies rules to what an inspection found, highest priority first; a rule sees what those before it did.
 * Source: ironic/common/inspection_rules/engine.py, but that nothing is kept of rules when one of them fails.
 * @param masking whose rules see secrets: nobody's, everybody's or sensitive rules'
 * @returns what is to be written; `inspected` itself stays as it is
 * @throws InvalidError, which ends the inspection with its message
 */
export async function applyRules(
  rules: readonly RunnableRule[],
  inspected: Inspected,
  masking: 'always' | 'never' | 'sensitive',
  doors: RuleDoors,
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
    for (const action of rule.actions) await act(action, changed, context(), doors);
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
