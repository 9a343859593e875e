import { InvalidError } from '../errors.js';
import type { Json, JsonObject } from '../json.js';
import { sameJson } from '../node/json-patch.js';
import { isInNetwork, parseAddress } from './address.js';
import { type RuleContext, settleArguments } from './arguments.js';
import { pythonText } from './format.js';
import type { RuleCondition } from './rule.js';
import { CONDITIONS, type ConditionName, parseOperator } from './signature.js';

/** Python's type names, for messages. */
const typeName = (value: Json): string =>
  value === null
    ? 'NoneType'
    : Array.isArray(value)
      ? 'list'
      : ({ string: 'str', number: 'int', boolean: 'bool' }[typeof value as string] ?? 'dict');

/**
 * Whether a condition holds. Source: ironic/common/inspection_rules/operators.py.
 * @throws InvalidError for values that the operator cannot compare
 */
export function holds(condition: RuleCondition, context: RuleContext): boolean {
  const { loop, multiple = 'any' } = condition;
  const items =
    loop === undefined ? [] : Array.isArray(loop) ? loop : Object.keys(loop).length > 0 ? [loop] : [];
  if (items.length === 0) return holdsOnce(condition, context);
  const results = items.map((item) => () => holdsOnce(condition, { ...context, item }));
  switch (multiple) {
    case 'all':
      return results.map((result) => result()).every(Boolean);
    case 'first': {
      const [first, ...others] = results;
      const is = first!();
      return Array.isArray(loop) ? is || others.some((result) => result()) : is;
    }
    case 'last':
      return results.map((result) => result()).at(-1)!;
    case 'any':
      return results.map((result) => result()).some(Boolean);
  }
}

function holdsOnce({ op, args }: RuleCondition, context: RuleContext): boolean {
  const { name, inverted } = parseOperator(op);
  const given = settleArguments(name, CONDITIONS[name], args, context);
  // In a loop, numbers may have become texts: all values are compared as texts.
  if (Object.hasOwn(context, 'item')) given['force_strings'] = true;
  return OPERATORS[name](given) !== inverted;
}

const OPERATORS: Readonly<Record<ConditionName, (given: JsonObject) => boolean>> = {
  eq: (given) => pairs('eq', given, same),
  lt: (given) => pairs('lt', given, (a, b) => compare('<', a, b) < 0),
  gt: (given) => pairs('gt', given, (a, b) => compare('>', a, b) > 0),
  'is-empty': ({ value }) => ['', 'None', '[]', '{}'].includes(pythonText(value!)),
  'in-net': ({ address, subnet }) => {
    const at = parseAddress(pythonText(address!));
    const inside = at && isInNetwork(at, pythonText(subnet!));
    if (inside === null) throw fault(`invalid value: ${pythonText((at ? subnet : address)!)}`);
    return inside;
  },
  matches: ({ value, regex }) => expression(regex!, true).test(pythonText(value!)),
  contains: ({ value, regex }) => expression(regex!, false).test(pythonText(value!)),
  'one-of': ({ value, values = [] }) =>
    Array.isArray(values)
      ? values.some((one) => same(one, value!))
      : pythonText(values).includes(pythonText(value!)),
  'is-none': ({ value }) => value === null,
  'is-true': ({ value }) =>
    typeof value === 'string'
      ? ['yes', 'true'].includes(value.toLowerCase())
      : isNumber(value!) && Boolean(value),
  'is-false': ({ value }) =>
    typeof value === 'string'
      ? ['no', 'false'].includes(value.toLowerCase())
      : value === null || (isNumber(value!) && !value),
};

function pairs(
  op: string,
  { values, force_strings }: JsonObject,
  is: (a: Json, b: Json) => boolean,
): boolean {
  if (!Array.isArray(values)) {
    throw fault(
      `Failed to check condition: '${op}' on values: ${pythonText(values!)}: Expected list for 'values', got: ` +
        typeName(values!),
    );
  }
  const all: Json[] = force_strings === true ? values.map(pythonText) : values;
  return all.slice(1).every((value, at) => is(all[at]!, value));
}

const isNumber = (value: Json): value is number | boolean =>
  typeof value === 'number' || typeof value === 'boolean';

function same(a: Json, b: Json): boolean {
  return isNumber(a) && isNumber(b) ? Number(a) === Number(b) : sameJson(a, b);
}

function compare(sign: '<' | '>', a: Json, b: Json): number {
  if (isNumber(a) && isNumber(b)) return Number(a) - Number(b);
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0;
  throw fault(`'${sign}' not supported between instances of '${typeName(a)}' and '${typeName(b)}'`);
}

/** Translates Python's syntax of groups, flags and anchors. @param whole the expression must match the whole text */
function expression(regex: Json, whole: boolean): RegExp {
  const python = pythonText(regex);
  const flags = /^\(\?([ims]+)\)/.exec(python);
  const source = (flags ? python.slice(flags[0].length) : python)
    .replaceAll('(?P<', '(?<')
    .replaceAll('\\A', '^')
    .replaceAll('\\Z', '$');
  try {
    const ending = source.endsWith('$') ? '' : '$';
    return new RegExp(whole ? `^(?:${source}${ending})` : source, flags?.[1] ?? '');
  } catch (error) {
    throw fault(`invalid regular expression: ${(error as Error).message}`);
  }
}

function fault(reason: string): InvalidError {
  return new InvalidError(`Inspection rule condition check failed. Reason: ${reason}`);
}
