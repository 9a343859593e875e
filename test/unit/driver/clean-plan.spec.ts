import { describe, expect, it } from 'vitest';
import { deploySection } from '../../../src/config/section/deploy.js';
import {
  cleanPriorities,
  type OfferedStep,
  planAutomatedCleaning,
  planManualCleaning,
} from '../../../src/driver/clean-plan.js';

const offered: OfferedStep[] = [
  { interface: 'deploy', step: 'erase_devices', priority: 10, abortable: true },
  { interface: 'deploy', step: 'erase_devices_metadata', priority: 99, abortable: true },
  {
    interface: 'raid',
    step: 'create_configuration',
    priority: 0,
    argsinfo: { level: { description: 'RAID level', required: true }, dry: { description: 'x' } },
  },
  { interface: 'nosuch', step: 'stranger', priority: 50 },
];
const names = (steps: { name: string }[]) => steps.map((step) => step.name);

describe('cleaning plan', () => {
  it('runs the agent’s steps by its own priorities, and none of an interface that does not exist', () => {
    const plan = planAutomatedCleaning(offered, cleanPriorities(deploySection.parse(undefined)));
    expect(names(plan)).toEqual(['erase_devices_metadata', 'erase_devices']);
    expect(plan[1]).toMatchObject({ abortable: true, agent: true, visible: true, rerunnable: true });
  });

  it('lets configuration switch off, on and reorder', () => {
    const settings = deploySection.parse({
      erase_devices_priority: 0,
      erase_devices_metadata_priority: 5,
      clean_step_priority_override: { 'raid.create_configuration': 7 },
    });
    expect(names(planAutomatedCleaning(offered, cleanPriorities(settings)))).toEqual([
      'create_configuration',
      'erase_devices_metadata',
    ]);
  });

  it('keeps the order of a manual cleaning and names all its faults', () => {
    const args = { level: '1' };
    const plan = planManualCleaning('n', offered, [
      { interface: 'deploy', step: 'erase_devices' },
      { interface: 'raid', step: 'create_configuration', args },
      { interface: 'deploy', step: 'erase_devices_metadata' },
    ]);
    expect(names(plan)).toEqual(['erase_devices', 'create_configuration', 'erase_devices_metadata']);
    expect(plan[1]?.args).toEqual(args);
    expect(() =>
      planManualCleaning('n', offered, [
        { interface: 'raid', step: 'create_configuration', args: { size: 1 } },
        { interface: 'bios', step: 'erase_devices' },
      ]),
    ).toThrow(
      "Cannot clean node n: clean step create_configuration has no argument size; clean step create_configuration needs the argument level; node does not support this clean step: {'interface': 'bios', 'step': 'erase_devices'}",
    );
  });
});
