import { describe, expect, it } from 'vitest';
import { type ChosenStep, planDeployment } from '../../../../src/conductor/workflow/deploy-steps.js';
import type { Interfaces } from '../../../../src/driver/contract/interfaces.js';
import type { StepDeclaration } from '../../../../src/driver/contract/step.js';

const declared = (name: string, priority: number, more: Partial<StepDeclaration> = {}) => ({
  interface: 'deploy',
  name,
  kind: 'deploy',
  priority,
  abortable: true,
  rerunnable: true,
  visible: true,
  run: async () => ({ is: 'done' as const }),
  ...more,
});
const interfaces = {
  deploy: {},
  steps: [
    declared('deploy', 100),
    declared('write_image', 80),
    declared('boot_instance', 20),
    declared('apply', 0, {
      interface: 'bios',
      args: { settings: { description: 'what to set', required: true }, force: { description: 'x' } },
    }),
    declared('erase', 10, { kind: 'clean' }),
  ],
} as unknown as Interfaces;
const apply: ChosenStep = { interface: 'bios', step: 'apply', args: { settings: [] }, priority: 150 };
const plan = (wanted: ChosenStep[], ...templates: ChosenStep[][]) =>
  planDeployment(
    interfaces,
    wanted,
    templates.map((steps, at) => ({ name: `CUSTOM_${at}`, steps })),
  ).map(({ name, priority, args }) => `${name} ${priority} ${JSON.stringify(args)}`);

describe('planDeployment', () => {
  it('takes the interfaces’ own steps that are on, highest first', () => {
    expect(plan([])).toEqual(['deploy 100 {}', 'write_image 80 {}', 'boot_instance 20 {}']);
  });
  it('puts the steps of templates among them, with their priority and arguments', () => {
    expect(plan([], [apply], [{ interface: 'deploy', step: 'write_image', args: {}, priority: 10 }])).toEqual(
      ['apply 150 {"settings":[]}', 'deploy 100 {}', 'boot_instance 20 {}', 'write_image 10 {}'],
    );
  });
  it('lets the request win over templates, and priority 0 turn a step off', () => {
    const wanted = { ...apply, priority: 90, args: { settings: [1] } };
    expect(plan([wanted], [apply])[1]).toBe('apply 90 {"settings":[1]}');
    const off = (step: string) => ({ interface: 'deploy', step, args: {}, priority: 0 });
    expect(plan([off('write_image')], [off('deploy')])).toEqual(['boot_instance 20 {}']);
  });
  it('refuses a deployment whose steps are all off: it would do nothing and be called active', () => {
    const off = ['deploy', 'write_image', 'boot_instance'].map((step) => ({
      interface: 'deploy',
      step,
      args: {},
      priority: 0,
    }));
    expect(() => plan(off)).toThrow('No deploy steps returned by the driver');
    expect(plan(off.slice(1))).toEqual(['deploy 100 {}']);
  });
  it('knows the conductor’s own steps under any interface', () => {
    const hold = { interface: 'bios', step: 'hold', args: {}, priority: 90 };
    expect(plan([hold], [{ ...hold, step: 'power_on', priority: 85 }]).slice(1, 3)).toEqual([
      'hold 90 {}',
      'power_on 85 {}',
    ]);
  });
  // ironic/conductor/steps.py, _validate_user_steps
  it('says of all steps what is wrong, and which templates they are of', () => {
    const template =
      (...steps: ChosenStep[]) =>
      () =>
        plan([], steps);
    const matched =
      "Validation of deploy steps from deploy templates matching this node's instance traits failed. Matching deploy templates: CUSTOM_0. Errors: ";
    expect(template({ ...apply, step: 'nosuch' }, { ...apply, args: { odd: 1 } })).toThrow(
      `${matched}node does not support this deploy step: {'interface': 'bios', 'step': 'nosuch'}; ` +
        "deploy step {'interface': 'bios', 'step': 'apply'} has these unexpected arguments: odd; " +
        "deploy step {'interface': 'bios', 'step': 'apply'} is missing these required arguments: settings (what to set)",
    );
    expect(template({ interface: 'deploy', step: 'deploy', args: {}, priority: 5 })).toThrow(
      'is a core step',
    );
    expect(template({ interface: 'deploy', step: 'erase', args: {}, priority: 5 })).toThrow(
      'does not support',
    );
    expect(() => plan([], [apply], [apply])).toThrow('Duplicate deploy steps for bios.apply');
    expect(() => plan([{ ...apply, step: 'nosuch' }])).toThrow(
      'Validation of deploy steps from "deploy steps" argument failed.node does not support',
    );
    expect(template({ ...apply, args: {}, priority: 0 })).not.toThrow();
  });
});

describe('steps that only the agent knows', () => {
  const withAgent = {
    deploy: { agentDeploySteps: true },
    steps: [...interfaces.steps, declared('apply_configuration', 0, { interface: 'raid', byAgent: true })],
  } as unknown as Interfaces;
  const own = { interface: 'deploy', step: 'install_coreos', args: { a: 1 }, priority: 85 };
  const raid = { interface: 'raid', step: 'apply_configuration', args: {}, priority: 90 };

  it('go to the step that boots it, and are judged there', () => {
    expect(planDeployment(withAgent, [own, raid], [])).toMatchObject([
      { name: 'deploy', args: { requested: [own] } },
      { name: 'apply_configuration', priority: 90, agent: true },
      { name: 'write_image' },
      { name: 'boot_instance' },
    ]);
  });

  it.each([
    [{ ...own, interface: 'nosuch' }, "node does not support this deploy step: {'interface': 'nosuch'"],
    [{ ...raid, priority: 100 }, 'there between priorities 100 and 40: 100 is not between them'],
    [{ ...raid, priority: 40 }, '40 is not between them'],
  ])('have their place: %j', (step, fault) => {
    expect(() => planDeployment(withAgent, [step], [])).toThrow(fault);
  });

  it('are refused where the deploy interface boots no agent', () => {
    const without = { ...withAgent, deploy: {} } as Interfaces;
    expect(() => planDeployment(without, [own], [])).toThrow('node does not support this deploy step');
    expect(() => planDeployment(without, [raid], [])).toThrow('deploy interface does not boot');
  });
});
