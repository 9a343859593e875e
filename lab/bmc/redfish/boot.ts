import type { BootSelection } from '../boot-register.js';
import { type Body, badValue, message, Refusal, readOnly, refuse, unknownProperty } from './answer.js';
import type { Board } from './board.js';

/** Redfish's names of boot targets, for the devices that the machine supports. */
const DEVICES: Record<string, BootSelection['device']> = {
  Pxe: 'pxe',
  Hdd: 'disk',
  Cd: 'cdrom',
  UsbCd: 'remoteCdrom',
  Usb: 'remoteMedia',
  BiosSetup: 'bios',
  UefiHttp: 'http',
};
const WRITABLE = [
  'BootSourceOverrideTarget',
  'BootSourceOverrideEnabled',
  'BootSourceOverrideMode',
  'HttpBootUri',
  'UefiTargetBootSourceOverride',
];
const SETUP_DURING_POST = 'iLO.2.14.UnableToModifyDuringSystemPOST';

/** The property Boot of a system: the BMC's own state, and the machine's boot register. */
export class BootOverride {
  #target = 'None';
  #mode: string;
  #uri: string | null = null;

  constructor(private readonly board: Board) {
    this.#mode = this.#own;
    board.machine.boot.onStart(() => this.#started());
  }

  get targets(): readonly string[] {
    const { personality, quirks } = this.board;
    return personality.targets.filter((target) => !(target === 'Cd' && quirks.usbCd));
  }

  toBody(allowed: boolean): Body {
    const { quirks, machine } = this.board;
    const selection = machine.boot.selection();
    const enabled = selection === null ? 'Disabled' : selection.persistent ? 'Continuous' : 'Once';
    return {
      BootSourceOverrideEnabled: enabled,
      BootSourceOverrideTarget: enabled === 'Disabled' ? 'None' : this.#target,
      BootSourceOverrideMode: this.#mode,
      ...(quirks.noHttpBootUri ? {} : { HttpBootUri: this.#uri }),
      ...(allowed ? { 'BootSourceOverrideTarget@Redfish.AllowableValues': this.targets } : {}),
      ...(allowed && quirks.onceOnly
        ? { 'BootSourceOverrideEnabled@Redfish.AllowableValues': ['Once', 'Disabled'] }
        : {}),
    };
  }

  /** @throws Refusal */
  change(boot: Body): void {
    const { quirks, lastReset } = this.board;
    if (quirks.postLock > 0 && performance.now() - lastReset.at < quirks.postLock) {
      throw refuse(400, SETUP_DURING_POST, 'The value cannot be modified while the system is in POST.');
    }
    for (const key of Object.keys(boot)) {
      if (!WRITABLE.includes(key)) throw unknownProperty(`Boot/${key}`);
    }
    if (quirks.modeReadOnly && 'BootSourceOverrideMode' in boot) throw readOnly('BootSourceOverrideMode');
    if (quirks.noHttpBootUri && 'HttpBootUri' in boot) throw unknownProperty('Boot/HttpBootUri');
    const given = ['BootSourceOverrideTarget', 'BootSourceOverrideEnabled', 'BootSourceOverrideMode'];
    if (quirks.wholeOverride && given.some((key) => !(key in boot))) {
      const text = 'Target, Enabled and Mode of the boot source override are set together only.';
      throw new Refusal(400, [message('PropertyMissing', text, [], ['Boot'])]);
    }
    this.#check(boot);
    this.#apply(boot);
  }

  #check(boot: Body): void {
    const { quirks } = this.board;
    const { BootSourceOverrideTarget: target, BootSourceOverrideEnabled: enabled } = boot;
    if (target !== undefined && !this.targets.includes(target as string)) {
      throw badValue(target, 'BootSourceOverrideTarget');
    }
    const enables = quirks.onceOnly ? ['Disabled', 'Once'] : ['Disabled', 'Once', 'Continuous'];
    if (enabled !== undefined && !enables.includes(enabled as string)) {
      throw badValue(enabled, 'BootSourceOverrideEnabled');
    }
    if (quirks.enabledRefused && enabled !== undefined && target !== undefined) {
      const { BootSourceOverrideEnabled: now } = this.toBody(false);
      if (enabled === now && enabled !== 'Disabled') throw badValue(enabled, 'BootSourceOverrideEnabled');
    }
    const { BootSourceOverrideMode: mode, HttpBootUri: uri } = boot;
    if (mode !== undefined && mode !== this.#own) throw badValue(mode, 'BootSourceOverrideMode');
    const refused = typeof uri === 'string' && this.board.faults.take('refuses-uri') !== undefined;
    if (refused || (uri !== undefined && uri !== null && typeof uri !== 'string')) {
      throw badValue(uri, 'HttpBootUri');
    }
  }

  #apply(boot: Body): void {
    const { quirks, machine } = this.board;
    const now = this.toBody(false);
    const target = String(boot['BootSourceOverrideTarget'] ?? now['BootSourceOverrideTarget']);
    // DSP0268: a target written without Enabled applies once.
    const silent =
      now['BootSourceOverrideEnabled'] === 'Disabled' ? 'Once' : now['BootSourceOverrideEnabled'];
    const enabled = String(boot['BootSourceOverrideEnabled'] ?? (target === 'None' ? 'Disabled' : silent));
    if ('HttpBootUri' in boot && !this.board.faults.take('forgets-uri'))
      this.#uri = boot['HttpBootUri'] as string | null;
    const writes = 'BootSourceOverrideTarget' in boot || 'BootSourceOverrideEnabled' in boot;
    if ('BootSourceOverrideMode' in boot) this.#mode = String(boot['BootSourceOverrideMode']);
    else if (quirks.modeReverts && writes) this.#mode = 'Legacy';
    this.#target = target;
    const device = enabled === 'Disabled' ? undefined : DEVICES[target];
    // With a mode that is not the machine's own, the selected device is not found.
    const lost = this.#mode !== this.#own;
    machine.boot.select(lost ? null : (device ?? null), {
      persistent: enabled === 'Continuous',
      efi: this.#mode === 'UEFI',
      ...(this.#uri === null ? {} : { uri: this.#uri }),
    });
    this.board.event({ kind: 'boot', target, enabled, mode: this.#mode });
  }

  get #own(): string {
    return this.board.machine.hardware?.firmware === 'bios' ? 'Legacy' : 'UEFI';
  }

  /** HttpBootUri belongs to the override and is cleared with it. */
  #started(): void {
    if (this.board.machine.boot.selection() !== null) return;
    this.#target = 'None';
    this.#uri = null;
  }
}
