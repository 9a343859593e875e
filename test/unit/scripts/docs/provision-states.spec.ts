import { describe, expect, it } from 'vitest';
import { provisionStates } from '../../../../scripts/docs/provision-states.js';
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

  it('draws all of it, and says of each verb whether it is done in maintenance', () => {
    expect(text).toContain('  state "wait call-back" as wait_call_back\n');
    expect(text).toContain('  deploying --> wait_call_back: wait\n');
    expect(text).toContain('  cleaning --> clean_hold: hold\n');
    expect(text).toMatch(/^\| `clean` +\| clean +\| 1\.15 +\| refused/m);
    expect(text).toMatch(/^\| `provide` +\| provide +\| 1\.4 +\| done/m);
    expect(text).not.toContain('refuses the verbs');
  });
});
