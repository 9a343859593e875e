import type { ReadContext } from '../contract/context.js';
import type { RescueInterface } from '../contract/rescue.js';
import type { StepDeclaration, WorkContext } from '../contract/step.js';
import { checkRescuePassword, forgetRescuePassword } from '../rescue-password.js';
import { lasting } from './lasting.js';
import { FAKE_PROPERTIES, type FakeMachine } from './machine.js';

const step = { interface: 'rescue', priority: 100, rerunnable: true, visible: false } as const;

/** A rescue that boots nothing. With a delay the node goes through `rescue wait`. */
export class FakeRescue implements RescueInterface {
  readonly name = 'fake';
  readonly properties = FAKE_PROPERTIES;
  readonly steps: readonly StepDeclaration[];

  constructor(private readonly machine: FakeMachine) {
    const rescue: StepDeclaration['run'] = (context) =>
      lasting(machine, context, {
        kind: 'rescue',
        leaves: () => forgetRescuePassword(context),
      });
    const unrescue: StepDeclaration['run'] = (context) => lasting(machine, context, { kind: 'rescue' });
    this.steps = [
      { ...step, name: 'rescue', kind: 'rescue', abortable: true, run: rescue },
      { ...step, name: 'unrescue', kind: 'unrescue', abortable: false, run: unrescue },
    ];
  }

  async validate(context: ReadContext): Promise<void> {
    this.machine.validate(context);
    checkRescuePassword(context);
  }

  async cleanUp(context: WorkContext): Promise<void> {
    await forgetRescuePassword(context);
  }
}
