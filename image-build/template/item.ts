// `environment.getattr` and `environment.getitem` of jinja2/environment.py.
import { attribute } from './method.js';
import { item } from './operation.js';
import { Dict, defined, type PyValue } from './value.js';

/**
 * Undefined: no such attribute or item.
 * @param first lookup order: `value.name` prefers an attribute, `value['name']` an item
 */
export function getItem(
  given: PyValue,
  key: PyValue,
  first: 'attribute' | 'item' = 'item',
): PyValue | undefined {
  const of = defined(given);
  if (typeof key !== 'string') return item(of, key);
  const entry = of instanceof Dict ? of.get(key) : undefined;
  if (first === 'item' && entry !== undefined) return entry;
  const member = attribute(of, key);
  return member === undefined ? entry : member;
}
