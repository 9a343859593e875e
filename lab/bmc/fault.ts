/** What can be wrong with a BMC; several at once are allowed. */
export type BmcFault =
  /** Hears nothing, answers nothing. */
  | { kind: 'dead' }
  /** Does what is asked at once, answers `delay` ms later. */
  | { kind: 'slow'; delay: number }
  /** `status`: the power state it always claims; `control: 'ignores'`: accepts power commands, does nothing. */
  | { kind: 'lying'; status?: 'on' | 'off'; control?: 'ignores' }
  /** Dead for `down` ms after each `up` ms, counted from when the fault was set. */
  | { kind: 'flapping'; up: number; down: number }
  /** Its passwords are not the ones that were agreed. */
  | { kind: 'wrong-password' }
  /** Answers 0xc1 to these. */
  | { kind: 'unsupported'; commands: readonly { netFn: number; command: number }[] }
  /** Answers this share (0-1) of packets with nothing, by chance. */
  | { kind: 'lossy'; share: number };

export class FaultSet {
  #faults: readonly BmcFault[] = [];
  #since = 0;

  set(faults: readonly BmcFault[]): void {
    this.#faults = faults;
    this.#since = performance.now();
  }

  get current(): readonly BmcFault[] {
    return this.#faults;
  }

  silent(): boolean {
    return this.#faults.some((fault) => {
      if (fault.kind === 'dead') return true;
      if (fault.kind === 'lossy') return Math.random() < fault.share;
      if (fault.kind !== 'flapping') return false;
      return (performance.now() - this.#since) % (fault.up + fault.down) >= fault.up;
    });
  }

  /** Milliseconds each answer is held back. */
  delay(): number {
    return this.#faults.reduce((sum, fault) => sum + (fault.kind === 'slow' ? fault.delay : 0), 0);
  }

  claimedPower(): 'on' | 'off' | undefined {
    return this.#find('lying')?.status;
  }

  ignoresControl(): boolean {
    return this.#find('lying')?.control === 'ignores';
  }

  wrongPassword(): boolean {
    return this.#find('wrong-password') !== undefined;
  }

  unsupported(netFn: number, command: number): boolean {
    return (
      this.#find('unsupported')?.commands.some((c) => c.netFn === netFn && c.command === command) === true
    );
  }

  #find<K extends BmcFault['kind']>(kind: K): Extract<BmcFault, { kind: K }> | undefined {
    return this.#faults.find((fault): fault is Extract<BmcFault, { kind: K }> => fault.kind === kind);
  }
}
