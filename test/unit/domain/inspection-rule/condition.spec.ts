import { describe, expect, it } from 'vitest';
import { isInNetwork, parseAddress } from '../../../../src/domain/inspection-rule/address.js';
import { holds } from '../../../../src/domain/inspection-rule/condition.js';
import type { RuleCondition } from '../../../../src/domain/inspection-rule/rule.js';

const context = {
  node: { driver: 'fake-hardware', name: null },
  inventory: { cpu: { architecture: 'x86_64', count: 8 }, bmc_address: '192.168.1.5' },
  plugin_data: {},
};
const is = (op: string, args: RuleCondition['args'], more: Partial<RuleCondition> = {}) =>
  holds({ op, args, ...more }, context);

describe('holds', () => {
  // ironic/tests/unit/common/test_inspection_rule.py: test_rule_operators and its edge cases
  it.each<[string, RuleCondition['args'], RuleCondition['args']]>([
    ['eq', { values: [5, 5] }, { values: [5, 10] }],
    ['lt', { values: [5, 10] }, { values: [10, 5] }],
    ['gt', { values: [10, 5] }, { values: [5, 10] }],
    ['is-empty', { value: '' }, { value: 'not empty' }],
    [
      'in-net',
      { address: '192.168.1.5', subnet: '192.168.1.0/24' },
      { address: '10.0.0.1', subnet: '192.168.1.0/24' },
    ],
    [
      'matches',
      { value: 'abc123', regex: String.raw`abc\d+` },
      { value: 'xyz123', regex: String.raw`abc\d+` },
    ],
    [
      'contains',
      { value: 'test-abc123-end', regex: String.raw`abc\d+` },
      { value: 'test-xyz-end', regex: 'abc' },
    ],
    ['one-of', { value: 'b', values: ['a', 'b', 'c'] }, { value: 'z', values: ['a', 'b', 'c'] }],
    ['one-of', ['a', ['a']], { value: 'test', values: [] }],
    ['is-none', { value: null }, { value: 'something' }],
    ['is-true', { value: true }, { value: false }],
    ['is-true', { value: 'TRUE' }, { value: 'no' }],
    ['is-true', { value: 0.1 }, { value: 0 }],
    ['is-true', ['yes'], { value: {} }],
    ['is-false', { value: false }, { value: true }],
    ['is-false', { value: null }, { value: 'yes' }],
    ['is-false', { value: 'FALSE' }, { value: 1 }],
    ['eq', { values: ['{node.driver}', 'fake-hardware'] }, { values: ['{node.driver}', 'other'] }],
    ['eq', { values: [1, true] }, { values: ['1', 1] }],
    ['eq', { values: ['8', '{inventory[cpu][count]}'] }, { values: [8, '{inventory[cpu][count]}'] }],
    ['eq', { values: [8, '{inventory[cpu][count]}'], force_strings: true }, { values: [[1], [2]] }],
    ['lt', { values: [1, 2, 3] }, { values: [1, 3, 2] }],
    ['is-empty', ['{inventory[nosuch]}'], ['{inventory[cpu]}']],
    ['matches', ['abc', 'a|abc'], ['abcd', 'abc']],
    ['matches', ['ABC', '(?i)abc'], ['ABC', 'abc']],
    ['contains', ['2001', '(?P<year>20)'], ['19', '(?P<year>20)']],
  ])('%s %j but not %j', (op, yes, no) => {
    expect([is(op, yes), is(op, no)]).toEqual([true, false]);
    expect([is(`!${op}`, yes), is(`!${op}`, no)]).toEqual([false, true]);
  });

  it('goes through a loop', () => {
    const eq = { values: [1, '{item}'] };
    const contains = { value: '{item}', regex: '4' };
    const oneOf = { value: '{inventory[cpu][architecture]}', values: ['{item}'] };
    for (const [multiple, result] of [
      ['any', true],
      ['all', false],
      ['first', true],
      ['last', false],
    ] as const) {
      expect([multiple, is('eq', eq, { loop: [1, 2, 3, 4], multiple })]).toEqual([multiple, result]);
      expect(is('contains', contains, { loop: ['test4', 'value5', 'string6'], multiple })).toBe(result);
      expect(is('one-of', oneOf, { loop: ['x86_64', 'aarch64', 'ppc64le'], multiple })).toBe(result);
    }
    const named = { values: ['{item[a]}', 'fake-hardware'] };
    expect(is('eq', named, { loop: { a: '{node.driver}' } })).toBe(true);
    expect(is('eq', eq, { loop: [] })).toBe(false);
  });

  it.each<[string, RuleCondition['args'], string]>([
    ['in-net', ['192.168.1.1', 'invalid-subnet'], 'invalid value: invalid-subnet'],
    ['in-net', ['nosuch', '10.0.0.0/8'], 'invalid value: nosuch'],
    ['matches', ['test', '[unclosed'], 'invalid regular expression'],
    ['contains', ['test', '[unclosed'], 'invalid regular expression'],
    ['eq', { values: 'not-a-list' }, "Expected list for 'values', got: str"],
    ['lt', { values: ['1', 2] }, "'<' not supported between instances of 'str' and 'int'"],
  ])('%s cannot judge %j', (op, args, fault) => {
    expect(() => is(op, args)).toThrow(fault);
  });
});

describe('addresses', () => {
  // Answers of Python's ipaddress and netaddr.
  it.each([
    ['10.1.2.3', '10.0.0.0/8', true],
    ['11.1.2.3', '10.0.0.0/8', false],
    ['10.1.2.3', '10.1.2.0/255.255.255.0', true],
    ['10.1.2.3', '10.1.2.3', true],
    ['10.1.2.3', '0.0.0.0/0', true],
    ['2001:db8::1', '2001:db8::/32', true],
    ['2001:db9::1', '2001:db8::/32', false],
    ['::ffff:10.0.0.1', '::ffff:0:0/96', true],
    ['10.0.0.1', '::/0', false],
    ['10.0.0.1', '10.0.0.0/33', null],
    ['10.0.0.1', '10.0.0.0/255.0.255.0', null],
    ['10.0.0.1', 'x/8', null],
  ])('%s in %s: %s', (address, subnet, inside) => {
    expect(isInNetwork(parseAddress(address)!, subnet)).toBe(inside);
  });
  it.each([
    '',
    '1.2.3',
    '1.2.3.256',
    '1::2::3',
    '1:2:3',
    ':::',
    '12345::',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8:9',
  ])('%s is none', (text) => {
    expect(parseAddress(text)).toBeNull();
  });
});
