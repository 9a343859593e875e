import { AUTH_TYPE, PAYLOAD } from '../../src/protocol/ipmi/session-header.js';

/** Faults of a BMC; several may be set at once. */
export type BmcFault =
  /** Receives nothing and sends nothing. */
  | { kind: 'dead' }
  /** Acts at once, and responds `delay` ms later. */
  | { kind: 'slow'; delay: number }
  /** `status`: the power state it always reports; `control: 'ignores'`: accepts power commands without effect. */
  | { kind: 'lying'; status?: 'on' | 'off'; control?: 'ignores' }
  /** Dead for `down` ms after each `up` ms, counted from when the fault was set. */
  | { kind: 'flapping'; up: number; down: number }
  /** Its passwords differ from the agreed ones. */
  | { kind: 'wrong-password' }
  /** After so many failed logins in a row it refuses every user, until its faults are set anew. */
  | { kind: 'locks-accounts'; after: number }
  /** Returns completion code 0xc1 for these commands. */
  | { kind: 'unsupported'; commands: readonly Command[] }
  /** Ignores these commands without a response. */
  | { kind: 'mute'; commands: readonly Command[] }
  /** Drops this share (0-1) of the packets in each direction, at random. */
  | { kind: 'lossy'; share: number }
  /** Drops one packet in one direction: the n-th since the fault was set, from 1. */
  | { kind: 'loses'; way: Way; packet: number }
  /** Accepts only these cipher suites. */
  | { kind: 'suites'; only: readonly number[] }
  /** Returns this completion code for these commands. */
  | { kind: 'refuses'; code: number; commands: readonly Command[] }
  /** Refuses the question for IPMI 2.0 in Get Channel Authentication Capabilities (0xcc). */
  | { kind: 'no-extension' }
  /** Leaves out every second sequence number of its sessions. */
  | { kind: 'skips' }
  /** Sends each answer twice. */
  | { kind: 'repeats' }
  /** Sends packets that it did not make, before each of its own. */
  | { kind: 'forges' }
  /** Cuts each n-th answer in the middle. */
  | { kind: 'cuts'; every: number }
  /** Signs the packets of its sessions wrongly. */
  | { kind: 'wrong-code' }
  /** Answers from another port. */
  | { kind: 'from-elsewhere' }
  /** Loses its answers to the first `count` Open Session Requests. */
  | { kind: 'loses-opens'; count: number }
  /** Acts at once, but sends nothing for `duration` ms from its first Open Session Response on; then all of it. */
  | { kind: 'stalls'; duration: number }
  /** Takes the proof of the password (RAKP 3) for a wrong one; hears of each login the `heard`-th only, from 1. */
  | { kind: 'refuses-proof'; heard: number };

type Way = 'to' | 'from';
type Command = { netFn: number; command: number };

export class FaultSet {
  #faults: readonly BmcFault[] = [];
  #since = 0;
  readonly #seen: Record<Way, number> = { to: 0, from: 0 };
  #unproven = 0;
  #answers = 0;
  #opens = 0;
  #stalledUntil = 0;

  set(faults: readonly BmcFault[]): void {
    this.#faults = faults;
    this.#since = performance.now();
    this.#seen.to = 0;
    this.#seen.from = 0;
    this.#unproven = 0;
    this.#opens = 0;
    this.#stalledUntil = 0;
  }

  /** Packets in each direction since the faults were set, dropped ones included. */
  get packets(): Readonly<Record<Way, number>> {
    return this.#seen;
  }

  get current(): readonly BmcFault[] {
    return this.#faults;
  }

  /** Whether to drop this packet; called once for each. */
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

  /** Delay of this response, ms; called once for each. @param answer whole, from the RMCP header on */
  delay(answer: Uint8Array): number {
    const slow = this.#faults.reduce((sum, fault) => sum + (fault.kind === 'slow' ? fault.delay : 0), 0);
    if (isOpen(answer)) this.#opens++;
    const now = performance.now();
    if (this.#opens === 1) this.#stalledUntil ||= now + (this.#find('stalls')?.duration ?? 0);
    return slow + Math.max(0, this.#stalledUntil - now);
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

  /** A client that detects a wrong password in our RAKP 2 falls silent, so an unproven login counts as failed. */
  loginBegun(): void {
    this.#unproven++;
  }

  loginProven(): void {
    this.#unproven = 0;
  }

  locked(): boolean {
    return this.#unproven >= (this.#find('locks-accounts')?.after ?? Number.POSITIVE_INFINITY);
  }

  /** @param proof which RAKP 3 of the login it is, from 1 */
  onProof(proof: number): 'checked' | 'lost' | 'refused' {
    const heard = this.#find('refuses-proof')?.heard;
    if (heard === undefined) return 'checked';
    return proof < heard ? 'lost' : 'refused';
  }

  unsupported(netFn: number, command: number): boolean {
    return this.#lists('unsupported', netFn, command);
  }

  mute(netFn: number, command: number): boolean {
    return this.#lists('mute', netFn, command);
  }

  allowsSuite(id: number): boolean {
    return this.#find('suites')?.only.includes(id) ?? true;
  }

  /** Completion code that it gives instead of an answer. */
  refusal(netFn: number, command: number): number | undefined {
    return this.#lists('refuses', netFn, command) ? this.#find('refuses')?.code : undefined;
  }

  has(kind: 'no-extension' | 'skips' | 'from-elsewhere'): boolean {
    return this.#find(kind) !== undefined;
  }

  /** The packets that leave for an answer. @param answer whole, from the RMCP header on */
  onTheWire(answer: Uint8Array): Uint8Array[] {
    if (isOpen(answer) && this.#opens <= (this.#find('loses-opens')?.count ?? 0)) return [];
    this.#answers++;
    const sealed = (answer[5] ?? 0) & 0x80;
    const cut = this.#answers % (this.#find('cuts')?.every ?? Number.POSITIVE_INFINITY) === 0;
    let real = cut ? answer.subarray(0, answer.length / 2) : answer;
    if (sealed && this.#find('wrong-code')) real = changed(answer, answer.length - 1);
    const packets = this.#find('repeats') ? [real, real] : [real];
    // Nobody but the BMC knows the console's numbers and keys: of a forged packet these are wrong.
    return this.#find('forges')
      ? [changed(answer, 16), Uint8Array.of(6, 0, 255), new Uint8Array(1_400).fill(6), ...packets]
      : packets;
  }

  #lists(kind: 'unsupported' | 'mute' | 'refuses', netFn: number, command: number): boolean {
    return this.#find(kind)?.commands.some((c) => c.netFn === netFn && c.command === command) === true;
  }

  #find<K extends BmcFault['kind']>(kind: K): Extract<BmcFault, { kind: K }> | undefined {
    return this.#faults.find((fault): fault is Extract<BmcFault, { kind: K }> => fault.kind === kind);
  }
}

/** An Open Session Response. */
function isOpen(answer: Uint8Array): boolean {
  return answer[4] === AUTH_TYPE.rmcpPlus && answer[5] === PAYLOAD.openSessionResponse;
}

function changed(packet: Uint8Array, at: number): Uint8Array {
  const copy = packet.slice();
  copy[at] = (copy[at] ?? 0) ^ 0xff;
  return copy;
}
