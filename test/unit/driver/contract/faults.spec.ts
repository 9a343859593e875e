import { describe, expect, it } from 'vitest';
import { InvalidError } from '../../../../src/domain/errors.js';
import { Faults } from '../../../../src/driver/contract/faults.js';

describe('Faults', () => {
  it('throws nothing while there is none', () => {
    const faults = new Faults();
    faults.attempt(() => {});
    expect(() => faults.throwAny()).not.toThrow();
  });

  it('throws all of them at once, in their order', () => {
    const faults = new Faults();
    faults.add('first');
    faults.attempt(() => {
      throw new Error('second');
    });
    expect(() => faults.throwAny()).toThrow(new InvalidError('first; second'));
  });
});
