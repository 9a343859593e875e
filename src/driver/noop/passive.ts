import { UnsupportedError } from '../../domain/errors.js';
import type { DriverContext } from '../contract/context.js';
import type { PropertyTable } from '../contract/implementation.js';
import type { InspectInterface } from '../contract/inspect.js';
import type { InterfaceKind, PassiveInterface } from '../contract/interfaces.js';
import type { RescueInterface } from '../contract/rescue.js';
import type { VendorInterface } from '../contract/vendor.js';

/** `no-bios` and its like: the node has no such interface, and validate says so in Ironic's words. */
export class AbsentInterface implements PassiveInterface, InspectInterface, RescueInterface, VendorInterface {
  readonly passive = true;
  readonly methods = null;
  readonly name: string;
  readonly properties: PropertyTable = {};

  constructor(private readonly kind: InterfaceKind) {
    this.name = `no-${kind}`;
  }

  async validate(context: DriverContext): Promise<void> {
    throw new UnsupportedError(
      `Driver ${context.node.driver} does not support ${this.kind} (disabled or not implemented).`,
    );
  }

  async cleanUp(): Promise<void> {}
}

/** `noop` storage, `fake` raid: there is nothing to do, and that is right. */
export class InertInterface implements PassiveInterface {
  readonly passive = true;

  /** @param check what its validate asks of the node's fields; nothing by default */
  constructor(
    readonly name: string,
    readonly properties: PropertyTable = {},
    private readonly check: (context: DriverContext) => void = () => {},
  ) {}

  async validate(context: DriverContext): Promise<void> {
    this.check(context);
  }
}
