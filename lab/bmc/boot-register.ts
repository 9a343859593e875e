import {
  BOOT_DEVICE,
  type BootDevice,
  type BootFlags,
  bootDeviceOf,
} from '../../src/protocol/ipmi/boot-flags.js';

export interface BootSelection {
  /** 'http': UEFI HTTP boot, which IPMI cannot express. */
  device: BootDevice | 'http';
  efi: boolean;
  persistent: boolean;
  /** URI of HTTP boot; absent: the one from DHCP. */
  uri?: string;
}

const CLEAR: BootFlags = {
  valid: false,
  persistent: false,
  efi: false,
  selector: 0,
  rest: new Uint8Array(3),
};

/** Boot option parameter 5 of one machine: its BMC writes it, its firmware reads and consumes it. */
export class BootRegister {
  #flags = CLEAR;
  #http: { persistent: boolean; uri?: string } | undefined;
  readonly #listeners = new Set<() => void>();
  readonly #starts = new Set<() => void>();

  get flags(): BootFlags {
    return this.#flags;
  }

  set(flags: BootFlags): void {
    this.#flags = flags;
    this.#http = undefined;
    for (const listener of this.#listeners) listener();
  }

  /** Replaces the boot flags. @param device null: the machine's own boot order */
  select(device: BootSelection['device'] | null, options: Omit<BootSelection, 'device'>): void {
    const { persistent, efi, uri } = options;
    this.clear();
    if (device === 'http') this.#http = { persistent, ...(uri === undefined ? {} : { uri }) };
    else if (device !== null)
      this.set({ ...CLEAR, valid: true, persistent, efi, selector: BOOT_DEVICE[device] });
  }

  clear(): void {
    this.set(CLEAR);
  }

  /** The selection for the next boot; null: the machine's own boot order. */
  selection(): BootSelection | null {
    if (this.#http) return { device: 'http', efi: true, ...this.#http };
    const { valid, selector, efi, persistent } = this.#flags;
    const device = bootDeviceOf(selector);
    return valid && device !== undefined && device !== 'none' ? { device, efi, persistent } : null;
  }

  /** Selection that the firmware reads at its start: a one-shot one is consumed. */
  take(): BootSelection | null {
    const selection = this.selection();
    const one = this.#http ?? this.#flags;
    if (!one.persistent && (this.#http || this.#flags.valid)) this.clear();
    for (const listener of this.#starts) listener();
    return selection;
  }

  /** Calls the listener when the firmware has started and consumed the selection. @returns unsubscribe function */
  onStart(listener: () => void): () => void {
    this.#starts.add(listener);
    return () => this.#starts.delete(listener);
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
