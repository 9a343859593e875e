// Values of Python for a template's computations. Nothing of JavaScript is accessible from one.
import { refuse } from './error.js';

/**
 * None, bool, int (bigint), float (number), str, list (array), and the classes below. Other types of Python are refused
 * where they would arise.
 */
export type PyValue =
  | null
  | boolean
  | bigint
  | number
  | string
  | PyValue[]
  | Tuple
  | Dict
  | View
  | Range
  | Stream
  | Undefined
  | Callable
  | Namespace;

/** Neither None, a number, a bool nor a str. */
type PyObject = Exclude<PyValue, null | boolean | bigint | number | string>;

export class Tuple {
  constructor(
    readonly items: readonly PyValue[],
    /** Field names of a named tuple. */
    readonly names: readonly string[] = [],
  ) {}
}

/** An unknown name, attribute or item. Only `is defined` and `default` accept one. */
export class Undefined {
  constructor(
    readonly what: string,
    /** For an `if` without `else`, as in Jinja: prints as nothing, and is false. */
    readonly quiet = false,
  ) {}
}

export class Range {
  constructor(
    readonly items: readonly bigint[],
    readonly text: string,
  ) {}
}

/** An iterator, which yields each item once. */
export class Stream {
  #at = 0;

  constructor(private readonly items: readonly PyValue[]) {}

  next(): PyValue | undefined {
    return this.items[this.#at++];
  }

  rest(): PyValue[] {
    const rest = this.items.slice(this.#at);
    this.#at = this.items.length;
    return rest;
  }
}

/** Result of a dict's `keys()`, `values()` or `items()`. */
export class View {
  constructor(
    readonly kind: 'dict_keys' | 'dict_values' | 'dict_items',
    private readonly dict: Dict,
  ) {}

  get items(): PyValue[] {
    if (this.kind === 'dict_keys') return this.dict.keys();
    if (this.kind === 'dict_values') return this.dict.values();
    return this.dict.entries().map((entry) => new Tuple(entry));
  }
}

export interface Given {
  readonly args: readonly PyValue[];
  readonly named: Readonly<Record<string, PyValue>>;
}

/** A macro, a bound method, or a function of Jinja. */
export class Callable {
  constructor(
    readonly name: string,
    readonly call: (given: Given) => PyValue,
  ) {}
}

/** An object with fields: `namespace()`, `loop`, `cycler`, `joiner`. */
export class Namespace {
  readonly fields = new Map<string, () => PyValue>();

  constructor(
    readonly kind: 'namespace' | 'loop' | 'cycler' | 'joiner',
    /** Behaviour when called. */
    readonly call?: (given: Given) => PyValue,
  ) {}
}

export class Dict {
  readonly #entries = new Map<string, [PyValue, PyValue]>();

  static of(pairs: Iterable<readonly [PyValue, PyValue]>): Dict {
    const dict = new Dict();
    for (const [key, value] of pairs) dict.set(key, value);
    return dict;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: PyValue): PyValue | undefined {
    return this.#entries.get(hashOf(key))?.[1];
  }

  has(key: PyValue): boolean {
    return this.#entries.has(hashOf(key));
  }

  /** An existing key keeps its position and its form, as in Python. */
  set(key: PyValue, value: PyValue): void {
    const hash = hashOf(key);
    const entry = this.#entries.get(hash);
    if (entry) entry[1] = value;
    else this.#entries.set(hash, [key, value]);
  }

  delete(key: PyValue): PyValue | undefined {
    const hash = hashOf(key);
    const entry = this.#entries.get(hash);
    this.#entries.delete(hash);
    return entry?.[1];
  }

  clear(): void {
    this.#entries.clear();
  }

  keys(): PyValue[] {
    return [...this.#entries.values()].map(([key]) => key);
  }

  values(): PyValue[] {
    return [...this.#entries.values()].map(([, value]) => value);
  }

  entries(): [PyValue, PyValue][] {
    return [...this.#entries.values()].map(([key, value]) => [key, value]);
  }
}

/** Equal values have the same hash, different ones another: 1, 1.0 and True are one key of a dict. */
export function hashOf(value: PyValue): string {
  if (value === null) return 'none';
  switch (typeof value) {
    case 'string':
      return `s${value}`;
    case 'boolean':
      return `n${Number(value)}`;
    case 'bigint':
      return `n${value}`;
    case 'number':
      return Number.isInteger(value) ? `n${BigInt(value)}` : `f${value}`;
    default:
      return hashOfObject(value);
  }
}

function hashOfObject(value: PyObject): string {
  if (value instanceof Tuple)
    return `t${value.items.map((item) => `${hashOf(item).length}:${hashOf(item)}`).join('')}`;
  return refuse(`unhashable type: '${typeName(value)}'`);
}

export function typeName(value: PyValue): string {
  if (value === null) return 'NoneType';
  switch (typeof value) {
    case 'string':
      return 'str';
    case 'boolean':
      return 'bool';
    case 'bigint':
      return 'int';
    case 'number':
      return 'float';
    default:
      return typeNameOfObject(value);
  }
}

function typeNameOfObject(value: PyObject): string {
  if (Array.isArray(value)) return 'list';
  if (value instanceof Tuple) return 'tuple';
  if (value instanceof Dict) return 'dict';
  if (value instanceof View) return value.kind;
  if (value instanceof Range) return 'range';
  if (value instanceof Stream) return 'generator';
  if (value instanceof Undefined) return 'undefined';
  return value instanceof Callable ? 'function' : value.kind;
}

/** @throws TemplateError for an undefined value, which no operation accepts */
export function defined(value: PyValue): Exclude<PyValue, Undefined> {
  return value instanceof Undefined ? refuse(`${value.what} is not set`) : value;
}

export function isTrue(given: PyValue): boolean {
  if (given instanceof Undefined && given.quiet) return false;
  const value = defined(given);
  if (value === null) return false;
  switch (typeof value) {
    case 'boolean':
      return value;
    case 'string':
      return value !== '';
    case 'bigint':
      return value !== 0n;
    case 'number':
      return value !== 0;
    default:
      return isTrueOfObject(value);
  }
}

function isTrueOfObject(value: PyObject): boolean {
  if (Array.isArray(value) || value instanceof Tuple || value instanceof Range || value instanceof View)
    return lengthOf(value) > 0;
  return value instanceof Dict ? value.size > 0 : true;
}

/** Length; a str's characters are Unicode code points, as in Python. */
export function lengthOf(given: PyValue): number {
  if (given instanceof Undefined && given.quiet) return 0;
  const value = defined(given);
  if (typeof value === 'string') return charactersOf(value).length;
  if (Array.isArray(value)) return value.length;
  if (value instanceof Tuple || value instanceof Range || value instanceof View) return value.items.length;
  if (value instanceof Dict) return value.size;
  return refuse(`object of type '${typeName(value)}' has no len()`);
}

/** Like `??`, but None does not count as missing. */
export function otherwise(value: PyValue | undefined, instead: () => PyValue): PyValue {
  return value === undefined ? instead() : value;
}

export function charactersOf(text: string): string[] {
  return Array.from(text);
}

/** @throws TemplateError for a value that is not iterable */
export function itemsOf(given: PyValue): readonly PyValue[] {
  if (given instanceof Undefined && given.quiet) return [];
  const value = defined(given);
  if (typeof value === 'string') return charactersOf(value);
  if (Array.isArray(value)) return value;
  if (value instanceof Tuple || value instanceof Range || value instanceof View) return value.items;
  if (value instanceof Dict) return value.keys();
  if (value instanceof Stream) return value.rest();
  return refuse(`'${typeName(value)}' object is not iterable`);
}

/** A bool is a number in Python. */
export function numberOf(value: PyValue): bigint | number | undefined {
  if (typeof value === 'boolean') return value ? 1n : 0n;
  return typeof value === 'bigint' || typeof value === 'number' ? value : undefined;
}

/** @throws TemplateError unless it is an integer that JavaScript represents exactly */
export function indexOf(given: PyValue, what = 'an index'): number {
  const value = numberOf(defined(given));
  if (typeof value !== 'bigint') return refuse(`${what} must be an integer, not ${typeName(given)}`);
  const index = Number(value);
  return Number.isSafeInteger(index) ? index : refuse(`${what} is too large`);
}

export function textOf(given: PyValue, what: string): string {
  const value = defined(given);
  return typeof value === 'string' ? value : refuse(`${what} must be str, not ${typeName(value)}`);
}
