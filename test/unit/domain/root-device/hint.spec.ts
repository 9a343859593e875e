import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidError } from '../../../../src/domain/errors.js';
import { parseRootDeviceHints } from '../../../../src/domain/root-device/hint.js';

describe('parseRootDeviceHints', () => {
  it.each<[unknown, string]>([
    ['sda', 'must be an object'],
    [[], 'must be an object'],
    [{ colour: 'red', size: 1 }, 'The hints "colour" are invalid'],
    [{ size: 'big' }, 'is not an integer value'],
    [{ size: '>= 0' }, 'should be a positive integer'],
    [{ size: -4 }, 'should be a positive integer'],
    [{ size: 's== 4' }, 'compares text'],
    [{ size: '<range-in> 1 2' }, 'a range looks like'],
    [{ model: 7 }, 'is not a string value'],
    [{ model: '  ' }, 'expression is empty'],
    [{ model: '<in>' }, 'has no value after'],
    [{ model: '>= many' }, 'compares numbers'],
    [{ rotational: 'round' }, 'is not a Boolean value'],
  ])('refuses %j', (hints, message) => {
    expect(() => parseRootDeviceHints(hints)).toThrow(InvalidError);
    expect(() => parseRootDeviceHints(hints)).toThrow(message);
  });

  it('reads any text or says why not', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          const [hint] = parseRootDeviceHints({ model: text });
          expect(['text', 'number', 'range']).toContain(hint?.kind);
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidError);
        }
      }),
    );
  });
});
