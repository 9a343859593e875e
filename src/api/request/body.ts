import { InvalidError } from '../../domain/errors.js';

const MAX_DEPTH = 25;
/** More than the largest inspection report has; that many are parsed within a few milliseconds. */
const MAX_VALUES = 50_000;

/** Plain bytes of texts after which a native search pays. */
const RUN = 256;

/** Refused before parsing: the filter writes it in the middleware's form. */
export class BodyRefused extends InvalidError {}

/**
 * @param bytes the body; empty: none
 * @param mayRound whether a whole number that JavaScript cannot hold is rounded; else it is refused
 * @returns the JSON value, without text that PostgreSQL cannot store or keys of prototypes
 * @throws BodyRefused when nested too deeply, InvalidError otherwise
 */
export function parseBody(bytes: Buffer, mayRound = false): unknown {
  const scan = new BodyScan();
  scan.push(bytes);
  return parseScanned(bytes, scan, mayRound);
}

/** As `parseBody`, for bytes that were already scanned. */
export function parseScanned(
  bytes: Buffer,
  { hasLongNumber }: Pick<BodyScan, 'hasLongNumber'>,
  mayRound: boolean,
): unknown {
  if (bytes.length === 0) return undefined;
  let text: string;
  let body: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes);
    body = JSON.parse(text);
  } catch (error) {
    // V8 quotes the text around the error, which may hold a secret.
    const reason = error instanceof SyntaxError ? 'it is not JSON' : 'it is not UTF-8';
    throw new InvalidError(`The request body could not be read: ${reason}.`, { cause: error });
  }
  refuseUnstorable(body, '');
  if (hasLongNumber && !mayRound) refuseRounded(text);
  return body;
}

/** Number of digits from which a whole number may exceed 2^53. */
const LONG = 16;

/**
 * Scans the bytes of a body as they arrive, without building anything: counts brackets, values and digits outside
 * strings. A parser would recurse (OSSN-0099), and build objects of a body that is refused in the end.
 */
export class BodyScan {
  hasLongNumber = false;
  #depth = 0;
  #values = 0;
  #digits = 0;
  #inString = false;
  #escaped = false;

  /** @throws BodyRefused */
  push(bytes: Buffer): void {
    // By index and in local variables: this runs for every byte of unauthenticated clients.
    let [inString, escaped, depth, values, digits] = [
      this.#inString,
      this.#escaped,
      this.#depth,
      this.#values,
      this.#digits,
    ];
    let [plain, quote] = [0, -1];
    for (let at = 0; at < bytes.length; at += 1) {
      const byte = bytes[at]!;
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === 0x5c) escaped = true;
        else if (byte === 0x22) inString = false;
        else if (++plain === RUN) {
          // Most bytes of a large body are long texts: their ends are found by native code. No byte is searched twice.
          if (quote < at) quote = indexOr(bytes, 0x22, at);
          at += indexOr(bytes.subarray(at, quote), 0x5c, 0) - 1;
          plain = 0;
        }
      } else if (byte >= 0x30 && byte <= 0x39) {
        digits += 1;
        if (digits === LONG) this.hasLongNumber = true;
      } else {
        digits = 0;
        if (byte === 0x22) inString = true;
        // Every value but the first of its list or object follows a comma.
        else if (byte === 0x2c) values += 1;
        else if (byte === 0x7d || byte === 0x5d) depth -= 1;
        else if (byte === 0x7b || byte === 0x5b) {
          values += 1;
          depth += 1;
          if (depth > MAX_DEPTH) throw tooDeep();
        }
      }
    }
    [this.#inString, this.#escaped] = [inString, escaped];
    [this.#depth, this.#values, this.#digits] = [depth, values, digits];
    if (values > MAX_VALUES) throw tooMany();
  }
}

/** @returns the length where the byte does not occur any more */
function indexOr(bytes: Buffer, byte: number, from: number): number {
  const at = bytes.indexOf(byte, from);
  return at < 0 ? bytes.length : at;
}

function tooDeep(): BodyRefused {
  return new BodyRefused('Request body JSON is nested too deeply. Please contact the service administrator.');
}

function tooMany(): BodyRefused {
  return new BodyRefused('Request body JSON has too many values. Please contact the service administrator.');
}

type Reviver = (key: string, value: unknown, context: { source?: string }) => unknown;
/** TypeScript's library does not know the reviver's third argument yet. */
const parseTold = JSON.parse as (text: string, reviver: Reviver) => unknown;

/** Refuses a number that would be returned changed. */
function refuseRounded(text: string): void {
  parseTold(text, (key, value, { source = '' }) => {
    if (typeof value === 'number' && /^-?\d{16,}$/.test(source) && digitsOf(value) !== source) {
      throw new InvalidError(`${key || 'The body'} holds a whole number that cannot be kept exactly.`);
    }
    return value;
  });
}

/** The digits without an exponent, which `String` uses from 1e21 on. */
function digitsOf(value: number): string {
  const [digits = '', exponent] = String(value).split('e+');
  if (exponent === undefined) return digits;
  const [sign = '', whole = '', fraction = ''] = /^(-?)(\d+)\.?(\d*)$/.exec(digits)!.slice(1);
  return sign + (whole + fraction).padEnd(Number(exponent) + 1, '0');
}

function refuseUnstorable(value: unknown, at: string): void {
  if (typeof value === 'string') refuseText(value, at);
  else if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new InvalidError(`${at || 'The body'} holds a number that is out of range.`);
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) refuseUnstorable(item, `${at}[${index}]`);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, below] of Object.entries(value)) {
      if (key === '__proto__')
        throw new InvalidError(`The key "__proto__" is not allowed in ${at || 'the body'}.`);
      refuseText(key, `a key of ${at || 'the body'}`);
      refuseUnstorable(below, at ? `${at}.${key}` : key);
    }
  }
}

/** @throws InvalidError for NUL and lone surrogates, naming their place */
export function refuseText(text: string, at: string): void {
  if (text.includes('\0')) throw new InvalidError(`${at || 'The body'} holds a NUL character.`);
  if (!text.isWellFormed()) throw new InvalidError(`${at || 'The body'} holds half of a surrogate pair.`);
}
