import { describe, expect, it } from 'vitest';
import { STANDARD_TRAITS } from '../../../../src/domain/node/standard-traits.js';
import { isTrait, refuseForeignTraits, settleTraits } from '../../../../src/domain/node/trait.js';

describe('traits', () => {
  it('are standard ones or CUSTOM_', () => {
    expect(STANDARD_TRAITS.size).toBe(345);
    for (const trait of ['HW_CPU_X86_VMX', 'COMPUTE_NODE', 'CUSTOM_A_1']) expect(isTrait(trait)).toBe(true);
    for (const text of ['', 'HW_CPU_X86_NO', 'CUSTOM_', 'CUSTOM_a', 'CUSTOM_A\n', ' COMPUTE_NODE']) {
      expect([text, isTrait(text)]).toEqual([text, false]);
    }
    expect(isTrait(`CUSTOM_${'A'.repeat(248)}`)).toBe(true);
    expect(isTrait(`CUSTOM_${'A'.repeat(249)}`)).toBe(false);
  });
  it('of a node are each once, and fifty at most', () => {
    expect(settleTraits('n', ['B', 'A', 'B'])).toEqual(['A', 'B']);
    const many = Array.from({ length: 51 }, (_, index) => `CUSTOM_${index}`);
    expect(settleTraits('n', many.slice(1))).toHaveLength(50);
    expect(() => settleTraits('n', many)).toThrow('(51 vs. 50)');
  });
  it('of an instance are the node’s', () => {
    for (const wanted of [undefined, null, [], '', ['A'], ['A', 'A']])
      refuseForeignTraits('n', ['A'], wanted);
    expect(() => refuseForeignTraits('n', ['A'], ['A', 'B', 'C', 'B'])).toThrow('is missing traits B, C');
    for (const wanted of ['A', [1], { A: 1 }]) {
      expect(() => refuseForeignTraits('n', ['A'], wanted)).toThrow('A list of strings is expected.');
    }
  });
});
