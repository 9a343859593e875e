/** What can be wrong with a simulated machine; a BMC's own faults are in bmc/fault.ts. */
export type NodeFault =
  /** The ramdisk never comes up: no lookup. */
  | { kind: 'no-agent' }
  /** Looks itself up, then stays silent. */
  | { kind: 'never-heartbeats' }
  /** The agent vanishes, without a word, when it has written so many bytes of an image. */
  | { kind: 'gone-mid-write'; after: number }
  /** What it wrote does not have the checksum that it should have. */
  | { kind: 'wrong-checksum' }
  /** Each command takes so many ms longer; images come at so many bytes a second. */
  | { kind: 'slow'; delay?: number; bytesPerSecond?: number }
  /** This step (or command) fails. */
  | { kind: 'step-fails'; step: string };

export class NodeFaults {
  #faults: readonly NodeFault[] = [];

  set(faults: readonly NodeFault[]): void {
    this.#faults = faults;
  }

  find<K extends NodeFault['kind']>(kind: K): Extract<NodeFault, { kind: K }> | undefined {
    return this.#faults.find((fault): fault is Extract<NodeFault, { kind: K }> => fault.kind === kind);
  }

  fails(step: string): boolean {
    return this.#faults.some((fault) => fault.kind === 'step-fails' && fault.step === step);
  }
}
