import type { Json, JsonObject } from '../json.js';

/** Arguments by name, or in the order of the operator's parameters. */
export type RuleArguments = Json[] | JsonObject;

export interface RuleCondition {
  /** With `!` before it: the opposite. */
  op: string;
  args: RuleArguments;
  /** Checked for each item of a list, as `{item}`. */
  loop?: Json[] | JsonObject;
  multiple?: 'any' | 'all' | 'first' | 'last';
}

export interface RuleAction {
  op: string;
  args: RuleArguments;
  loop?: Json[] | JsonObject;
}

/** What a rule looks for and does. All conditions must hold. */
export interface RuleBody {
  conditions: RuleCondition[];
  actions: RuleAction[];
}
