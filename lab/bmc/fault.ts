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
  /** After so many logins in a row that came to nothing it knows no user any more, until its faults are set anew. */
  | { kind: 'locks-accounts'; after: number }
  /** Answers 0xc1 to these. */
  | { kind: 'unsupported'; commands: readonly Command[] }
  /** Says nothing to these, and does nothing. */
  | { kind: 'mute'; commands: readonly Command[] }
  /** Loses this share (0-1) of the packets to it, and of those from it, by chance. */
  | { kind: 'lossy'; share: number }
  /** Loses one packet to it or from it: the n-th since the fault was set, from 1. */
  | { kind: 'loses'; way: Way; packet: number };

type Way = 'to' | 'from';
type Command = { netFn: number; command: number };

export class FaultSet {
  #faults: readonly BmcFault[] = [];
  #since = 0;
  readonly #seen: Record<Way, number> = { to: 0, from: 0 };
  #unproven = 0;

  set(faults: readonly BmcFault[]): void {
    this.#faults = faults;
    this.#since = performance.now();
    this.#seen.to = 0;
    this.#seen.from = 0;
    this.#unproven = 0;
  }

  /** Packets each way since the faults were set, lost ones included. */
  get packets(): Readonly<Record<Way, number>> {
    return this.#seen;
  }

  get current(): readonly BmcFault[] {
    return this.#faults;
  }

  /** Asked once for each packet. */
  loses(way: Way): boolean {
    const packet = ++this.#seen[way];
    return this.#faults.some((fault) => {
      if (fault.kind === 'lossy') return Math.random() < fault.share;
      if (fault.kind === 'loses') return fault.way === way && fault.packet === packet;
      if (way === 'from') return false;
      if (fault.kind === 'dead') return true;
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

  /** A client that sees from our RAKP 2 that its password is wrong says no more: what is not proven has failed. */
  loginBegun(): void {
    this.#unproven++;
  }

  loginProven(): void {
    this.#unproven = 0;
  }

  locked(): boolean {
    return this.#unproven >= (this.#find('locks-accounts')?.after ?? Number.POSITIVE_INFINITY);
  }

  unsupported(netFn: number, command: number): boolean {
    return this.#lists('unsupported', netFn, command);
  }

  mute(netFn: number, command: number): boolean {
    return this.#lists('mute', netFn, command);
  }

  #lists(kind: 'unsupported' | 'mute', netFn: number, command: number): boolean {
    return this.#find(kind)?.commands.some((c) => c.netFn === netFn && c.command === command) === true;
  }

  #find<K extends BmcFault['kind']>(kind: K): Extract<BmcFault, { kind: K }> | undefined {
    return this.#faults.find((fault): fault is Extract<BmcFault, { kind: K }> => fault.kind === kind);
  }
}
