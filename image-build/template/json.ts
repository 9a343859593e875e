// Python's json.dumps() with its defaults.
import { floatText } from './decimal.js';
import { refuse } from './error.js';
import { Dict, defined, type PyValue, Tuple, typeName } from './value.js';

const DEPTH = 100;

export function toJson(given: PyValue, depth = 0): string {
  const value = defined(given);
  if (depth > DEPTH) refuse('a value nested too deeply');
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number')
    return Number.isFinite(value) ? floatText(value) : refuse('JSON has no such number');
  if (typeof value === 'string') return quoted(value);
  if (Array.isArray(value) || value instanceof Tuple) {
    const items = value instanceof Tuple ? value.items : value;
    return `[${items.map((item) => toJson(item, depth + 1)).join(', ')}]`;
  }
  if (value instanceof Dict)
    return `{${value
      .entries()
      .map(([key, below]) => `${keyOf(key)}: ${toJson(below, depth + 1)}`)
      .join(', ')}}`;
  return refuse(`${typeName(value)} is not JSON`);
}

function keyOf(key: PyValue): string {
  if (typeof key === 'string') return quoted(key);
  if (key === null || typeof key === 'boolean' || typeof key === 'bigint' || typeof key === 'number')
    return `"${toJson(key)}"`;
  return refuse(`keys of JSON are texts, not ${typeName(key)}`);
}

function quoted(text: string): string {
  return JSON.stringify(text)
    .replaceAll(/[\x7f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .replaceAll('\\u007f', '\x7f');
}
