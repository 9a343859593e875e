// Methods of str (Python library reference, 3.11). Unsupported ones are refused, never treated as missing.
import { type Bound, bind } from './arguments.js';
import { formatBraces } from './braces.js';
import { refuse } from './error.js';
import { limited } from './operation.js';
import {
  charactersOf,
  type Given,
  indexOf,
  itemsOf,
  type PyValue,
  Tuple,
  textOf,
  typeName,
} from './value.js';

type Method = (text: string, given: Given) => PyValue;
const method =
  (name: string, parameters: readonly string[], call: (text: string, bound: Bound) => PyValue): Method =>
  (text, given) => {
    if (Object.keys(given.named).length > 0 && !NAMED.includes(name))
      refuse(`${name}() takes no keyword arguments`);
    return call(text, bind(`${name}()`, parameters, given));
  };
/** Methods that accept named arguments. */
const NAMED = ['split', 'rsplit', 'splitlines', 'expandtabs'];

/** White space by str.strip() and str.split(). */
const SPACE = '[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
const LEADING = new RegExp(`^${SPACE}+`);
const TRAILING = new RegExp(`${SPACE}+$`);
const SPACES = new RegExp(`${SPACE}+`);
const LINE_END = /\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/;

export function stripped(text: string, characters: string | null, side: 'both' | 'left' | 'right'): string {
  if (characters === null) {
    const left = side === 'right' ? text : text.replace(LEADING, '');
    return side === 'left' ? left : left.replace(TRAILING, '');
  }
  const all = charactersOf(text);
  const drop = new Set(charactersOf(characters));
  let from = 0;
  let to = all.length;
  if (side !== 'right') while (from < to && drop.has(all[from]!)) from++;
  if (side !== 'left') while (to > from && drop.has(all[to - 1]!)) to--;
  return all.slice(from, to).join('');
}

/** Title case of a letter. JavaScript has none: letters whose title case may differ from upper case are refused. */
export function titled(first: string): string {
  const upper = first.toUpperCase();
  if (charactersOf(upper).length > 1 || /[\u01c4-\u01cc\u01f1-\u01f3\u10d0-\u10ff]/u.test(first))
    refuse(`the capital of ${JSON.stringify(first)} is not known here`);
  return upper;
}

export function capitalized(text: string): string {
  const [first, ...rest] = charactersOf(text);
  return first === undefined ? '' : titled(first) + rest.join('').toLowerCase();
}

function split(text: string, bound: Bound, fromRight: boolean): PyValue[] {
  const separator = bound.optionalText('sep');
  const most = bound.number('maxsplit', -1);
  if (separator === '') refuse('empty separator');
  const pieces = separator === null ? words(text) : text.split(separator);
  if (most < 0 || pieces.length <= most + 1) return pieces;
  return fromRight ? splitRight(text, separator, most) : splitLeft(text, separator, most);
}

function words(text: string): string[] {
  const inside = stripped(text, null, 'both');
  return inside === '' ? [] : inside.split(SPACES);
}

function splitLeft(text: string, separator: string | null, most: number): string[] {
  const pieces: string[] = [];
  let rest = separator === null ? stripped(text, null, 'left') : text;
  while (pieces.length < most) {
    const at = separator === null ? rest.search(SPACES) : rest.indexOf(separator);
    if (at === -1) break;
    pieces.push(rest.slice(0, at));
    rest = separator === null ? stripped(rest.slice(at), null, 'left') : rest.slice(at + separator.length);
  }
  return rest === '' && separator === null ? pieces : [...pieces, rest];
}

function splitRight(text: string, separator: string | null, most: number): string[] {
  // White space: splits the reversed text from the left.
  if (separator === null) return splitLeft(turned(text), null, most).map(turned).reverse();
  const pieces: string[] = [];
  let rest = text;
  while (pieces.length < most) {
    const at = rest.lastIndexOf(separator);
    if (at === -1) break;
    pieces.unshift(rest.slice(at + separator.length));
    rest = rest.slice(0, at);
  }
  return [rest, ...pieces];
}

const turned = (text: string) => charactersOf(text).reverse().join('');

function splitLines(text: string, keep: boolean): PyValue[] {
  const lines: string[] = [];
  let rest = text;
  for (let end = LINE_END.exec(rest); end; end = LINE_END.exec(rest)) {
    lines.push(rest.slice(0, end.index) + (keep ? end[0] : ''));
    rest = rest.slice(end.index + end[0].length);
  }
  return rest === '' ? lines : [...lines, rest];
}

export function replaced(text: string, old: string, by: string, count: number): string {
  if (count < 0) return limited(old === '' ? between(text, by, Infinity) : text.split(old).join(by));
  if (old === '') return between(text, by, count);
  const pieces = splitLeft(text, old, count);
  return limited(pieces.join(by));
}

/** Replaces the empty text: inserts between all characters, and at both ends. */
function between(text: string, by: string, count: number): string {
  const characters = charactersOf(text);
  const at = Math.min(count, characters.length + 1);
  const parts = characters.map((character, index) => (index < at ? by + character : character));
  return limited(parts.join('') + (at > characters.length ? by : ''));
}

export function justified(
  text: string,
  width: number,
  fill: string,
  side: 'left' | 'right' | 'center',
): string {
  const missing = width - charactersOf(text).length;
  if (missing <= 0) return text;
  if (missing > 100_000) refuse('a field that is too wide');
  if (side === 'left') return text + fill.repeat(missing);
  if (side === 'right') return fill.repeat(missing) + text;
  // CPython's str.center(): the odd space is left if both the padding and the width are odd.
  const left = Math.floor(missing / 2) + (missing & width & 1);
  return fill.repeat(left) + text + fill.repeat(missing - left);
}

function fillOf(bound: Bound): string {
  const fill = bound.text('fillchar', ' ');
  return charactersOf(fill).length === 1 ? fill : refuse('the fill must be one character');
}

/** Position of `sub` in `text`, in characters. */
function found(text: string, bound: Bound, last: boolean): { at: number; count: number } {
  const all = charactersOf(text);
  const bounds = ['start', 'end'].map((name) => {
    const value = bound.or(name, null);
    return value === null ? null : indexOf(value, name);
  });
  const clamp = (index: number | null | undefined, initial: number) =>
    index === null || index === undefined ? initial : index < 0 ? Math.max(0, index + all.length) : index;
  const from = clamp(bounds[0], 0);
  const to = Math.min(clamp(bounds[1], all.length), all.length);
  const sub = bound.text('sub');
  if (from > to) return { at: -1, count: 0 };
  const within = all.slice(from, to).join('');
  const unit = last ? within.lastIndexOf(sub) : within.indexOf(sub);
  const count = sub === '' ? charactersOf(within).length + 1 : within.split(sub).length - 1;
  return { at: unit === -1 ? -1 : from + charactersOf(within.slice(0, unit)).length, count };
}

const FIND = ['sub', 'start', 'end'];
const orFault = (at: number) => (at === -1 ? refuse('substring not found') : BigInt(at));

function hasAffix(text: string, bound: Bound, test: (text: string, affix: string) => boolean): boolean {
  if (bound.has('start')) refuse('startswith and endswith are taken without bounds');
  const affix = bound.value('affix');
  const all = affix instanceof Tuple ? affix.items : [affix];
  return all.some((one) => test(text, textOf(one, 'an affix')));
}

function partition(text: string, separator: string, last: boolean): Tuple {
  if (separator === '') refuse('empty separator');
  const at = last ? text.lastIndexOf(separator) : text.indexOf(separator);
  if (at === -1) return new Tuple(last ? ['', '', text] : [text, '', '']);
  return new Tuple([text.slice(0, at), separator, text.slice(at + separator.length)]);
}

/** Python's Unicode tables differ from JavaScript's in some characters, so only ASCII is supported. */
const ofAscii =
  (test: (text: string) => boolean): ((text: string) => boolean) =>
  (text) =>
    /^[\0-\x7f]*$/.test(text) ? test(text) : refuse('this method is taken for ASCII only');

const TESTS: Readonly<Record<string, (text: string) => boolean>> = {
  isalnum: ofAscii((text) => /^[A-Za-z0-9]+$/.test(text)),
  isalpha: ofAscii((text) => /^[A-Za-z]+$/.test(text)),
  isascii: (text) => /^[\0-\x7f]*$/.test(text),
  isdecimal: ofAscii((text) => /^\d+$/.test(text)),
  isdigit: ofAscii((text) => /^\d+$/.test(text)),
  isnumeric: ofAscii((text) => /^\d+$/.test(text)),
  isidentifier: ofAscii((text) => /^[A-Za-z_]\w*$/.test(text)),
  islower: ofAscii((text) => /[a-z]/.test(text) && !/[A-Z]/.test(text)),
  isupper: ofAscii((text) => /[A-Z]/.test(text) && !/[a-z]/.test(text)),
  isspace: ofAscii((text) => /^[\t-\r\x1c-\x20]+$/.test(text)),
};

/** str.title(): a letter that does not follow a letter becomes upper case. */
const titleWords = ofAsciiText((text) =>
  text.replaceAll(/[A-Za-z]+/g, (word) => word[0]!.toUpperCase() + word.slice(1).toLowerCase()),
);

function ofAsciiText(change: (text: string) => string): (text: string) => string {
  return (text) => (/^[\0-\x7f]*$/.test(text) ? change(text) : refuse('this method is taken for ASCII only'));
}

export const TEXT_METHODS: Readonly<Record<string, Method>> = {
  capitalize: method('capitalize', [], capitalized),
  center: method('center', ['width', 'fillchar'], (text, bound) =>
    justified(text, bound.number('width'), fillOf(bound), 'center'),
  ),
  count: method('count', FIND, (text, bound) => BigInt(found(text, bound, false).count)),
  endswith: method('endswith', ['affix', 'start', 'end'], (text, bound) =>
    hasAffix(text, bound, (one, affix) => one.endsWith(affix)),
  ),
  find: method('find', FIND, (text, bound) => BigInt(found(text, bound, false).at)),
  format: (text, given) => formatBraces(text, given),
  index: method('index', FIND, (text, bound) => orFault(found(text, bound, false).at)),
  join: method('join', ['iterable'], (text, bound) =>
    limited(
      itemsOf(bound.value('iterable'))
        .map((item) => textOf(item, 'an item of join()'))
        .join(text),
    ),
  ),
  ljust: method('ljust', ['width', 'fillchar'], (text, bound) =>
    justified(text, bound.number('width'), fillOf(bound), 'left'),
  ),
  lower: method('lower', [], (text) => text.toLowerCase()),
  lstrip: method('lstrip', ['chars'], (text, bound) => stripped(text, bound.optionalText('chars'), 'left')),
  partition: method('partition', ['sep'], (text, bound) => partition(text, bound.text('sep'), false)),
  removeprefix: method('removeprefix', ['prefix'], (text, bound) => {
    const prefix = bound.text('prefix');
    return text.startsWith(prefix) ? text.slice(prefix.length) : text;
  }),
  removesuffix: method('removesuffix', ['suffix'], (text, bound) => {
    const suffix = bound.text('suffix');
    return suffix !== '' && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text;
  }),
  replace: method('replace', ['old', 'new', 'count'], (text, bound) =>
    replaced(text, bound.text('old'), bound.text('new'), bound.number('count', -1)),
  ),
  rfind: method('rfind', FIND, (text, bound) => BigInt(found(text, bound, true).at)),
  rindex: method('rindex', FIND, (text, bound) => orFault(found(text, bound, true).at)),
  rjust: method('rjust', ['width', 'fillchar'], (text, bound) =>
    justified(text, bound.number('width'), fillOf(bound), 'right'),
  ),
  rpartition: method('rpartition', ['sep'], (text, bound) => partition(text, bound.text('sep'), true)),
  rsplit: method('rsplit', ['sep', 'maxsplit'], (text, bound) => split(text, bound, true)),
  rstrip: method('rstrip', ['chars'], (text, bound) => stripped(text, bound.optionalText('chars'), 'right')),
  split: method('split', ['sep', 'maxsplit'], (text, bound) => split(text, bound, false)),
  splitlines: method('splitlines', ['keepends'], (text, bound) => {
    const keep = bound.or('keepends', false);
    return typeof keep === 'boolean' ? splitLines(text, keep) : refuse(`keepends is ${typeName(keep)}`);
  }),
  startswith: method('startswith', ['affix', 'start', 'end'], (text, bound) =>
    hasAffix(text, bound, (one, affix) => one.startsWith(affix)),
  ),
  strip: method('strip', ['chars'], (text, bound) => stripped(text, bound.optionalText('chars'), 'both')),
  swapcase: method('swapcase', [], (text) =>
    ofAsciiText((ascii) =>
      ascii.replaceAll(/[A-Za-z]/g, (one) => (one < 'a' ? one.toLowerCase() : one.toUpperCase())),
    )(text),
  ),
  title: method('title', [], titleWords),
  upper: method('upper', [], (text) => text.toUpperCase()),
  zfill: method('zfill', ['width'], (text, bound) => {
    const sign = /^[-+]/.exec(text)?.[0] ?? '';
    return sign + justified(text.slice(sign.length), bound.number('width') - sign.length, '0', 'right');
  }),
  ...Object.fromEntries(
    Object.entries(TESTS).map(([name, test]) => [name, method(name, [], (text) => test(text))]),
  ),
};
