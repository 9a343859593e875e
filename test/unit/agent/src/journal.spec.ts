import { describe, expect, it } from 'vitest';
import { ConsoleJournal } from '../../../../agent/src/journal.js';

describe('ConsoleJournal', () => {
  const lines: string[] = [];
  const journal = new ConsoleJournal(false, (line) => void lines.push(line));

  it('keeps one event on one line, whatever a server sent', () => {
    journal.say('status 500\n\u001b[2Jferric-agent 1.0: all is well\u009b0m');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^ferric-agent \d+\.\d+: status 500 \[2Jferric-agent 1\.0: all is well 0m\n$/);
  });

  it('keeps details for debugging', () => {
    journal.detail('x');
    expect(lines).toHaveLength(1);
    new ConsoleJournal(true, (line) => void lines.push(line)).detail('x');
    expect(lines).toHaveLength(2);
  });
});
