import { describe, expect, it } from 'vitest';
import { parseBasic } from '../../../../../src/api/auth/basic/header.js';

const base64 = (text: string | Uint8Array) => Buffer.from(text).toString('base64');

describe('an Authorization header', () => {
  it.each([
    // RFC 7617 §2 and §2.1.
    ['Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==', 'Aladdin', 'open sesame'],
    ['Basic dGVzdDoxMjPCow==', 'test', '123£'],
    [`basic  ${base64('u:')} `, 'u', ''],
    [`BASIC ${base64('u:p:q')}`, 'u', 'p:q'],
    [`Basic ${base64(':')}`, '', ''],
  ])('%s', (header, user, password) => {
    expect(parseBasic(header)).toEqual({ user, password });
  });

  it.each([
    ['Basic', 'Could not parse Authorization header'],
    ['', 'Could not parse Authorization header'],
    ['Bearer abc', 'Unsupported authorization type "Bearer"'],
    ['Basic canary!', 'Could not decode authorization token'],
    ['Basic QWx', 'Could not decode authorization token'],
    [`Basic ${base64('nocolon')}`, 'Could not decode authorization token'],
    [`Basic ${base64(Uint8Array.of(0xff, 0x3a, 0x41))}`, 'Could not decode authorization token'],
  ])('that is none is refused: %s', (header, message) => {
    const parse = () => parseBasic(header);
    expect(parse).toThrow(expect.objectContaining({ code: 'invalid', message, challenge: null }));
  });
});
