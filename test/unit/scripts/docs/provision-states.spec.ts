import { describe, expect, it } from 'vitest';
import { builtTransitions, provisionStates } from '../../../../scripts/docs/provision-states.js';
import { STATES, TRANSITIONS } from '../../../../src/domain/provision/table.js';

describe('docs/reference/provision-states.md', () => {
  const text = provisionStates.render();

  it('has a row for each state and each transition', () => {
    for (const state of Object.keys(STATES)) expect(text).toMatch(new RegExp(`^\\| ${state} \\|`, 'm'));
    const rows = text
      .slice(text.indexOf('## All transitions'))
      .split('\n')
      .filter((line) => line.startsWith('| '));
    expect(rows.length - 2).toBe(TRANSITIONS.length);
  });

  it('draws what can be reached without the verbs that are not built', () => {
    const states = new Set(builtTransitions().flatMap((row) => [row.from, row.to]));
    expect([...states].sort()).toEqual(
      [
        ...['enroll', 'verifying', 'manageable', 'cleaning', 'clean wait', 'clean failed', 'available'],
        ...['deploying', 'wait call-back', 'deploy failed', 'active', 'deleting', 'error'],
      ].sort(),
    );
    expect(text).toContain('  state "wait call-back" as wait_call_back\n');
    expect(text).toContain('  deploying --> wait_call_back: wait\n');
  });
});
