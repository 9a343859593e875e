// Numbers as Python prints and rounds them.
import { refuse } from './error.js';

/** repr() of a float: the shortest digits, an exponent from 1e16 on and below 1e-4. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (Object.is(value, -0)) return '-0.0';
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e16 || size < 1e-4)) {
    const [digits, exponent] = value.toExponential().split('e') as [string, string];
    const power = exponent.slice(1).padStart(2, '0');
    return `${digits}e${exponent[0]}${power}`;
  }
  // Between these bounds JavaScript writes an exponent only below 1e-6.
  const text = String(value);
  return text.includes('.') ? text : `${text}.0`;
}

/** Exact value of a float as ±m·2^e. @returns [sign, integer m, exponent e] */
function parts(value: number): [negative: boolean, mantissa: bigint, exponent: number] {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const exponent = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xf_ffff_ffff_ffffn;
  const mantissa = exponent === 0 ? fraction : fraction | (1n << 52n);
  return [bits >> 63n === 1n, mantissa, Math.max(exponent, 1) - 1075];
}

/** `'%.Nf'`: the exact value, correctly rounded, ties to even. */
export function fixed(value: number, digits: number): string {
  if (!Number.isFinite(value)) return floatText(value);
  if (digits > 300) refuse('more than 300 decimal places');
  const [negative, mantissa, exponent] = parts(value);
  let numerator = mantissa * 10n ** BigInt(digits);
  let quotient: bigint;
  if (exponent >= 0) quotient = numerator << BigInt(exponent);
  else {
    const shift = BigInt(-exponent);
    quotient = numerator >> shift;
    numerator -= quotient << shift;
    const half = 1n << (shift - 1n);
    if (numerator > half || (numerator === half && quotient % 2n === 1n)) quotient += 1n;
  }
  const text = String(quotient).padStart(digits + 1, '0');
  const point = text.length - digits;
  const whole = digits === 0 ? text : `${text.slice(0, point)}.${text.slice(point)}`;
  return negative ? `-${whole}` : whole;
}

/** Python's round(value, digits). */
export function roundHalfEven(value: number, digits: number): number {
  if (!Number.isFinite(value)) return value;
  if (digits >= 0) return Number(fixed(value, Math.min(digits, 300)));
  return refuse('rounding to less than one is not taken');
}
