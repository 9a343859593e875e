import type { Json, JsonObject } from '../json.js';

/** Arguments by name, or in the order of the operator's parameters. */
export type RuleArguments = Json[] | JsonObject;

export interface RuleCondition {
  /** A leading `!` negates it. */
  op: string;
  args: RuleArguments;
  /** The condition is checked for each item, as `{item}`. */
  loop?: Json[] | JsonObject;
  multiple?: 'any' | 'all' | 'first' | 'last';
}

export interface RuleAction {
  op: string;
  args: RuleArguments;
  loop?: Json[] | JsonObject;
}

/** Conditions and actions of a rule. All conditions must hold. */
export interface RuleBody {
  conditions: RuleCondition[];
  actions: RuleAction[];
}
