// Formatting by `text % values` (printf-style, Python library reference), without the conversions e and g.
import { fixed } from './decimal.js';
import { refuse } from './error.js';
import { repr, str } from './print.js';
import { charactersOf, Dict, numberOf, otherwise, type PyValue, Tuple, typeName } from './value.js';

const CONVERSION = /%(?:\(([^()]*)\))?([-+ #0]*)(\*|\d+)?(?:\.(\*|\d*))?[hlL]?([\s\S])?/gu;
/** Greatest width of one field, characters. */
const WIDEST = 10_000;

interface Field {
  readonly flags: string;
  readonly width: number;
  readonly precision: number | null;
  readonly kind: string;
}

/** @throws TemplateError for values that do not fit, like Python's TypeError and ValueError */
export function formatPercent(text: string, values: PyValue): string {
  const taken = new Values(values);
  const formatted = text.replaceAll(CONVERSION, (_whole, ...parts: (string | undefined)[]) => {
    const [name, flags, width, precision, kind] = parts;
    if (kind === undefined) return refuse('incomplete format');
    if (width === '*' || precision === '*') return refuse('a width by * is not taken');
    if (kind === '%' && !name && !flags && width === undefined && precision === undefined) return '%';
    const field = {
      flags: flags ?? '',
      width: Number(width ?? 0),
      precision: precision === undefined ? null : Number(precision),
      kind,
    };
    if (field.width > WIDEST || (field.precision ?? 0) > WIDEST) refuse('a field that is too wide');
    return padded(field, taken.next(name));
  });
  taken.end();
  return formatted;
}

class Values {
  #at = 0;
  #named = false;

  constructor(private readonly given: PyValue) {}

  next(name: string | undefined): PyValue {
    if (name !== undefined) {
      this.#named = true;
      if (!(this.given instanceof Dict)) refuse('format requires a mapping');
      return otherwise(this.given.get(name), () => refuse(`there is no ${repr(name)} to format`));
    }
    if (this.given instanceof Tuple)
      return otherwise(this.given.items[this.#at++], () => refuse('not enough arguments for format string'));
    if (this.#at++ > 0) refuse('not enough arguments for format string');
    return this.given;
  }

  /** Unused values are an error, except in a mapping or a list. */
  end(): void {
    const { given } = this;
    const count = given instanceof Tuple ? given.items.length : 1;
    const isMapping = given instanceof Dict || Array.isArray(given);
    if (!this.#named && this.#at < count && !isMapping)
      refuse('not all arguments converted during string formatting');
  }
}

function padded(field: Field, value: PyValue): string {
  const { flags, width } = field;
  const [sign, body, isNumber] = converted(field, value);
  const missing = Math.max(0, width - charactersOf(sign + body).length);
  if (flags.includes('-')) return sign + body + ' '.repeat(missing);
  return flags.includes('0') && isNumber
    ? sign + '0'.repeat(missing) + body
    : ' '.repeat(missing) + sign + body;
}

function converted(field: Field, value: PyValue): [sign: string, body: string, isNumber: boolean] {
  const { kind, precision, flags } = field;
  const cut = (text: string) => (precision === null ? text : charactersOf(text).slice(0, precision).join(''));
  switch (kind) {
    case 's':
      return ['', cut(str(value)), false];
    case 'r':
      return ['', cut(repr(value)), false];
    case 'd':
    case 'i':
    case 'u':
    case 'x':
    case 'X':
    case 'o':
      return [...signed(whole(value, kind), field), true];
    case 'f':
    case 'F': {
      const number = numberOf(value);
      if (number === undefined) return refuse(`must be real number, not ${typeName(value)}`);
      const text = fixed(Number(number), precision ?? 6);
      const negative = text.startsWith('-');
      return [signOf(negative, flags), negative ? text.slice(1) : text, true];
    }
  }
  return refuse(`the format character ${JSON.stringify(kind)} is not taken`);
}

function whole(value: PyValue, kind: string): bigint {
  const number = numberOf(value);
  if (typeof number === 'bigint') return number;
  if (typeof number === 'number' && 'diu'.includes(kind) && Number.isFinite(number))
    return BigInt(Math.trunc(number));
  return refuse(`%${kind} format: a number is required, not ${typeName(value)}`);
}

function signed(value: bigint, { kind, flags, precision }: Field): [string, string] {
  const size = value < 0n ? -value : value;
  const base = kind === 'o' ? 8 : kind === 'x' || kind === 'X' ? 16 : 10;
  const digits = size.toString(base).padStart(precision ?? 0, '0');
  const prefix = flags.includes('#') && base !== 10 ? `0${kind}` : '';
  return [signOf(value < 0n, flags) + prefix, kind === 'X' ? digits.toUpperCase() : digits];
}

function signOf(negative: boolean, flags: string): string {
  if (negative) return '-';
  return flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';
}
