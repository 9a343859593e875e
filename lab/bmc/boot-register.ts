import {
  BOOT_DEVICE,
  type BootDevice,
  type BootFlags,
  bootDeviceOf,
} from '../../src/protocol/ipmi/boot-flags.js';

export interface BootSelection {
  /** 'http': UEFI HTTP boot, which IPMI has no word for. */
  device: BootDevice | 'http';
  efi: boolean;
  persistent: boolean;
  /** Of HTTP boot; absent: the one that DHCP names. */
  uri?: string;
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

  /** Another selection in place of the flags. @param device null: the machine's own order */
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

  /** What the next boot would use; null is the machine's own order. */
  selection(): BootSelection | null {
    if (this.#http) return { device: 'http', efi: true, ...this.#http };
    const { valid, selector, efi, persistent } = this.#flags;
    const device = bootDeviceOf(selector);
    return valid && device !== undefined && device !== 'none' ? { device, efi, persistent } : null;
  }

  /** The firmware has read the flags: a one-shot is spent. */
  take(): BootSelection | null {
    const selection = this.selection();
    const one = this.#http ?? this.#flags;
    if (!one.persistent && (this.#http || this.#flags.valid)) this.clear();
    for (const listener of this.#starts) listener();
    return selection;
  }

  /** The firmware has started, and took the selection. */
  onStart(listener: () => void): () => void {
    this.#starts.add(listener);
    return () => this.#starts.delete(listener);
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
