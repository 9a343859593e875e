import { type BootDevice, type BootFlags, bootDeviceOf } from '../../src/protocol/ipmi/boot-flags.js';

export interface BootSelection {
  device: BootDevice;
  efi: boolean;
  persistent: boolean;
}

const CLEAR: BootFlags = {
  valid: false,
  persistent: false,
  efi: false,
  selector: 0,
  rest: new Uint8Array(3),
};

/** Boot option parameter 5 of one machine, between its BMC (writes) and its firmware (takes). */
export class BootRegister {
  #flags = CLEAR;
  readonly #listeners = new Set<() => void>();

  get flags(): BootFlags {
    return this.#flags;
  }

  set(flags: BootFlags): void {
    this.#flags = flags;
    for (const listener of this.#listeners) listener();
  }

  clear(): void {
    this.set(CLEAR);
  }

  /** What the next boot would use; null is the machine's own order. */
  selection(): BootSelection | null {
    const { valid, selector, efi, persistent } = this.#flags;
    const device = bootDeviceOf(selector);
    return valid && device !== undefined && device !== 'none' ? { device, efi, persistent } : null;
  }

  /** The firmware has read the flags: a one-shot is spent. */
  take(): BootSelection | null {
    const selection = this.selection();
    if (this.#flags.valid && !this.#flags.persistent) this.clear();
    return selection;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
