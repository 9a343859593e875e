import { InvalidError } from '../errors.js';
import { isObject } from '../json.js';

/** Attributes of a hint, and the type of each value (ironic_python_agent/device_hints.py). */
export const HINT_KINDS = {
  size: 'number', // GiB
  model: 'text',
  wwn: 'text',
  wwn_with_extension: 'text',
  wwn_vendor_extension: 'text',
  serial: 'text',
  vendor: 'text',
  name: 'text',
  rotational: 'boolean',
  hctl: 'text',
  by_path: 'text',
  tran: 'text',
} as const satisfies Record<string, 'number' | 'text' | 'boolean'>;

export type HintName = keyof typeof HINT_KINDS;

/** An operator comes before its own prefixes, so that the first match is the right one. */
const OPERATORS = [
  ...(['<all-in>', '<range-in>', '<in>', '<or>'] as const),
  ...(['s==', 's!=', 's<=', 's>=', 's<', 's>'] as const),
  ...(['==', '!=', '>=', '<=', '=', '>', '<'] as const),
] as const;
export type HintOperator = (typeof OPERATORS)[number];

const NUMBER_OPERATORS: readonly HintOperator[] = ['==', '!=', '>=', '<=', '=', '>', '<', '<range-in>'];

export interface NumberRange {
  low: number;
  lowIncluded: boolean;
  high: number;
  highIncluded: boolean;
}

/** One parsed hint. `=` on numbers means "at least", as upstream defines it. */
export type Hint =
  | { name: HintName; kind: 'boolean'; value: boolean }
  | { name: HintName; kind: 'range'; range: NumberRange }
  | { name: HintName; kind: 'number'; operator: HintOperator; values: readonly number[] }
  | { name: HintName; kind: 'text'; operator: HintOperator; values: readonly string[] };

/**
 * Parses `properties.root_device` or `instance_info.root_device`. All hints must fit a device.
 * @throws InvalidError naming the invalid hint
 */
export function parseRootDeviceHints(value: unknown): Hint[] {
  if (!isObject(value)) {
    throw new InvalidError('Root device hints must be an object of hint names and expressions.');
  }
  const unknown = Object.keys(value).filter((name) => !Object.hasOwn(HINT_KINDS, name));
  if (unknown.length > 0) {
    throw new InvalidError(
      `The hints "${unknown.join(', ')}" are invalid. Valid hints are: "${Object.keys(HINT_KINDS).join(', ')}"`,
    );
  }
  return Object.entries(value).map(([name, expression]) => parseHint(name as HintName, expression));
}

function parseHint(name: HintName, expression: unknown): Hint {
  const kind = HINT_KINDS[name];
  const shown = typeof expression === 'string' ? expression : JSON.stringify(expression);
  if (kind === 'boolean') {
    const value = parseBoolean(expression);
    if (value === undefined) {
      throw new InvalidError(`Root device hint "${name}" is not a Boolean value. Current value: ${shown}`);
    }
    return { name, kind, value };
  }
  if (kind === 'text' && typeof expression !== 'string') {
    throw new InvalidError(`Root device hint "${name}" is not a string value. Hint expression: ${shown}`);
  }
  const text = String(expression).trim().toLowerCase();
  if (text === '') throw new InvalidError(`Root device hint "${name}" expression is empty.`);
  const operator = OPERATORS.find((candidate) => text.startsWith(candidate));
  const rest = operator === undefined ? text : text.slice(operator.length).trim();
  if (rest === '') throw new InvalidError(`Root device hint "${name}" has no value after "${operator}".`);
  if (operator === '<range-in>') return { name, kind: 'range', range: parseRange(name, rest) };
  const values =
    operator === '<or>'
      ? splitValues(rest, '<or>')
      : operator === '<all-in>'
        ? splitValues(rest, '<all-in>').flatMap((value) => value.split(/\s+/))
        : [rest];
  if (kind === 'number') return parseSize(name, operator ?? '==', values);
  if (operator !== undefined && NUMBER_OPERATORS.includes(operator)) {
    return { name, kind: 'number', operator, values: values.map((value) => parseNumber(name, value)) };
  }
  return { name, kind: 'text', operator: operator ?? 's==', values };
}

function parseSize(name: HintName, operator: HintOperator, values: readonly string[]): Hint {
  if (operator !== '<or>' && !NUMBER_OPERATORS.includes(operator)) {
    throw new InvalidError(
      `Root device hint "${name}" is a number; the operator "${operator}" compares text.`,
    );
  }
  for (const value of values) {
    if (!/^-?\d+$/.test(value)) {
      throw new InvalidError(`Root device hint "${name}" is not an integer value. Current value: ${value}`);
    }
    if (Number(value) <= 0) {
      throw new InvalidError(
        `Root device hint "${name}" should be a positive integer. Current value: ${value}`,
      );
    }
  }
  return { name, kind: 'number', operator, values: values.map(Number) };
}

/** `[ 10 20 )`: a bracket includes its bound, a parenthesis does not. */
function parseRange(name: HintName, text: string): NumberRange {
  const match = /^([[(])\s*(\S+)\s+(\S+?)\s*([\])])$/.exec(text);
  if (!match) {
    throw new InvalidError(
      `Root device hint "${name}": a range looks like "<range-in> [ 10 20 )". Current value: ${text}`,
    );
  }
  return {
    low: parseNumber(name, match[2]!),
    lowIncluded: match[1] === '[',
    high: parseNumber(name, match[3]!),
    highIncluded: match[4] === ']',
  };
}

function parseNumber(name: HintName, text: string): number {
  if (!/^-?\d+(\.\d+)?$/.test(text)) {
    throw new InvalidError(`Root device hint "${name}" compares numbers, "${text}" is none.`);
  }
  return Number(text);
}

function splitValues(text: string, separator: string): string[] {
  return text
    .split(separator)
    .map((value) => value.trim())
    .filter((value) => value !== '');
}

export function parseBoolean(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value;
  const text = String(value).trim().toLowerCase();
  if (['1', 't', 'true', 'on', 'y', 'yes'].includes(text)) return true;
  if (['0', 'f', 'false', 'off', 'n', 'no'].includes(text)) return false;
  return undefined;
}
