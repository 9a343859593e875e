import type { HardwareHealth } from '../../domain/hardware/component.js';
import type { PowerState, PowerTarget } from '../../domain/power/power.js';
import type { DriverContext, ReadContext } from './context.js';
import type { Implementation } from './implementation.js';

/** Failures: FerricError bmc-unreachable, bmc-authentication, bmc-failed, unsupported. */
export interface PowerInterface extends Implementation {
  readonly targets: readonly PowerTarget[];
  getPowerState(context: ReadContext): Promise<PowerState>;
  /** Power and health by one request, for BMCs that report both. */
  look?(context: ReadContext): Promise<{ power: PowerState; health: HardwareHealth | null }>;
  /**
   * Returns when the machine reports the target's state. Saves nothing.
   * @param timeout ms for the whole change
   */
  setPowerState(context: DriverContext, target: PowerTarget, timeout: number): Promise<void>;
}
