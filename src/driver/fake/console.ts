import type { JsonObject } from '../../domain/json.js';
import type { ConsoleInterface } from '../contract/console.js';
import type { DriverContext, ReadContext } from '../contract/context.js';
import { FAKE_PROPERTIES, type FakeMachine } from './machine.js';

/** A console that can be on or off and shows nothing. */
export class FakeConsole implements ConsoleInterface {
  readonly name = 'fake';
  readonly properties = FAKE_PROPERTIES;

  constructor(private readonly machine: FakeMachine) {}

  async validate(context: ReadContext): Promise<void> {
    this.machine.validate(context);
  }

  async start(context: DriverContext): Promise<void> {
    await this.machine.act(context, 'console', 'start console', {});
  }

  async stop(context: DriverContext): Promise<void> {
    await this.machine.act(context, 'console', 'stop console', {});
  }

  async describe(): Promise<JsonObject> {
    return {};
  }
}
