// Functions that a template may call: range, dict, namespace, cycler, joiner (jinja2/defaults.py, jinja2/utils.py).
import { bind } from './arguments.js';
import { refuse } from './error.js';
import { pairsOf } from './method.js';
import {
  Callable,
  Dict,
  type Given,
  indexOf,
  Namespace,
  otherwise,
  type PyValue,
  Range,
  Undefined,
} from './value.js';

/** Limit of Jinja's sandbox. */
const LONGEST_RANGE = 100_000;

function range({ args, named }: Given): Range {
  if (Object.keys(named).length > 0 || args.length < 1 || args.length > 3)
    refuse('range() takes one to three numbers');
  const [start, stop, step] = args.length === 1 ? [0, number(args[0]!), 1] : args.map(number);
  const by = step ?? 1;
  if (by === 0) refuse('the step of range() is zero');
  const count = Math.max(0, Math.ceil((stop! - start!) / by));
  if (count > LONGEST_RANGE) refuse(`range() of more than ${LONGEST_RANGE} items`);
  const items = Array.from({ length: count }, (_, at) => BigInt(start! + at * by));
  return new Range(items, `range(${start}, ${stop}${by === 1 ? '' : `, ${by}`})`);
}
const number = (value: PyValue) => indexOf(value, 'a bound of range()');

function dict({ args, named }: Given): Dict {
  if (args.length > 1) refuse('dict() takes one mapping');
  return Dict.of([...pairsOf(args[0]), ...Object.entries(named)]);
}

function namespace(given: Given): Namespace {
  const space = new Namespace('namespace');
  for (const [name, value] of dict(given).entries()) {
    if (typeof name !== 'string') refuse('fields of a namespace have names');
    space.fields.set(name, () => value);
  }
  return space;
}

function cycler({ args, named }: Given): Namespace {
  if (args.length === 0 || Object.keys(named).length > 0) refuse('cycler() takes one value or more');
  let at = 0;
  const space = new Namespace('cycler');
  const current = () => args[at]!;
  const next = () => {
    const value = current();
    at = (at + 1) % args.length;
    return value;
  };
  space.fields.set('current', current);
  space.fields.set(
    'next',
    () =>
      new Callable('next()', (given) => {
        bind('next()', [], given);
        return next();
      }),
  );
  space.fields.set(
    'reset',
    () =>
      new Callable('reset()', (given) => {
        bind('reset()', [], given);
        at = 0;
        return null;
      }),
  );
  return space;
}

function joiner(given: Given): Namespace {
  const separator = bind('joiner()', ['sep'], given).or('sep', ', ');
  let used = false;
  return new Namespace('joiner', (none) => {
    bind('a joiner', [], none);
    if (used) return separator;
    used = true;
    return '';
  });
}

export const FUNCTIONS: Readonly<Record<string, Callable>> = {
  range: new Callable('range()', range),
  dict: new Callable('dict()', dict),
  namespace: new Callable('namespace()', namespace),
  cycler: new Callable('cycler()', cycler),
  joiner: new Callable('joiner()', joiner),
};

/** `loop` of a for loop (jinja2/runtime.py, LoopContext). */
export class Loop {
  readonly value = new Namespace('loop');
  #at = 0;
  #changed: readonly PyValue[] | null = null;

  constructor(items: readonly PyValue[], same: (a: PyValue, b: PyValue) => boolean) {
    const count = items.length;
    const field = (name: string, read: () => PyValue) => this.value.fields.set(name, read);
    field('index', () => BigInt(this.#at + 1));
    field('index0', () => BigInt(this.#at));
    field('revindex', () => BigInt(count - this.#at));
    field('revindex0', () => BigInt(count - this.#at - 1));
    field('first', () => this.#at === 0);
    field('last', () => this.#at === count - 1);
    field('length', () => BigInt(count));
    // Meaningful in recursive loops only, which are unsupported.
    field('depth', () => 1n);
    field('depth0', () => 0n);
    field(
      'cycle',
      () =>
        new Callable('cycle()', ({ args }) => {
          if (args.length === 0) refuse('cycle() takes one value or more');
          return args[this.#at % args.length]!;
        }),
    );
    field(
      'changed',
      () =>
        new Callable('changed()', ({ args }) => {
          const last = this.#changed;
          this.#changed = args;
          return !last || last.length !== args.length || !args.every((value, at) => same(value, last[at]!));
        }),
    );
    this.#neighbours(items);
  }

  #neighbours(items: readonly PyValue[]): void {
    const { fields } = this.value;
    fields.set('previtem', () => otherwise(items[this.#at - 1], () => new Undefined('loop.previtem')));
    fields.set('nextitem', () => otherwise(items[this.#at + 1], () => new Undefined('loop.nextitem')));
  }

  go(at: number): void {
    this.#at = at;
  }
}
