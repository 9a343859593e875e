import { describe, expect, it } from 'vitest';
import { ConsoleLog } from '../../../../agent/src/agent-log.js';

describe('ConsoleLog', () => {
  const lines: string[] = [];
  const log = new ConsoleLog(false, (line) => void lines.push(line));

  it('keeps one event on one line, whatever a server sent', () => {
    log.say('status 500\n\u001b[2Jferric-agent 1.0: all is well\u009b0m');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^ferric-agent \d+\.\d+: status 500 \[2Jferric-agent 1\.0: all is well 0m\n$/);
  });

  it('keeps details for debugging', () => {
    log.detail('x');
    expect(lines).toHaveLength(1);
    new ConsoleLog(true, (line) => void lines.push(line)).detail('x');
    expect(lines).toHaveLength(2);
  });
});
