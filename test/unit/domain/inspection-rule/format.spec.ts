import { describe, expect, it } from 'vitest';
import { formatText, MissingKey, NotFormatted } from '../../../../src/domain/inspection-rule/format.js';

const context = {
  node: { driver: 'ipmi', driver_info: { ipmi_address: '10.0.0.2' } },
  inventory: {
    bmc_address: '10.0.0.1',
    cpu: { count: 8, flags: ['a', 'b'] },
    disks: [{ name: '/dev/sda', size: 1 }],
    ok: true,
    none: null,
    quotes: ["it's", 'say "x" it\'s', 'a\\b\nc'],
  },
  plugin_data: {},
  item: { path: 'x' },
};

describe('formatText', () => {
  // Answers of CPython 3.13's str.format, with dictionaries for all but the node.
  it.each([
    ['{inventory[bmc_address]}', '10.0.0.1'],
    ['n={inventory[cpu][count]}', 'n=8'],
    ['{inventory[cpu][flags][1]}', 'b'],
    ['{inventory[cpu][flags]}', "['a', 'b']"],
    ['{inventory[disks][0]}', "{'name': '/dev/sda', 'size': 1}"],
    ['{inventory[disks]}', "[{'name': '/dev/sda', 'size': 1}]"],
    ['{inventory[ok]} {inventory[none]}', 'True None'],
    ['{{x}} {item[path]}', '{x} x'],
    ['{item}', "{'path': 'x'}"],
    ['{inventory[quotes][0]}', "it's"],
    ['{inventory[quotes]}', "[\"it's\", 'say \"x\" it\\'s', 'a\\\\b\\nc']"],
    ['{plugin_data}', '{}'],
    ['{node.driver} {node.driver_info[ipmi_address]} {node[driver]}', 'ipmi 10.0.0.2 ipmi'],
    ['plain', 'plain'],
  ])('%s', (text, formatted) => {
    expect(formatText(text, context)).toBe(formatted);
  });
  it.each([
    ['{inventory[nosuch]}', MissingKey],
    ['{nosuch}', MissingKey],
    ['{inventory.cpu}', NotFormatted],
    ['{inventory[cpu][flags][9]}', NotFormatted],
    ['{inventory[cpu][flags][x]}', NotFormatted],
    ['{inventory[bmc_address][x]}', NotFormatted],
    ['{node.nosuch}', NotFormatted],
    ['{inventory[constructor]}', MissingKey],
    ['{', NotFormatted],
    ['}', NotFormatted],
    ['a{b', NotFormatted],
  ])('leaves %s', (text, kind) => {
    expect(() => formatText(text, context)).toThrow(kind);
  });
});
