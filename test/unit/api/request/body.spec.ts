import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BodyRefused, BodyScan, parseBody } from '../../../../src/api/request/body.js';

/** Texts beyond the length from which a scan skips their bytes, with quotes and backslashes in them. */
const LONG_TEXTS = fc
  .array(fc.string({ unit: fc.constantFrom('x'.repeat(300), 'x', '"', '\\', '[{,'), maxLength: 12 }), {
    maxLength: 12,
  })
  .map((texts) => JSON.stringify(texts));

const parse = (text: string) => parseBody(Buffer.from(text));

describe('parseBody', () => {
  it('reads JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const text = JSON.stringify(value);
        fc.pre(!text.includes('\\u0000') && !text.includes('\\ud') && !text.includes('__proto__'));
        expect(parse(text)).toEqual(JSON.parse(text));
      }),
      { numRuns: 500 },
    );
    expect(parseBody(Buffer.alloc(0))).toBeUndefined();
  });
  it('refuses depth before it parses', () => {
    expect(parse(`${'['.repeat(25)}${']'.repeat(25)}`)).toBeInstanceOf(Array);
    expect(() => parse(`${'['.repeat(26)}${']'.repeat(26)}`)).toThrow(BodyRefused);
    expect(() => parse('{"a":'.repeat(26))).toThrow(BodyRefused);
    expect(parse(JSON.stringify({ a: '[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["\\[' }))).toBeTruthy();
    const started = performance.now();
    expect(() => parse('['.repeat(200_000))).toThrow(BodyRefused);
    expect(performance.now() - started).toBeLessThan(1_000);
  });
  it('refuses too many values before it parses, however they are written', () => {
    const list = (count: number, value: string) => `[${Array(count).fill(value).join(',')}]`;
    expect(parse(list(49_000, '1'))).toHaveLength(49_000);
    for (const value of ['[]', '{}', '1', '"x"', '{"a":1,"b":2}']) {
      expect(() => parse(list(60_000, value)), value).toThrow('too many values');
    }
    const long = JSON.stringify(`${'x'.repeat(300)}"\\${'y'.repeat(300)}\\`);
    expect(() => parse(list(60_000, long))).toThrow('too many values');
    // What stands in a text is none.
    expect(parse(JSON.stringify({ logs: ',[{'.repeat(100_000) }))).toBeTruthy();
  });
  it('looks through pieces as through the whole', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), LONG_TEXTS), fc.integer({ min: 1, max: 900 }), (text, size) => {
        const bytes = Buffer.from(text);
        const whole = new BodyScan();
        whole.push(bytes);
        const pieces = new BodyScan();
        for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
        expect(pieces).toEqual(whole);
        const outside = text.replace(/"(?:[^"\\]|\\.)*"/g, '""');
        const counted = new BodyScan();
        counted.push(Buffer.from(outside));
        expect(whole).toEqual(counted);
      }),
    );
  });
  it.each([
    ['{bad', 'it is not JSON'],
    ['"a', 'it is not JSON'],
    ['{"a": {"b": "x\\u0000y"}}', 'a.b holds a NUL'],
    ['{"a": ["\\ud800"]}', 'a[0] holds half of a surrogate pair'],
    ['{"a": {"x\\u0000": 1}}', 'a key of a holds a NUL'],
    ['{"extra": {"__proto__": {"x": 1}}}', 'The key "__proto__" is not allowed in extra'],
    ['{"\\u005f_proto__": 1}', '"__proto__" is not allowed in the body'],
    ['{"a": 1e999}', 'a holds a number that is out of range'],
  ])('refuses %s', (text, message) => {
    expect(() => parse(text)).toThrow(message);
  });
  it.each([
    ['{"a": 9007199254740993}', 'a holds a whole number that cannot be kept exactly'],
    ['{"a": [-12345678901234567890123]}', '0 holds a whole number'],
    ['9007199254740993', 'The body holds a whole number'],
  ])('refuses %s rather than to keep another number', (text, message) => {
    expect(() => parse(text)).toThrow(message);
    expect(parseBody(Buffer.from(text), true)).toBeDefined();
  });
  it.each([
    ['9007199254740992'],
    ['[9007199254740991, -9007199254740992]'],
    ['0.12345678901234567890'],
    ['1e20'],
    ['"9007199254740993"'],
    ['18446744073709552000'],
    ['-1000000000000000000000000'],
    ['1234567890000000000000000'],
  ])('keeps %s', (text) => {
    expect(parse(text)).toEqual(JSON.parse(text));
  });
  it('refuses what is no UTF-8, and quotes nothing of what it could not read', () => {
    expect(() => parseBody(Buffer.from([0x22, 0xff, 0x22]))).toThrow('it is not UTF-8');
    expect(() => parse('{"ipmi_password": canary}')).toThrow(/^(?!.*canary).*not JSON/);
  });
});
