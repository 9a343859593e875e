/** Faults of a simulated machine; faults of a BMC are in bmc/fault.ts. */
export type NodeFault =
  /** The ramdisk never starts: no lookup. */
  | { kind: 'no-agent' }
  /** The agent makes its lookup, but never heartbeats. */
  | { kind: 'never-heartbeats' }
  /** The agent disappears after it has written so many bytes of an image. */
  | { kind: 'gone-mid-write'; after: number }
  /** The written image has a wrong checksum. */
  | { kind: 'wrong-checksum' }
  /** `delay`: each command takes so many ms longer; `bytesPerSecond`: rate of image downloads. */
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
