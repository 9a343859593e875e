import type { UnsupportedError } from '../../domain/errors.js';
import type { JsonObject } from '../../domain/json.js';
import type { ConsoleInterface } from '../contract/console.js';
import type { DriverContext, ReadContext } from '../contract/context.js';
import type { PropertyTable } from '../contract/implementation.js';
import type { InspectInterface } from '../contract/inspect.js';
import type { InterfaceKind, PassiveInterface } from '../contract/interfaces.js';
import type { RaidInterface } from '../contract/raid.js';
import type { RescueInterface } from '../contract/rescue.js';
import type { VendorInterface } from '../contract/vendor.js';
import { unsupported } from '../unsupported.js';

/** `no-bios` and the like: the node has no such interface, and every call is refused in Ironic's words. */
export class AbsentInterface
  implements
    PassiveInterface,
    ConsoleInterface,
    InspectInterface,
    RaidInterface,
    RescueInterface,
    VendorInterface
{
  readonly passive = true;
  readonly methods = {};
  readonly logicalDiskProperties = null;
  readonly name: string;
  readonly properties: PropertyTable = {};

  constructor(private readonly kind: InterfaceKind) {
    this.name = `no-${kind}`;
  }

  async validate(context: ReadContext): Promise<void> {
    throw this.refusal(context);
  }

  async start(context: DriverContext): Promise<void> {
    throw this.refusal(context);
  }

  async stop(context: DriverContext): Promise<void> {
    throw this.refusal(context);
  }

  async describe(context: ReadContext): Promise<JsonObject> {
    throw this.refusal(context);
  }

  checkConfiguration(context: ReadContext): void {
    throw this.refusal(context);
  }

  async cleanUp(): Promise<void> {}

  private refusal(context: ReadContext): UnsupportedError {
    return unsupported(context.node.driver, this.kind);
  }
}

/** `noop` storage, `fake` raid: an interface that correctly does nothing. */
export class InertInterface implements PassiveInterface {
  readonly passive = true;

  /** @param check its check of the node's fields; none by default */
  constructor(
    readonly name: string,
    readonly properties: PropertyTable = {},
    private readonly check: (context: ReadContext) => void = () => {},
  ) {}

  async validate(context: ReadContext): Promise<void> {
    this.check(context);
  }
}
