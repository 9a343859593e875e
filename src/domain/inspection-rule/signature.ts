import type { JsonObject } from '../json.js';
import type { RuleArguments } from './rule.js';

/** Parameters of an operator. Source: ironic/common/inspection_rules/{operators,actions}.py. */
export interface Signature {
  readonly required: readonly string[];
  readonly optional?: readonly string[];
  /** Parameters whose texts may contain references, as `{inventory[bmc_address]}`; in loops all may. */
  readonly formatted: readonly string[];
}

export const CONDITIONS = {
  eq: { required: ['values'], optional: ['force_strings'], formatted: ['values'] },
  lt: { required: ['values'], optional: ['force_strings'], formatted: ['values'] },
  gt: { required: ['values'], optional: ['force_strings'], formatted: ['values'] },
  'is-empty': { required: ['value'], formatted: ['value'] },
  'in-net': { required: ['address', 'subnet'], formatted: ['address', 'subnet'] },
  matches: { required: ['value', 'regex'], formatted: ['value'] },
  contains: { required: ['value', 'regex'], formatted: ['value'] },
  'one-of': { required: ['value'], optional: ['values'], formatted: ['value'] },
  'is-none': { required: ['value'], formatted: ['value'] },
  'is-true': { required: ['value'], formatted: ['value'] },
  'is-false': { required: ['value'], formatted: ['value'] },
} as const satisfies Record<string, Signature>;
export type ConditionName = keyof typeof CONDITIONS;

export const ACTIONS = {
  fail: { required: ['msg'], formatted: [] },
  log: { required: ['msg'], optional: ['level'], formatted: ['msg'] },
  'set-attribute': { required: ['path', 'value'], formatted: ['value'] },
  'extend-attribute': { required: ['path', 'value'], optional: ['unique'], formatted: ['value'] },
  'del-attribute': { required: ['path'], formatted: [] },
  'set-capability': { required: ['name', 'value'], formatted: ['value'] },
  'unset-capability': { required: ['name'], formatted: [] },
  'add-trait': { required: ['name'], formatted: [] },
  'remove-trait': { required: ['name'], formatted: [] },
  'set-plugin-data': { required: ['path', 'value'], formatted: ['value'] },
  'extend-plugin-data': { required: ['path', 'value'], optional: ['unique'], formatted: ['value'] },
  'unset-plugin-data': { required: ['path'], formatted: [] },
  'set-port-attribute': { required: ['port_id', 'path', 'value'], formatted: ['value'] },
  'extend-port-attribute': {
    required: ['port_id', 'path', 'value'],
    optional: ['unique'],
    formatted: ['value'],
  },
  'del-port-attribute': { required: ['port_id', 'path'], formatted: [] },
  'api-call': {
    required: ['url'],
    optional: ['headers', 'proxies', 'timeout', 'retries', 'backoff_factor'],
    formatted: ['url'],
  },
} as const satisfies Record<string, Signature>;
export type ActionName = keyof typeof ACTIONS;

/** A condition's operator, and whether `!` negates it. */
export function parseOperator(op: string): { name: ConditionName; inverted: boolean } {
  const inverted = op.startsWith('!');
  return { name: (inverted ? op.slice(1) : op) as ConditionName, inverted };
}

/** Arguments by name, given by name or by position. */
export function namedArguments({ required, optional = [] }: Signature, args: RuleArguments): JsonObject {
  if (!Array.isArray(args)) return args;
  const names = [...required, ...optional];
  return Object.fromEntries(args.slice(0, names.length).map((value, at) => [names[at]!, value]));
}

/** @returns the fault of the arguments, null for none */
export function argumentFault(signature: Signature, args: RuleArguments): string | null {
  const { required, optional = [] } = signature;
  const given = namedArguments(signature, args);
  const missing = required.filter((name) => !Object.hasOwn(given, name));
  const unexpected = Object.keys(given).filter((name) => ![...required, ...optional].includes(name));
  const faults = [
    ...(missing.length > 0 ? [`missing required argument(s): ${missing.join(', ')}`] : []),
    ...(unexpected.length > 0 ? [`unexpected argument(s): ${unexpected.join(', ').slice(0, 200)}`] : []),
  ];
  return faults.length > 0 ? faults.join('; ') : null;
}
