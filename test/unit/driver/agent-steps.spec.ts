import { describe, expect, it } from 'vitest';
import { deploySection } from '../../../src/config/section/deploy.js';
import {
  cleanPriorities,
  erasureInWords,
  type OfferedStep,
  planAutomatedCleaning,
  planManualCleaning,
} from '../../../src/driver/agent-steps.js';

const offered: OfferedStep[] = [
  { interface: 'deploy', step: 'erase_devices', priority: 10, abortable: true },
  { interface: 'deploy', step: 'erase_devices_metadata', priority: 99, abortable: true },
  { interface: 'deploy', step: 'erase_devices_express', priority: 0, abortable: true },
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
  const automated = (deploy?: object) =>
    planAutomatedCleaning(offered, cleanPriorities(deploySection.parse(deploy)));

  it('overwrites nothing unless it is told to, and runs no step of an interface that does not exist', () => {
    const plan = automated();
    expect(names(plan)).toEqual(['erase_devices_metadata', 'erase_devices_express']);
    expect(plan[1]).toMatchObject({ abortable: true, agent: true, visible: true, rerunnable: true });
  });

  it('overwrites by one key, in the place of what is quick; 0 leaves the metadata alone', () => {
    expect(names(automated({ erase_devices_priority: 10 }))).toEqual([
      'erase_devices_metadata',
      'erase_devices',
    ]);
    expect(names(automated({ erase_devices_priority: 0 }))).toEqual(['erase_devices_metadata']);
  });

  it.each([
    [{}, /erases metadata, and lets disks erase themselves .*erase_devices_priority: 10 overwrites all/],
    [{ erase_devices_priority: 0 }, /erases metadata; other data stays readable/],
    [{ erase_devices_priority: 10 }, /overwrites every byte .* 2 times: some 30 hours for 8 TB/],
    [
      { erase_devices_priority: 10, shred_random_overwrite_iterations: 0 },
      /overwrites every byte .* 1 times: some 15 hours/,
    ],
    [{ clean_step_priority_override: { 'deploy.erase_devices': 3 } }, /overwrites every byte/],
  ])('says what it does to data: %j', (deploy, words) => {
    expect(erasureInWords(deploySection.parse(deploy))).toMatch(words);
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
      "Cannot clean node n: clean step {'interface': 'raid', 'step': 'create_configuration'} has these unexpected arguments: size; " +
        "clean step {'interface': 'raid', 'step': 'create_configuration'} is missing these required arguments: level (RAID level); node does not support this clean step: {'interface': 'bios', 'step': 'erase_devices'}",
    );
  });
});
