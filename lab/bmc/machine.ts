import type { BootDevice } from '../../src/protocol/ipmi/boot-flags.js';
import type { BootRegister } from './boot-register.js';

/**
 * The machine behind a BMC. Each promise settles when the action has taken effect, not when it was accepted.
 * Actions are idempotent: on when on, and off when off, are no errors.
 */
export interface Machine {
  readonly name: string;
  /** Boot devices that chassis control may select; the BMC refuses all others (0xcc). */
  readonly bootDevices: readonly BootDevice[];
  /** Boot flags: the BMC writes them, the firmware consumes them at its start. */
  readonly boot: BootRegister;
  isOn(): boolean;
  on(): Promise<void>;
  /** Cuts the power; unsynced data is lost. */
  off(): Promise<void>;
  /** A hard reset: power stays on. */
  reset(): Promise<void>;
  /** Presses the power button (ACPI); resolves when pressed, whether or not the operating system reacts. */
  soft(): Promise<void>;
  /** Sends a diagnostic interrupt (NMI); absent: the BMC does not support it. */
  interrupt?(): Promise<void>;
}
