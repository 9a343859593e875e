// Python's str() and repr().
import { floatText } from './decimal.js';
import { refuse } from './error.js';
import {
  Callable,
  Dict,
  defined,
  Namespace,
  type PyValue,
  Range,
  Stream,
  Tuple,
  typeName,
  Undefined,
  View,
} from './value.js';

/** Greatest nesting of a printed value; a list that contains itself has no end. */
const DEPTH = 100;

/** @throws TemplateError for undefined values, and for values that print as an address in memory */
export function str(given: PyValue): string {
  if (given instanceof Undefined && given.quiet) return '';
  const value = defined(given);
  return typeof value === 'string' ? value : repr(value);
}

export function repr(given: PyValue, depth = 0): string {
  const value = defined(given);
  if (depth > DEPTH) refuse('a value nested too deeply');
  if (value === null) return 'None';
  switch (typeof value) {
    case 'string':
      return quoted(value);
    case 'boolean':
      return value ? 'True' : 'False';
    case 'bigint':
      return String(value);
    case 'number':
      return floatText(value);
    default:
      return container(value, depth);
  }
}

function container(value: Exclude<PyValue, Undefined>, depth: number): string {
  const inside = (items: readonly PyValue[]) => items.map((item) => repr(item, depth + 1)).join(', ');
  if (Array.isArray(value)) return `[${inside(value)}]`;
  if (value instanceof Tuple) return `(${inside(value.items)}${value.items.length === 1 ? ',' : ''})`;
  if (value instanceof Dict)
    return `{${value
      .entries()
      .map(([key, below]) => `${repr(key, depth + 1)}: ${repr(below, depth + 1)}`)
      .join(', ')}}`;
  if (value instanceof View) return `${value.kind}([${inside(value.items)}])`;
  if (value instanceof Range) return value.text;
  if (value instanceof Stream || value instanceof Callable || value instanceof Namespace)
    refuse(`a ${typeName(value)} cannot be printed; make a list or a text of it`);
  return refuse('a value that cannot be printed');
}

const SHORT: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Complement of str.isprintable(): controls, and separators except the space. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}\p{Zs}]/u;

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  let inside = '';
  for (const character of text) {
    if (character === quote) inside += `\\${character}`;
    else if (SHORT[character] !== undefined) inside += SHORT[character];
    else if (character !== ' ' && UNPRINTABLE.test(character)) inside += escaped(character.codePointAt(0)!);
    else inside += character;
  }
  return `${quote}${inside}${quote}`;
}

function escaped(code: number): string {
  if (code <= 0xff) return `\\x${code.toString(16).padStart(2, '0')}`;
  if (code <= 0xffff) return `\\u${code.toString(16).padStart(4, '0')}`;
  return `\\U${code.toString(16).padStart(8, '0')}`;
}
