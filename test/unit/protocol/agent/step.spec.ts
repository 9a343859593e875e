import { describe, expect, it } from 'vitest';
import { parseStepList, stepListResult } from '../../../../src/protocol/agent/step.js';

// As ironic-python-agent 9.1 answers clean.get_clean_steps, shortened.
const upstream = {
  clean_steps: {
    GenericHardwareManager: [
      { step: 'erase_devices', priority: 10, interface: 'deploy', reboot_requested: false, abortable: true },
      {
        step: 'clean_uefi_nvram',
        priority: 0,
        interface: 'deploy',
        reboot_requested: false,
        abortable: true,
        argsinfo: { match_patterns: { description: 'd', required: false } },
      },
    ],
  },
  hardware_manager_version: { generic_hardware_manager: '1.2' },
};

describe('parseStepList', () => {
  it('keeps managers, steps and version, and writes the same back', () => {
    const list = parseStepList('clean', upstream);
    expect(list.steps['GenericHardwareManager']).toHaveLength(2);
    expect(stepListResult('clean', list)).toEqual(upstream);
  });

  it.each([
    [{}, 'clean_steps: must be an object'],
    [{ ...upstream, hardware_manager_version: null }, 'hardware_manager_version: must be an object'],
    [{ ...upstream, clean_steps: { m: {} } }, 'clean_steps.m: must be a list'],
    [
      { ...upstream, clean_steps: { m: [{ step: 's', interface: 'deploy', priority: -1 }] } },
      'clean_steps.m[0].priority',
    ],
  ])('refuses %j', (result, message) => {
    expect(() => parseStepList('clean', result)).toThrow(message);
  });
});
