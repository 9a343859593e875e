// Lookup of `value.name` and `value['name']`: an entry, a field, or a method. Nothing else of a value is accessible.
import { bind } from './arguments.js';
import { refuse } from './error.js';
import { equals, limitedList, order } from './operation.js';
import { TEXT_METHODS } from './text-method.js';
import {
  Callable,
  Dict,
  type Given,
  itemsOf,
  Namespace,
  otherwise,
  type PyValue,
  Tuple,
  typeName,
  View,
} from './value.js';

type Method<T> = (of: T, given: Given) => PyValue;

const DICT_METHODS: Readonly<Record<string, Method<Dict>>> = {
  clear: (of) => {
    of.clear();
    return null;
  },
  copy: (of) => Dict.of(of.entries()),
  get: (of, given) => {
    const bound = bind('get()', ['key', 'default'], given);
    return otherwise(of.get(bound.value('key')), () => bound.or('default', null));
  },
  items: (of) => new View('dict_items', of),
  keys: (of) => new View('dict_keys', of),
  pop: (of, given) => {
    const bound = bind('pop()', ['key', 'default'], given);
    const value = of.delete(bound.value('key'));
    return otherwise(value, () =>
      bound.has('default') ? bound.value('default') : refuse('pop() of a key that is not there'),
    );
  },
  setdefault: (of, given) => {
    const bound = bind('setdefault()', ['key', 'default'], given);
    const key = bound.value('key');
    if (!of.has(key)) of.set(key, bound.or('default', null));
    return of.get(key)!;
  },
  update: (of, given) => {
    const { args, named } = given;
    if (args.length > 1) refuse('update() takes one mapping');
    for (const [key, value] of [...pairsOf(args[0]), ...Object.entries(named)]) of.set(key, value);
    return null;
  },
  values: (of) => new View('dict_values', of),
};

const LIST_METHODS: Readonly<Record<string, Method<PyValue[]>>> = {
  append: (of, given) => {
    of.push(bind('append()', ['object'], given).value('object'));
    return null;
  },
  clear: (of) => {
    of.length = 0;
    return null;
  },
  copy: (of) => [...of],
  count: (of, given) => counted(of, given),
  extend: (of, given) => {
    const more = [...itemsOf(bind('extend()', ['iterable'], given).value('iterable'))];
    limitedList(of.length + more.length);
    for (const item of more) of.push(item);
    return null;
  },
  index: (of, given) => place(of, given),
  insert: (of, given) => {
    const bound = bind('insert()', ['index', 'object'], given);
    of.splice(bound.number('index'), 0, bound.value('object'));
    return null;
  },
  pop: (of, given) => {
    const at = bind('pop()', ['index'], given).number('index', -1);
    const index = at < 0 ? at + of.length : at;
    if (index < 0 || index >= of.length) refuse('pop() beyond the list');
    return of.splice(index, 1)[0]!;
  },
  remove: (of, given) => {
    const value = bind('remove()', ['value'], given).value('value');
    const at = of.findIndex((item) => equals(item, value));
    if (at === -1) refuse('remove() of what is not in the list');
    of.splice(at, 1);
    return null;
  },
  reverse: (of) => {
    of.reverse();
    return null;
  },
  sort: (of, given) => {
    if (given.args.length > 0 || Object.keys(given.named).length > 0)
      refuse('sort() is taken without arguments');
    of.sort(order);
    return null;
  },
};

const TUPLE_METHODS: Readonly<Record<string, Method<Tuple>>> = {
  count: (of, given) => counted(of.items, given),
  index: (of, given) => place(of.items, given),
};

function counted(items: readonly PyValue[], given: Given): bigint {
  const value = bind('count()', ['value'], given).value('value');
  return BigInt(items.filter((item) => equals(item, value)).length);
}

function place(items: readonly PyValue[], given: Given): bigint {
  const value = bind('index()', ['value'], given).value('value');
  const at = items.findIndex((item) => equals(item, value));
  return at === -1 ? refuse('index() of what is not in the list') : BigInt(at);
}

/** Pairs of a mapping, or of an iterable of pairs. */
export function pairsOf(given: PyValue | undefined): readonly (readonly [PyValue, PyValue])[] {
  if (given === undefined) return [];
  if (given instanceof Dict) return given.entries();
  return itemsOf(given).map((pair) => {
    const items = itemsOf(pair);
    if (items.length !== 2) refuse('a pair has two items');
    return [items[0]!, items[1]!] as const;
  });
}

/**
 * Attributes of Python's types that this engine does not support: to treat one as missing would differ from Jinja.
 * Names with a leading underscore are unavailable in Jinja's sandbox, too.
 */
const ELSEWHERE: Readonly<Record<string, readonly string[]>> = {
  str: ['casefold', 'encode', 'expandtabs', 'format_map', 'isprintable', 'istitle', 'maketrans', 'translate'],
  dict: ['fromkeys', 'popitem'],
  dict_keys: ['isdisjoint', 'mapping'],
  dict_values: ['mapping'],
  dict_items: ['isdisjoint', 'mapping'],
  int: [
    ...['as_integer_ratio', 'bit_count', 'bit_length', 'conjugate', 'denominator', 'from_bytes', 'imag'],
    ...['numerator', 'real', 'to_bytes'],
  ],
  float: ['as_integer_ratio', 'conjugate', 'fromhex', 'hex', 'imag', 'is_integer', 'real'],
  range: ['count', 'index', 'start', 'step', 'stop'],
  generator: ['close', 'send', 'throw'],
};

/** Undefined: no such attribute. @throws TemplateError for an unsupported attribute of Python */
export function attribute(of: PyValue, name: string): PyValue | undefined {
  if (name.startsWith('_')) refuse(`${name} is out of a template's reach`);
  if (of instanceof Namespace) return of.fields.get(name)?.();
  if (of instanceof Tuple && of.names.includes(name)) return of.items[of.names.indexOf(name)];
  const found = methodOf(of, name);
  if (found) return new Callable(`${name}()`, found);
  const type = typeName(of) === 'bool' ? 'int' : typeName(of);
  if (ELSEWHERE[type]?.includes(name) || of instanceof Callable)
    refuse(`${name} of ${typeName(of)} is not taken`);
  return undefined;
}

function methodOf(of: PyValue, name: string): ((given: Given) => PyValue) | undefined {
  const bound = <T extends PyValue>(methods: Readonly<Record<string, Method<T>>>, value: T) =>
    Object.hasOwn(methods, name) ? (given: Given) => methods[name]!(value, given) : undefined;
  if (typeof of === 'string') return bound(TEXT_METHODS, of);
  if (of instanceof Dict) return bound(DICT_METHODS, of);
  if (Array.isArray(of)) return bound(LIST_METHODS, of);
  if (of instanceof Tuple) return bound(TUPLE_METHODS, of);
  return undefined;
}
