import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { FORMATS, printOne, printRows } from '../../../cli/node/output.js';
import type { Shell } from '../../../cli/shell.js';
import { textTable } from '../../../cli/terminal/text-table.js';

const hostile = { name: 'n', text: 'a\x1b[2Jb\u009b31mc\u202e\u061cd\ne', plain: 'x\u009by' };
/** What is printed; the newline of the lines themselves aside. */
function printed(print: (shell: Shell) => void): string {
  let out = '';
  print({ stdout: { write: (text: string) => (out += text) } } as unknown as Shell);
  return out;
}

it.each(FORMATS)('%s commands no terminal, whatever a machine or a tenant wrote', (format) => {
  for (const out of [
    printed((shell) => printOne(shell, format, hostile)),
    printed((shell) => printRows(shell, format, [hostile], ['name', 'text', 'plain'])),
  ]) {
    expect(out).toContain('n');
    expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u202a-\u202e]/);
  }
});

it('JSON and YAML hold the value itself', () => {
  expect(JSON.parse(printed((shell) => printOne(shell, 'json', hostile)))).toEqual(hostile);
  expect(parse(printed((shell) => printOne(shell, 'yaml', hostile)))).toEqual(hostile);
  expect(parse(printed((shell) => printRows(shell, 'yaml', [hostile], [])))).toEqual([hostile]);
});

it('a table of any length has columns as wide as their widest cell', () => {
  const rows = Array.from({ length: 200_000 }, (_, n) => [`${n}`, 'x']);
  expect(textTable(['A', 'B'], rows).split('\n')[0]).toBe('A       B');
});
