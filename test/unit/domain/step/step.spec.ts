import { describe, expect, it } from 'vitest';
import { orderSteps, type PlannedStep } from '../../../../src/domain/step/step.js';

const step = (name: string, priority: number, iface: PlannedStep['interface'] = 'deploy'): PlannedStep => ({
  interface: iface,
  name,
  priority,
  args: {},
  abortable: true,
  rerunnable: true,
  visible: true,
  agent: false,
});

describe('orderSteps', () => {
  it('runs high priorities first, ties by interface order, and drops priority 0', () => {
    const ordered = orderSteps([
      step('raid', 50, 'raid'),
      step('off', 0),
      step('vendor', 50, 'vendor'),
      step('power', 50, 'power'),
      step('first', 99, 'raid'),
    ]);
    expect(ordered.map((s) => s.name)).toEqual(['first', 'vendor', 'power', 'raid']);
  });
});
