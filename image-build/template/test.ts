// Tests of Jinja (jinja2/tests.py), for the operator `is`.
import { bind } from './arguments.js';
import { refuse } from './error.js';
import { arithmetic, compare, equals } from './operation.js';
import { str } from './print.js';
import type { Comparison } from './syntax.js';
import { TEXT_METHODS } from './text-method.js';
import {
  Dict,
  defined,
  type Given,
  numberOf,
  type PyValue,
  Range,
  Stream,
  Tuple,
  typeName,
  Undefined,
  View,
} from './value.js';

type Test = (value: PyValue, given: Given) => boolean;
const NONE: Given = { args: [], named: {} };

const plain =
  (name: string, holds: (value: PyValue) => boolean): Test =>
  (value, given) => {
    bind(name, [], given);
    return holds(defined(value));
  };
const compared =
  (name: string, operator: Comparison): Test =>
  (value, given) =>
    compare(operator, value, bind(name, ['b'], given).value('b'));
const remainder = (value: PyValue, by: PyValue) => arithmetic('%', value, by);
const number = (value: PyValue): PyValue =>
  numberOf(value) ?? refuse(`a number is wanted, not ${typeName(value)}`);
const isText = (value: PyValue) => typeof value === 'string';
const hasItems = (value: PyValue) =>
  isText(value) || Array.isArray(value) || value instanceof Tuple || value instanceof Dict;

const COMPARED = {
  eq: '==',
  equalto: '==',
  '==': '==',
  ne: '!=',
  lt: '<',
  lessthan: '<',
  le: '<=',
  gt: '>',
  greaterthan: '>',
  ge: '>=',
  in: 'in',
} as const;

const TESTS: Readonly<Record<string, Test>> = {
  ...Object.fromEntries(Object.entries(COMPARED).map(([name, operator]) => [name, compared(name, operator)])),
  boolean: plain('boolean', (value) => typeof value === 'boolean'),
  defined: (value, given) => {
    bind('defined', [], given);
    return !(value instanceof Undefined);
  },
  divisibleby: (value, given) =>
    equals(remainder(number(defined(value)), number(bind('divisibleby', ['num'], given).value('num'))), 0n),
  even: plain('even', (value) => equals(remainder(number(value), 2n), 0n)),
  false: plain('false', (value) => value === false),
  float: plain('float', (value) => typeof value === 'number'),
  integer: plain('integer', (value) => typeof value === 'bigint'),
  iterable: plain(
    'iterable',
    (value) => hasItems(value) || value instanceof Range || value instanceof View || value instanceof Stream,
  ),
  lower: plain('lower', (value) => TEXT_METHODS['islower']!(str(value), NONE) === true),
  mapping: plain('mapping', (value) => value instanceof Dict),
  none: plain('none', (value) => value === null),
  number: plain('number', (value) => numberOf(value) !== undefined),
  odd: plain('odd', (value) => equals(remainder(number(value), 2n), 1n)),
  sequence: plain('sequence', (value) => hasItems(value) || value instanceof Range),
  string: plain('string', isText),
  true: plain('true', (value) => value === true),
  undefined: (value, given) => {
    bind('undefined', [], given);
    return value instanceof Undefined;
  },
  upper: plain('upper', (value) => TEXT_METHODS['isupper']!(str(value), NONE) === true),
};

/** @throws TemplateError for an unknown test */
export function testNamed(name: string): Test {
  return Object.hasOwn(TESTS, name) ? TESTS[name]! : refuse(`there is no test ${name}`);
}
