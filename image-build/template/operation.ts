// Python's operators on the values of a template.
import { refuse } from './error.js';
import { formatPercent } from './percent.js';
import { str } from './print.js';
import type { Arithmetic, Comparison } from './syntax.js';
import {
  charactersOf,
  Dict,
  defined,
  hashOf,
  indexOf,
  itemsOf,
  numberOf,
  type PyValue,
  Range,
  Tuple,
  typeName,
  View,
} from './value.js';

/** Greatest number of characters or items that a multiplication may give. */
const LONGEST = 1_000_000;
/** Greatest size of an integer, bits. */
const WIDEST = 4096;
/** Integers up to this one are exact as floats. */
const EXACT = 2n ** 53n;

export function arithmetic(operator: Arithmetic, leftGiven: PyValue, rightGiven: PyValue): PyValue {
  const left = defined(leftGiven);
  const right = defined(rightGiven);
  if (operator === '%' && typeof left === 'string') return formatPercent(left, right);
  const a = numberOf(left);
  const b = numberOf(right);
  if (a !== undefined && b !== undefined) return ofNumbers(operator, a, b);
  if (operator === '+') {
    if (typeof left === 'string' && typeof right === 'string') return limited(left + right);
    if (Array.isArray(left) && Array.isArray(right)) {
      limitedList(left.length + right.length);
      return [...left, ...right];
    }
    if (left instanceof Tuple && right instanceof Tuple) return new Tuple([...left.items, ...right.items]);
  }
  if (operator === '*' && isSequence(left) && typeof b === 'bigint') return repeated(left, b);
  if (operator === '*' && isSequence(right) && typeof a === 'bigint') return repeated(right, a);
  return refuse(`${operator} does not go with ${typeName(left)} and ${typeName(right)}`);
}

function isSequence(value: PyValue): value is string | PyValue[] | Tuple {
  return typeof value === 'string' || Array.isArray(value) || value instanceof Tuple;
}

function repeated(value: string | PyValue[] | Tuple, times: bigint): PyValue {
  const count = times < 0n ? 0 : Number(times);
  const length = typeof value === 'string' ? value.length : itemsOf(value).length;
  if (length * count > LONGEST) refuse('a value that is too long');
  if (typeof value === 'string') return value.repeat(count);
  const items = Array.from({ length: count }, () => itemsOf(value)).flat();
  return value instanceof Tuple ? new Tuple(items) : items;
}

/** @throws TemplateError for a list above the limit */
export function limitedList(length: number): void {
  if (length > LONGEST) refuse('a list that is too long');
}

export function limited(text: string): string {
  return text.length > 16 * LONGEST ? refuse('a text that is too long') : text;
}

function ofNumbers(operator: Arithmetic, a: bigint | number, b: bigint | number): PyValue {
  if (['/', '//', '%'].includes(operator) && Number(b) === 0) refuse('division by zero');
  if (typeof a === 'bigint' && typeof b === 'bigint' && operator !== '/') return ofWhole(operator, a, b);
  const x = asFloat(a);
  const y = asFloat(b);
  switch (operator) {
    case '+':
      return x + y;
    case '-':
      return x - y;
    case '*':
      return x * y;
    case '/':
      return x / y;
    case '//':
      return floorDivision(x, y)[0];
    case '%':
      return floorDivision(x, y)[1];
    case '**':
      return power(x, y);
  }
}

/** @throws TemplateError for an integer that a float cannot represent exactly */
export function asFloat(value: bigint | number): number {
  if (typeof value === 'number') return value;
  if (value > EXACT || value < -EXACT) refuse('a whole number that is too large for a float');
  return Number(value);
}

/** float_divmod of CPython (Objects/floatobject.c): the remainder has the divisor's sign. */
function floorDivision(x: number, y: number): [quotient: number, remainder: number] {
  let remainder = x % y;
  let quotient = (x - remainder) / y;
  if (remainder !== 0) {
    if (y < 0 !== remainder < 0) {
      remainder += y;
      quotient -= 1;
    }
  } else remainder = Object.is(Math.sign(y), -1) ? -0 : 0;
  if (quotient === 0) return [x / y < 0 || Object.is(x / y, -0) ? -0 : 0, remainder];
  const floor = Math.floor(quotient);
  return [quotient - floor > 0.5 ? floor + 1 : floor, remainder];
}

function power(x: number, y: number): number {
  const value = x ** y;
  if (Number.isNaN(value) || (!Number.isFinite(value) && Number.isFinite(x) && Number.isFinite(y)))
    refuse('a power that is no number, or too large');
  // JavaScript's power is not specified to the last bit; integers in the safe range are exact.
  if (!Number.isSafeInteger(value)) refuse('a power that is not whole');
  return value;
}

function ofWhole(operator: Exclude<Arithmetic, '/'>, a: bigint, b: bigint): PyValue {
  switch (operator) {
    case '+':
      return narrow(a + b);
    case '-':
      return narrow(a - b);
    case '*':
      return narrow(a * b);
    case '//': {
      const quotient = a / b;
      return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient;
    }
    case '%': {
      const rest = a % b;
      return rest !== 0n && rest < 0n !== b < 0n ? rest + b : rest;
    }
    case '**':
      if (b < 0n) return a === 0n ? refuse('zero to a negative power') : 1 / power(asFloat(a), Number(-b));
      if (b > BigInt(WIDEST)) return refuse('a power that is too large');
      return narrow(a ** b);
  }
}

function narrow(value: bigint): bigint {
  return BigInt.asIntN(WIDEST, value) === value ? value : refuse('a whole number that is too large');
}

export function compare(operator: Comparison, leftGiven: PyValue, rightGiven: PyValue): boolean {
  const left = defined(leftGiven);
  const right = defined(rightGiven);
  switch (operator) {
    case '==':
      return equals(left, right);
    case '!=':
      return !equals(left, right);
    case 'in':
      return contains(right, left);
    case 'not in':
      return !contains(right, left);
    case '<':
      return order(left, right) < 0;
    case '<=':
      return order(left, right) <= 0;
    case '>':
      return order(left, right) > 0;
    case '>=':
      return order(left, right) >= 0;
  }
}

export function equals(left: PyValue, right: PyValue): boolean {
  const a = numberOf(left);
  const b = numberOf(right);
  // JavaScript compares a bigint and a number exactly, as Python does.
  // biome-ignore lint/suspicious/noDoubleEquals: 1 and 1n are equal here
  if (a !== undefined && b !== undefined) return a == b;
  if (Array.isArray(left) && Array.isArray(right)) return sameItems(left, right);
  if (left instanceof Tuple && right instanceof Tuple) return sameItems(left.items, right.items);
  if (left instanceof Range && right instanceof Range) return sameItems(left.items, right.items);
  if (left instanceof Dict && right instanceof Dict)
    return (
      left.size === right.size &&
      left.entries().every(([key, value]) => {
        const other = right.get(key);
        return other !== undefined && equals(value, other);
      })
    );
  if (left instanceof View && right instanceof View && left !== right)
    refuse('views of mappings cannot be compared; make lists of them');
  return left === right;
}

function sameItems(left: readonly PyValue[], right: readonly PyValue[]): boolean {
  return left.length === right.length && left.every((item, at) => equals(item, right[at]!));
}

/** Three-way comparison: negative, zero or positive. @throws TemplateError for values without an order in Python */
export function order(left: PyValue, right: PyValue): number {
  const a = numberOf(left);
  const b = numberOf(right);
  if (a !== undefined && b !== undefined) {
    if (Number.isNaN(a) || Number.isNaN(b)) refuse('nan has no order');
    return a < b ? -1 : a > b ? 1 : 0;
  }
  if (typeof left === 'string' && typeof right === 'string') return byCodePoint(left, right);
  if (Array.isArray(left) && Array.isArray(right)) return inTurn(left, right);
  if (left instanceof Tuple && right instanceof Tuple) return inTurn(left.items, right.items);
  return refuse(`${typeName(left)} and ${typeName(right)} have no order`);
}

function inTurn(left: readonly PyValue[], right: readonly PyValue[]): number {
  for (const [at, item] of left.entries()) {
    const other = right[at];
    if (other === undefined) return 1;
    if (!equals(item, other)) return order(item, other);
  }
  return left.length - right.length;
}

/** Compares by code points; JavaScript compares UTF-16 units, which differs above U+FFFF. */
function byCodePoint(left: string, right: string): number {
  if (left === right) return 0;
  const a = charactersOf(left);
  const b = charactersOf(right);
  const at = a.findIndex((character, index) => character !== b[index]);
  if (at === -1 || b[at] === undefined) return a.length - b.length;
  return a[at]!.codePointAt(0)! - b[at].codePointAt(0)!;
}

export function contains(container: PyValue, value: PyValue): boolean {
  if (typeof container === 'string') {
    if (typeof value !== 'string') refuse(`'in <string>' wants a str, not ${typeName(value)}`);
    return container.includes(value);
  }
  if (container instanceof Dict) return container.has(value);
  if (container instanceof View && container.kind === 'dict_keys') hashOf(value);
  if (typeName(container) === 'generator') refuse('in does not go with a generator; make a list of it');
  return itemsOf(container).some((item) => equals(item, value));
}

export function concat(values: readonly PyValue[]): string {
  return limited(values.map(str).join(''));
}

/** `value[key]`; undefined: no such item. */
export function item(of: PyValue, key: PyValue): PyValue | undefined {
  if (of instanceof Dict) return of.get(key);
  if (typeof of === 'string' || Array.isArray(of) || of instanceof Tuple || of instanceof Range) {
    if (typeof numberOf(key) !== 'bigint') return undefined;
    return itemsOf(of).at(indexOf(key));
  }
  return undefined;
}

/** `value[start:stop:step]` (PySlice_AdjustIndices). */
export function slice(
  of: PyValue,
  start: PyValue | null,
  stop: PyValue | null,
  step: PyValue | null,
): PyValue {
  if (!isSequence(of) && !(of instanceof Range)) return refuse(`${typeName(of)} cannot be sliced`);
  if (of instanceof Range) return refuse('a slice of a range is not taken; make a list of it');
  const items = itemsOf(of);
  const by = step === null ? 1 : indexOf(step, 'a step');
  if (by === 0) return refuse('slice step cannot be zero');
  const bound = (given: PyValue | null, initial: number) => {
    if (given === null) return initial;
    const index = indexOf(given);
    const low = by < 0 ? -1 : 0;
    const high = by < 0 ? items.length - 1 : items.length;
    return Math.min(Math.max(index < 0 ? index + items.length : index, low), high);
  };
  const from = bound(start, by < 0 ? items.length - 1 : 0);
  const to = bound(stop, by < 0 ? -1 : items.length);
  const taken: PyValue[] = [];
  for (let at = from; by < 0 ? at > to : at < to; at += by) taken.push(items[at]!);
  if (typeof of === 'string') return taken.join('');
  return of instanceof Tuple ? new Tuple(taken) : taken;
}
