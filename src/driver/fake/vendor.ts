import { InvalidError } from '../../domain/errors.js';
import type { Json, JsonObject } from '../../domain/json.js';
import { pause } from '../../platform/pause.js';
import type { ReadContext } from '../contract/context.js';
import type { StepDeclaration } from '../contract/step.js';
import type { VendorInterface, VendorMethod } from '../contract/vendor.js';
import { lasting } from './lasting.js';
import { FAKE_PROPERTIES, type FakeMachine } from './machine.js';

/** Ironic's FakeVendorB, the class behind its `fake` vendor interface. */
export class FakeVendor implements VendorInterface {
  readonly name = 'fake';
  readonly properties = {
    B1: 'B1 description. Required.',
    B2: 'B2 description. Required.',
    ...FAKE_PROPERTIES,
  };
  readonly methods: Readonly<Record<string, VendorMethod>>;
  readonly steps: readonly StepDeclaration[];

  constructor(private readonly machine: FakeMachine) {
    this.methods = {
      second_method: this.comparing('second_method', 'kazoo'),
      third_method_sync: { ...this.comparing('third_method_sync', 'meow'), async: false },
      fourth_method_shared_lock: {
        ...this.comparing('fourth_method_shared_lock', 'woof'),
        require_exclusive_lock: false,
      },
      log_passthrough: {
        ...base,
        description: 'Test pass-through to wait.',
        run: async (context) => {
          await this.takeTime(context, 'log_passthrough');
          return null;
        },
      },
    };
    const log: Omit<StepDeclaration, 'kind'> = {
      interface: 'vendor',
      name: 'log_passthrough',
      // Upstream's has priority 1 in cleaning; here it runs, and delays cleaning, only on request.
      priority: 0,
      abortable: false,
      rerunnable: true,
      visible: true,
      run: (context) => lasting(machine, context, { kind: 'vendor' }),
    };
    this.steps = [
      { ...log, kind: 'clean' },
      { ...log, kind: 'service', requiresRamdisk: false },
      {
        ...log,
        name: 'trigger_servicewait',
        kind: 'service',
        abortable: true,
        // The wait never ends by itself: for clients that test `service wait`.
        run: async () => ({ is: 'wait', for: 'heartbeat' }),
      },
    ];
  }

  async validate(context: ReadContext): Promise<void> {
    this.machine.validate(context);
  }

  private comparing(name: string, word: string): VendorMethod {
    return {
      ...base,
      description: `Test if the value of bar is ${word}`,
      validate: ({ bar }: JsonObject) => {
        if (!bar) throw new InvalidError(`Parameter 'bar' not passed to method '${name}'.`);
      },
      run: async (context, { bar }): Promise<Json> => {
        await this.takeTime(context, name);
        return bar === word;
      },
    };
  }

  private async takeTime(context: ReadContext, name: string): Promise<void> {
    const delay = this.machine.delayOf(context, name, 'vendor');
    if (delay > 0) await pause(delay, context.signal);
    this.machine.failIfAsked(context, name);
  }
}

const base = {
  http_methods: ['POST'],
  async: true,
  attach: false,
  require_exclusive_lock: true,
} as const;
