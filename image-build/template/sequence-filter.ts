// Filters of sequences.
import { type Bound, bind, type Filter } from './arguments.js';
import { refuse } from './error.js';
import { getItem } from './item.js';
import { arithmetic, equals, limited, order } from './operation.js';
import { str } from './print.js';
import { testNamed } from './test.js';
import {
  charactersOf,
  Dict,
  defined,
  hashOf,
  isTrue,
  itemsOf,
  otherwise,
  type PyValue,
  Stream,
  Tuple,
  textOf,
  typeName,
  Undefined,
} from './value.js';

type Getter = (item: PyValue) => PyValue;
const same: Getter = (item) => item;
const withoutCase: Getter = (item) => (typeof item === 'string' ? item.toLowerCase() : item);

const filter =
  (name: string, parameters: readonly string[], call: (value: PyValue, bound: Bound) => PyValue): Filter =>
  (value, given) =>
    call(value, bind(name, parameters, given));

/** Getter of `a.b.0` from an item; an integer is an index (make_attrgetter). */
function getterOf(path: PyValue, initial: PyValue | null = null): Getter {
  if (path === null) return same;
  const parts: PyValue[] =
    typeof path === 'string'
      ? path.split('.').map((part) => (/^\d+$/.test(part) ? BigInt(part) : part))
      : [path];
  return (item) =>
    parts.reduce((of, part) => {
      const found = otherwise(getItem(of, part), () => new Undefined(str(part)));
      return found instanceof Undefined && initial !== null ? initial : found;
    }, item);
}

function keyOf(bound: Bound): Getter {
  const get = getterOf(bound.or('attribute', null));
  const fold = isTrue(bound.or('case_sensitive', false)) ? same : withoutCase;
  return (item) => fold(get(item));
}

/** Python's sorts are stable, reversed ones too. */
function sorted(items: readonly PyValue[], keys: Getter, reverse: boolean): PyValue[] {
  const pairs = items.map((item) => [defined(keys(item)), item] as const);
  pairs.sort((a, b) => (reverse ? order(b[0], a[0]) : order(a[0], b[0])));
  return pairs.map(([, item]) => item);
}

function sort(value: PyValue, bound: Bound): PyValue[] {
  const path = bound.or('attribute', null);
  const paths: PyValue[] = typeof path === 'string' ? path.split(',') : [path];
  const fold = isTrue(bound.or('case_sensitive', false)) ? same : withoutCase;
  const getters = paths.map((one) => getterOf(one));
  const items = itemsOf(value);
  const keys: Getter = (item) => new Tuple(getters.map((get) => defined(fold(get(item)))));
  return sorted(items, keys, isTrue(bound.or('reverse', false)));
}

function extreme(value: PyValue, bound: Bound, sign: 1 | -1): PyValue {
  const keys = keyOf(bound);
  const [first, ...rest] = itemsOf(value);
  if (first === undefined) return new Undefined('the extreme of an empty sequence');
  let best = first;
  for (const item of rest) if (order(defined(keys(item)), defined(keys(best))) * sign < 0) best = item;
  return best;
}

function select(wanted: boolean, byAttribute: boolean): Filter {
  return (value, { args, named }) => {
    if (!isTrue(value)) return new Stream([]);
    if (byAttribute && args.length === 0) return refuse('the name of an attribute is missing');
    const get = byAttribute ? getterOf(args[0]!) : same;
    const [name, ...rest] = byAttribute ? args.slice(1) : args;
    const test =
      name === undefined
        ? isTrue
        : (item: PyValue) => testNamed(textOf(name, 'a test'))(item, { args: rest, named });
    return new Stream(itemsOf(value).filter((item) => test(get(item)) === wanted));
  };
}

function map(filterNamed: (name: string) => Filter): Filter {
  return (value, { args, named }) => {
    if (!isTrue(value)) return new Stream([]);
    if (args.length === 0 && named['attribute'] !== undefined) {
      const bound = bind('map', ['attribute', 'default'], { args, named });
      const get = getterOf(bound.value('attribute'), bound.or('default', null));
      return new Stream(itemsOf(value).map(get));
    }
    const [name, ...rest] = args;
    if (name === undefined) return refuse('map needs a filter');
    const call = filterNamed(textOf(name, 'a filter'));
    return new Stream(itemsOf(value).map((item) => call(item, { args: rest, named })));
  };
}

function groups(value: PyValue, bound: Bound): PyValue {
  const initial = bound.or('default', null);
  const get = getterOf(bound.value('attribute'), initial);
  const fold = isTrue(bound.or('case_sensitive', false)) ? same : withoutCase;
  const keys: Getter = (item) => defined(fold(get(item)));
  const found: { key: PyValue; items: PyValue[] }[] = [];
  for (const item of sorted(itemsOf(value), keys, false)) {
    const key = keys(item);
    const last = found.at(-1);
    if (last && equals(last.key, key)) last.items.push(item);
    else found.push({ key, items: [item] });
  }
  return found.map(({ items }) => new Tuple([get(items[0]!), items], ['grouper', 'list']));
}

function unique(value: PyValue, bound: Bound): Stream {
  const keys = keyOf(bound);
  const seen = new Set<string>();
  return new Stream(
    itemsOf(value).filter((item) => {
      const hash = hashOf(defined(keys(item)));
      return seen.has(hash) ? false : seen.add(hash);
    }),
  );
}

function batch(value: PyValue, bound: Bound): Stream {
  const size = bound.number('linecount');
  if (size < 1) refuse('a batch has one item or more');
  const fill = bound.or('fill_with', null);
  const rows: PyValue[][] = [];
  for (const item of itemsOf(value)) {
    if (rows.length === 0 || rows.at(-1)!.length === size) rows.push([]);
    rows.at(-1)!.push(item);
  }
  const last = rows.at(-1);
  if (last && fill !== null) {
    if (size > 100_000) refuse('a batch that is too long');
    while (last.length < size) last.push(fill);
  }
  return new Stream(rows);
}

function slices(value: PyValue, bound: Bound): Stream {
  const count = bound.number('slices');
  if (count < 1 || count > 100_000) refuse('this number of slices is not taken');
  const fill = bound.or('fill_with', null);
  const items = itemsOf(value);
  const size = Math.floor(items.length / count);
  const longer = items.length % count;
  let from = 0;
  const rows = Array.from({ length: count }, (_, at) => {
    const to = from + size + (at < longer ? 1 : 0);
    const row = items.slice(from, to);
    from = to;
    return fill !== null && at >= longer ? [...row, fill] : row;
  });
  return new Stream(rows);
}

function join(value: PyValue, bound: Bound): string {
  const get = getterOf(bound.or('attribute', null));
  return limited(
    itemsOf(value)
      .map((item) => str(get(item)))
      .join(str(bound.or('d', ''))),
  );
}

function first(value: PyValue): PyValue {
  if (value instanceof Stream)
    return otherwise(value.next(), () => new Undefined('the first item of an empty sequence'));
  return otherwise(itemsOf(value)[0], () => new Undefined('the first item of an empty sequence'));
}

function last(value: PyValue): PyValue {
  if (value instanceof Stream) return refuse('a generator has no last item; make a list of it');
  return otherwise(itemsOf(value).at(-1), () => new Undefined('the last item of an empty sequence'));
}

function dictSort(value: PyValue, bound: Bound): PyValue {
  if (!(value instanceof Dict)) return refuse(`dictsort takes a mapping, not ${typeName(value)}`);
  const by = bound.text('by', 'key');
  if (by !== 'key' && by !== 'value') refuse('dictsort is by key or value');
  const fold = isTrue(bound.or('case_sensitive', false)) ? same : withoutCase;
  const pairs = value.entries().map((entry) => new Tuple(entry));
  const keys: Getter = (pair) => fold((pair as Tuple).items[by === 'key' ? 0 : 1]!);
  return sorted(pairs, keys, isTrue(bound.or('reverse', false)));
}

const WITH_CASE = ['case_sensitive', 'attribute'];

export const SEQUENCE_FILTERS = (
  filterNamed: (name: string) => Filter,
): Readonly<Record<string, Filter>> => ({
  batch: filter('batch', ['linecount', 'fill_with'], batch),
  dictsort: filter('dictsort', ['case_sensitive', 'by', 'reverse'], dictSort),
  first: filter('first', [], first),
  groupby: filter('groupby', ['attribute', 'default', 'case_sensitive'], groups),
  items: filter('items', [], (value) => {
    if (value instanceof Undefined) return new Stream([]);
    if (!(value instanceof Dict)) return refuse(`items takes a mapping, not ${typeName(value)}`);
    return new Stream(value.entries().map((entry) => new Tuple(entry)));
  }),
  join: filter('join', ['d', 'attribute'], join),
  last: filter('last', [], last),
  list: filter('list', [], (value) => [...itemsOf(value)]),
  map: map(filterNamed),
  max: filter('max', WITH_CASE, (value, bound) => extreme(value, bound, -1)),
  min: filter('min', WITH_CASE, (value, bound) => extreme(value, bound, 1)),
  reject: select(false, false),
  rejectattr: select(false, true),
  reverse: filter('reverse', [], (value) => {
    if (typeof value === 'string') return charactersOf(value).reverse().join('');
    return new Stream([...itemsOf(value)].reverse());
  }),
  select: select(true, false),
  selectattr: select(true, true),
  slice: filter('slice', ['slices', 'fill_with'], slices),
  sort: filter('sort', ['reverse', 'case_sensitive', 'attribute'], sort),
  sum: filter('sum', ['attribute', 'start'], (value, bound) => {
    const get = getterOf(bound.or('attribute', null));
    const start = bound.or('start', 0n);
    if (typeof start === 'string') return refuse('sum takes no texts; use join');
    return itemsOf(value).reduce<PyValue>((all, item) => arithmetic('+', all, get(item)), start);
  }),
  unique: filter('unique', WITH_CASE, unique),
});
