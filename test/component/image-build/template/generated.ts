import fc from 'fast-check';
import { VARIABLES } from './expressions.js';

const NAMES = Object.keys(VARIABLES);
const LITERALS = [
  ...['0', '1', '-1', '2', '3', '10', '2.5', '0.1', '-7', '1e3', 'true', 'false', 'none'],
  ...["''", "'a'", "'b,c'", "'A b'", "'%s'", "'é😀'", "'12'", "'1.5'", '[]', '{}', '()', '(1, 2)'],
];
const OPERATORS = [
  '+',
  '-',
  '*',
  '/',
  '//',
  '%',
  '~',
  '==',
  '!=',
  '<',
  '<=',
  '>',
  '>=',
  'in',
  'not in',
  'and',
  'or',
];
const FILTERS = [
  ...[
    'abs',
    'capitalize',
    'count',
    'first',
    'float',
    'int',
    'items',
    'join',
    'last',
    'length',
    'list',
    'lower',
  ],
  ...[
    'max',
    'min',
    'reverse',
    'round',
    'sort',
    'string',
    'sum',
    'title',
    'trim',
    'unique',
    'upper',
    'wordcount',
  ],
  ...[
    'dictsort',
    'select',
    'reject',
    'indent',
    'truncate',
    'bool',
    'basename',
    'dirname',
    'quote',
    'to_json',
    'd',
  ],
];
const FILTERS_OF_ONE = [
  'default',
  'join',
  'batch',
  'slice',
  'map',
  'groupby',
  'sum',
  'round',
  'center',
  'format',
  'indent',
];
const METHODS = [
  ...[
    'upper',
    'lower',
    'title',
    'capitalize',
    'strip',
    'split',
    'splitlines',
    'items',
    'keys',
    'values',
    'copy',
    'pop',
  ],
  ...['isdigit', 'isalpha', 'islower', 'swapcase', 'lstrip', 'rstrip', 'rsplit'],
];
const METHODS_OF_ONE = [
  ...[
    'split',
    'rsplit',
    'startswith',
    'endswith',
    'find',
    'rfind',
    'count',
    'index',
    'join',
    'get',
    'strip',
    'zfill',
  ],
  ...[
    'partition',
    'rpartition',
    'center',
    'ljust',
    'append',
    'extend',
    'pop',
    'remove',
    'removeprefix',
    'format',
  ],
];
const TESTS = [
  ...[
    'defined',
    'none',
    'string',
    'number',
    'integer',
    'float',
    'mapping',
    'sequence',
    'iterable',
    'odd',
    'even',
  ],
  ...['boolean', 'true', 'false', 'lower', 'upper', 'undefined'],
];

/** Expressions of Jinja, most of them without a fault of type. */
export const expressions: fc.Arbitrary<string> = fc.letrec<{ value: string }>((tie) => {
  const atom = fc.oneof(fc.constantFrom(...NAMES), fc.constantFrom(...LITERALS));
  const value = tie('value');
  const index = fc.oneof(fc.integer({ min: -4, max: 12 }).map(String), fc.constant(''));
  return {
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      atom,
      fc
        .tuple(value, fc.constantFrom(...OPERATORS), value)
        .map(([a, operator, b]) => `${a} ${operator} ${b}`),
      value.map((inside) => `(${inside})`),
      // Powers of powers would keep Python busy for hours.
      fc.tuple(atom, fc.constantFrom('0', '2', '3', '-1', '0.5')).map(([of, by]) => `${of} ** ${by}`),
      fc.tuple(fc.constantFrom('not ', '-', '+'), value).map(([sign, of]) => `${sign}${of}`),
      fc.tuple(value, fc.constantFrom(...FILTERS)).map(([of, name]) => `${of} | ${name}`),
      fc
        .tuple(value, fc.constantFrom(...FILTERS_OF_ONE), atom)
        .map(([of, name, by]) => `${of} | ${name}(${by})`),
      fc.tuple(atom, fc.constantFrom(...METHODS)).map(([of, name]) => `(${of}).${name}()`),
      fc
        .tuple(atom, fc.constantFrom(...METHODS_OF_ONE), atom)
        .map(([of, name, by]) => `(${of}).${name}(${by})`),
      fc.tuple(atom, atom, atom).map(([of, a, b]) => `(${of}).replace(${a}, ${b})`),
      fc.tuple(atom, value).map(([of, key]) => `${of}[${key}]`),
      fc
        .tuple(value, index, index, fc.constantFrom('', '1', '-1', '2', '-2'))
        .map((s) => `(${s[0]})[${s[1]}:${s[2]}:${s[3]}]`),
      fc
        .tuple(value, fc.constantFrom('is', 'is not'), fc.constantFrom(...TESTS))
        .map((parts) => parts.join(' ')),
      fc.tuple(value, value, value).map(([a, test, b]) => `${a} if ${test} else ${b}`),
      fc.array(value, { maxLength: 3 }).map((items) => `[${items.join(', ')}]`),
      fc.tuple(atom, value).map(([key, of]) => `{${key}: ${of}}`),
      fc
        .tuple(
          fc.constantFrom('%s', '%d', '%5.1f|', '%x', '%r', '%-4s|', '%05d', '%+d', '%%%s', '%.2s'),
          value,
        )
        .map(([text, of]) => `'${text}' % (${of})`),
    ),
  };
}).value;
