import { isObject } from '../../domain/json.js';
import type { ReadContext } from '../contract/context.js';
import type { InspectInterface } from '../contract/inspect.js';
import type { StepContext, StepDeclaration } from '../contract/step.js';
import { lasting } from './lasting.js';
import { FAKE_PROPERTIES, type FakeMachine } from './machine.js';

/** Finds nothing new. With a delay the node goes through `inspect wait`; without, it finishes at once. */
export class FakeInspect implements InspectInterface {
  readonly name = 'fake';
  readonly properties = FAKE_PROPERTIES;
  readonly steps: readonly StepDeclaration[];

  constructor(private readonly machine: FakeMachine) {
    this.steps = [
      {
        interface: 'inspect',
        name: 'inspect_hardware',
        kind: 'inspect',
        priority: 100,
        abortable: true,
        rerunnable: true,
        visible: false,
        run: (context) =>
          lasting(machine, context, { kind: 'inspect', leaves: () => leaveInventory(context) }),
      },
    ];
  }

  async validate(context: ReadContext): Promise<void> {
    this.machine.validate(context);
  }

  async cleanUp(): Promise<void> {}
}

/** Upstream's fake inspection finds nothing; this one finds `driver_info.fake_inventory`. */
async function leaveInventory(context: StepContext): Promise<void> {
  const inventory = context.node.driver_info['fake_inventory'];
  if (!isObject(inventory)) return;
  await context.save({ inventory: { inventory, plugin_data: {} } });
}
