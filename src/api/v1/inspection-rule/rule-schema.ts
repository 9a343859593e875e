import { z } from 'zod';
import type { RuleAction, RuleCondition } from '../../../domain/inspection-rule/rule.js';
import { ACTIONS, CONDITIONS } from '../../../domain/inspection-rule/signature.js';
import { isObject } from '../../../domain/json.js';
import { shorten } from '../../request/value.js';

/** ironic/api/schemas/v1/inspection_rule.py */
const CONDITION_NAMES = Object.keys(CONDITIONS).flatMap((name) => [name, `!${name}`]);
const ACTION_NAMES = Object.keys(ACTIONS);
const MULTIPLE = ['any', 'all', 'first', 'last'];
const MOST_ITEMS = 500;

/** @param names the existing operators */
function items<T>(names: readonly string[], least: number, read: (item: Record<string, unknown>) => T) {
  return z.unknown().transform((value, context): T[] => {
    const fault = listFault(value, names, least);
    if (fault === null) return (value as Record<string, unknown>[]).map(read);
    context.addIssue({ code: 'custom', message: fault });
    return z.NEVER;
  });
}

function listFault(value: unknown, names: readonly string[], least: number): string | null {
  if (!Array.isArray(value)) return `a ${typeof value} is not of type 'array'`;
  if (value.length < least) return '[] is too short';
  if (value.length > MOST_ITEMS) return 'it has too many items';
  return value.map((item) => itemFault(item, names)).find((fault) => fault !== null) ?? null;
}

function itemFault(item: unknown, names: readonly string[]): string | null {
  if (!isObject(item)) return "an item is not of type 'object'";
  const missing = ['op', 'args'].find((name) => !Object.hasOwn(item, name));
  if (missing !== undefined) return `'${missing}' is a required property`;
  const { op, args, loop, multiple } = item;
  if (!names.includes(op as string)) return notOneOf(op, names);
  if (!isStructure(args)) return "args is not of type 'array', 'object'";
  if (loop !== undefined && !isStructure(loop)) return "loop is not of type 'array', 'object'";
  if (multiple !== undefined && !MULTIPLE.includes(multiple as string)) return notOneOf(multiple, MULTIPLE);
  return null;
}

function isStructure(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

function notOneOf(value: unknown, names: readonly string[]): string {
  return `'${shorten(String(value))}' is not one of [${names.map((name) => `'${name}'`).join(', ')}]`;
}

const picked = (item: Record<string, unknown>, names: readonly string[]) =>
  Object.fromEntries(names.flatMap((name) => (item[name] === undefined ? [] : [[name, item[name]]])));

export const conditionList = () =>
  items(
    CONDITION_NAMES,
    0,
    (item) => picked(item, ['op', 'args', 'loop', 'multiple']) as unknown as RuleCondition,
  ).nullable();
export const actionList = () =>
  items(ACTION_NAMES, 1, (item) => picked(item, ['op', 'args', 'loop']) as unknown as RuleAction);

/** An integer from 0; its upper limit is checked with the other rules. */
export const priority = () =>
  z
    .int({ error: (issue) => `${shorten(String(issue.input))} is not of type 'integer'` })
    .min(0, { error: (issue) => `${String(issue.input)} is less than the minimum of 0` })
    .max(2 ** 31 - 1, { error: (issue) => `${String(issue.input)} is too large` });
