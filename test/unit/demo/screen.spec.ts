import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Screen } from '../../../demo/screen.js';

class Paper extends Writable {
  text = '';
  constructor(
    readonly isTTY: boolean,
    readonly columns = 60,
  ) {
    super();
  }

  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

const MIB = 2 ** 20;

describe('Screen', () => {
  it('writes one line for each tenth where there is no terminal', () => {
    const paper = new Paper(false);
    const screen = new Screen(paper);
    for (let percent = 0; percent <= 100; percent++) screen.progress('write', percent * MIB, 100 * MIB);
    const lines = paper.text.trimEnd().split('\n');
    expect(lines).toHaveLength(11);
    expect(lines.at(-1)).toMatch(/100 % 100\.0 \/ 100\.0 MiB$/);
    expect(paper.text).not.toMatch(/[\r\u001b]/);
  });

  it('keeps the bar below the lines on a terminal, never wider than that', () => {
    const paper = new Paper(true);
    const screen = new Screen(paper);
    screen.progress('write', 50 * MIB, 100 * MIB);
    screen.say('something happened');
    screen.progress('write', 100 * MIB, 100 * MIB);
    screen.endProgress();
    const shown = paper.text.replaceAll(/[^\n]*\r\u001b\[K/g, '').split('\n');
    expect(shown).toHaveLength(3);
    expect(shown[0]).toContain('something happened');
    expect(shown[1]).toContain('########################');
    for (const part of paper.text.split(/[\r\n]/)) expect(part.length).toBeLessThan(paper.columns + 4);
  });

  it('shows bytes where nobody knows the whole', () => {
    const paper = new Paper(false);
    new Screen(paper).progress('download', 3 * MIB, null);
    expect(paper.text).toMatch(/ 0 % 3\.0 MiB\n$/);
  });
});
