import type { BootDevice } from '../../src/protocol/ipmi/boot-flags.js';
import type { BootRegister } from './boot-register.js';

/**
 * What stands behind a BMC. Each promise settles when the action has taken effect, not when it was accepted;
 * asking for what is already so (on when on, off when off) is no error.
 */
export interface Machine {
  readonly name: string;
  /** What chassis control may ask of the firmware; the BMC refuses every other boot device (0xcc). */
  readonly bootDevices: readonly BootDevice[];
  /** Boot flags: the BMC writes them, the machine takes them when its firmware starts. */
  readonly boot: BootRegister;
  isOn(): boolean;
  on(): Promise<void>;
  /** Cuts the power; whatever was not synced is lost. */
  off(): Promise<void>;
  /** A hard reset: power stays on. */
  reset(): Promise<void>;
  /** Presses the power button (ACPI); resolves when pressed, whether or not the system obeys. */
  soft(): Promise<void>;
  /** Takes a diagnostic interrupt (NMI); without it the BMC knows of none. */
  interrupt?(): Promise<void>;
}
