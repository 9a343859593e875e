const BEHIND = 16;

/** Receiver's window of session sequence numbers (IPMI 2.0 §6.12.13): each number once, at most 16 behind. */
export class SequenceWindow {
  #highest = 0;
  #seen = 0; // bit i: highest - i was received

  /**
   * @param ahead how far a number may jump: 15 by the standard. A client that has authenticated the packet may allow
   *   any jump, since a number above all others is no repetition; BMCs skip numbers, and packets get lost.
   */
  constructor(private readonly ahead = 15) {}

  /** Notes an authenticated packet's number. @returns false if the packet is to be dropped */
  accept(sequence: number): boolean {
    const ahead = sequence - this.#highest;
    if (sequence === 0 || ahead > this.ahead || ahead < -BEHIND) return false;
    if (ahead > 0) {
      this.#seen = ahead > BEHIND ? 1 : ((this.#seen << ahead) | 1) & 0x1ffff;
      this.#highest = sequence;
      return true;
    }
    const bit = 1 << -ahead;
    if (this.#seen & bit) return false;
    this.#seen |= bit;
    return true;
  }
}
