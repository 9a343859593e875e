// Filters of Jinja (jinja2/filters.py, 3.1), and those of Ansible that scripts need (ansible/plugins/filter/core.py).
import { type Bound, bind, type Filter } from './arguments.js';
import { roundHalfEven } from './decimal.js';
import { refuse } from './error.js';
import { toJson } from './json.js';
import { attribute } from './method.js';
import { arithmetic, asFloat, limited } from './operation.js';
import { formatPercent } from './percent.js';
import { str } from './print.js';
import { SEQUENCE_FILTERS } from './sequence-filter.js';
import { capitalized, justified, replaced, stripped, TEXT_METHODS } from './text-method.js';
import {
  charactersOf,
  Dict,
  defined,
  type Given,
  isTrue,
  lengthOf,
  numberOf,
  otherwise,
  type PyValue,
  Tuple,
  typeName,
  Undefined,
} from './value.js';

const NONE: Given = { args: [], named: {} };

const filter =
  (name: string, parameters: readonly string[], call: (value: PyValue, bound: Bound) => PyValue): Filter =>
  (value, given) =>
    call(value, bind(name, parameters, given));
const ofText = (
  name: string,
  parameters: readonly string[],
  call: (text: string, bound: Bound) => PyValue,
): Filter => filter(name, parameters, (value, bound) => call(str(value), bound));

const TEXT_FILTERS: Readonly<Record<string, Filter>> = {
  capitalize: ofText('capitalize', [], capitalized),
  center: ofText('center', ['width'], (text, bound) =>
    justified(text, bound.number('width', 80), ' ', 'center'),
  ),
  format: (value, { args, named }) => {
    if (args.length > 0 && Object.keys(named).length > 0) refuse('format takes either kind of arguments');
    const values = Object.keys(named).length > 0 ? Dict.of(Object.entries(named)) : new Tuple(args);
    return formatPercent(str(value), values);
  },
  indent: filter('indent', ['width', 'first', 'blank'], (value, bound) =>
    typeof value === 'string' ? indented(value, bound) : refuse(`indent takes str, not ${typeName(value)}`),
  ),
  lower: ofText('lower', [], (text) => text.toLowerCase()),
  replace: ofText('replace', ['old', 'new', 'count'], (text, bound) => {
    const count = bound.or('count', null);
    return replaced(
      text,
      str(bound.value('old')),
      str(bound.value('new')),
      count === null ? -1 : bound.number('count'),
    );
  }),
  string: ofText('string', [], (text) => text),
  title: ofText('title', [], (text) =>
    text
      .split(/([-\s({[<]+)/)
      .map((word) => {
        const [first = '', ...rest] = charactersOf(word);
        return first.toUpperCase() + rest.join('').toLowerCase();
      })
      .join(''),
  ),
  trim: ofText('trim', ['chars'], (text, bound) => stripped(text, bound.optionalText('chars'), 'both')),
  truncate: filter('truncate', ['length', 'killwords', 'end', 'leeway'], (value, bound) =>
    typeof value === 'string'
      ? truncated(value, bound)
      : refuse(`truncate takes str, not ${typeName(value)}`),
  ),
  upper: ofText('upper', [], (text) => text.toUpperCase()),
  wordcount: ofText('wordcount', [], (text) => BigInt((text.match(/[\p{L}\p{N}_]+/gu) ?? []).length)),
};

function indented(text: string, bound: Bound): string {
  const width = bound.or('width', 4n);
  const indention = typeof width === 'string' ? width : ' '.repeat(Math.max(0, bound.number('width', 4)));
  if (indention.length > 10_000) refuse('an indention that is too wide');
  const lines = TEXT_METHODS['splitlines']!(`${text}\n`, NONE) as string[];
  const blank = isTrue(bound.or('blank', false));
  const rest = lines.map((line, at) => (at === 0 || (line === '' && !blank) ? line : indention + line));
  return limited((isTrue(bound.or('first', false)) ? indention : '') + rest.join('\n'));
}

function truncated(text: string, bound: Bound): string {
  const length = bound.number('length', 255);
  const end = bound.text('end', '...');
  const leeway = bound.or('leeway', null) === null ? 5 : bound.number('leeway');
  const room = length - charactersOf(end).length;
  if (room < 0 || leeway < 0) refuse('truncate to less than its end');
  const all = charactersOf(text);
  if (all.length <= length + leeway) return text;
  const kept = all.slice(0, room).join('');
  if (isTrue(bound.or('killwords', false))) return kept + end;
  const space = kept.lastIndexOf(' ');
  return (space === -1 ? kept : kept.slice(0, space)) + end;
}

const NUMBER_FILTERS: Readonly<Record<string, Filter>> = {
  abs: filter('abs', [], (value) => {
    const number = numberOf(value);
    if (number === undefined) return refuse(`abs takes a number, not ${typeName(value)}`);
    return typeof number === 'bigint' ? (number < 0n ? -number : number) : Math.abs(number);
  }),
  float: filter('float', ['default'], (value, bound) => toFloat(value) ?? bound.or('default', 0)),
  int: filter('int', ['default', 'base'], (value, bound) => {
    const whole = toInt(value, bound.number('base', 10));
    return whole ?? bound.or('default', 0n);
  }),
  round: filter('round', ['precision', 'method'], (value, bound) => {
    const number = numberOf(value);
    if (number === undefined) return refuse(`round takes a number, not ${typeName(value)}`);
    return rounded(number, bound.number('precision', 0), bound.text('method', 'common'));
  }),
};

function rounded(value: bigint | number, precision: number, method: string): PyValue {
  if (method === 'common') {
    if (typeof value === 'number') return roundHalfEven(value, precision);
    // round(int, n) returns an int.
    return precision >= 0 ? value : refuse('rounding to less than one is not taken');
  }
  if (method !== 'ceil' && method !== 'floor') return refuse('method must be common, ceil or floor');
  if (precision < 0 || precision > 15) return refuse('this precision is not taken');
  const scale = 10n ** BigInt(precision);
  const scaled = asFloat(arithmetic('*', value, scale) as bigint | number);
  if (!Number.isFinite(scaled)) return refuse('no whole number is near');
  return arithmetic('/', BigInt(method === 'ceil' ? Math.ceil(scaled) : Math.floor(scaled)), scale);
}

/** Undefined: not a number. */
function toFloat(value: PyValue): number | undefined {
  const number = numberOf(value);
  if (number !== undefined) return asFloat(number);
  if (typeof value !== 'string')
    return value instanceof Undefined ? refuse(`${value.what} is not set`) : undefined;
  const text = stripped(value, null, 'both');
  if (/^[-+]?(\d(_?\d)*\.?(\d(_?\d)*)?|\.\d(_?\d)*)([eE][-+]?\d(_?\d)*)?$/.test(text))
    return Number(text.replaceAll('_', ''));
  const word = /^([-+]?)(inf|infinity|nan)$/i.exec(text);
  if (!word) return /[^\0-\x7f]/.test(text) ? refuse('digits other than 0 to 9') : undefined;
  const size = word[2]!.toLowerCase() === 'nan' ? Number.NaN : Number.POSITIVE_INFINITY;
  return word[1] === '-' ? -size : size;
}

function toInt(value: PyValue, base: number): bigint | undefined {
  if (typeof value === 'string') {
    const whole = wholeOf(stripped(value, null, 'both'), base);
    if (whole !== undefined) return whole;
  }
  const number = numberOf(value);
  if (typeof number === 'bigint') return number;
  const float = toFloat(value);
  if (float === undefined) return undefined;
  // Infinity is an OverflowError that Jinja does not catch; nan gives the default.
  if (Number.isNaN(float)) return undefined;
  return Number.isFinite(float) ? BigInt(Math.trunc(float)) : refuse('infinity is no whole number');
}

const PREFIXES: Readonly<Record<number, string>> = { 2: '0b', 8: '0o', 16: '0x' };

function wholeOf(text: string, base: number): bigint | undefined {
  if (base !== 10 && PREFIXES[base] === undefined) return refuse(`the base ${base} is not taken`);
  const digits = { 2: '[01]', 8: '[0-7]', 10: '\\d', 16: '[\\da-f]' }[base]!;
  const prefix = base === 10 ? '' : `(?:${PREFIXES[base]}_?)?`;
  const found = new RegExp(`^([-+]?)${prefix}(${digits}(?:_?${digits})*)$`, 'i').exec(text);
  if (!found) return undefined;
  const plain = found[2]!.replaceAll('_', '');
  if (plain.length > 4000) return refuse('a number of too many digits');
  const size = base === 10 ? BigInt(plain.replace(/^0+(?=\d)/, '')) : BigInt(PREFIXES[base]! + plain);
  return found[1] === '-' ? -size : size;
}

const OTHER_FILTERS: Readonly<Record<string, Filter>> = {
  attr: filter('attr', ['name'], (value, bound) => {
    const name = bound.text('name');
    return otherwise(attribute(defined(value), name), () => new Undefined(name));
  }),
  default: filter('default', ['default_value', 'boolean'], (value, bound) => {
    const initial = bound.or('default_value', '');
    if (value instanceof Undefined) return initial;
    return isTrue(bound.or('boolean', false)) && !isTrue(value) ? initial : value;
  }),
  length: filter('length', [], (value) => BigInt(lengthOf(value))),
};

/** Filters of Ansible. */
const ANSIBLE_FILTERS: Readonly<Record<string, Filter>> = {
  bool: filter('bool', [], (value) => {
    if (value instanceof Undefined) return refuse(`${value.what} is not set`);
    if (value === null || typeof value === 'boolean') return value;
    const word = typeof value === 'string' ? value.toLowerCase() : value;
    return ['yes', 'on', '1', 'true', 1n, 1].includes(word as string | bigint | number);
  }),
  // posixpath.basename and dirname
  basename: ofText('basename', [], (path) => path.slice(path.lastIndexOf('/') + 1)),
  dirname: ofText('dirname', [], (path) => {
    const head = path.slice(0, path.lastIndexOf('/') + 1);
    return /^\/*$/.test(head) ? head : head.replace(/\/+$/, '');
  }),
  // shlex.quote
  quote: ofText('quote', [], (text) => {
    if (text === '') return "''";
    return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`;
  }),
  to_json: filter('to_json', [], (value) => toJson(value)),
};

export const FILTERS: Readonly<Record<string, Filter>> = {
  ...TEXT_FILTERS,
  ...NUMBER_FILTERS,
  ...OTHER_FILTERS,
  ...ANSIBLE_FILTERS,
  ...SEQUENCE_FILTERS((name) => filterNamed(name)),
  count: OTHER_FILTERS['length']!,
  d: OTHER_FILTERS['default']!,
};

/** @throws TemplateError for an unknown filter */
export function filterNamed(name: string): Filter {
  return Object.hasOwn(FILTERS, name) ? FILTERS[name]! : refuse(`there is no filter ${name}`);
}
