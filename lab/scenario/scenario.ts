import type { LabMachineOptions } from '../lab.js';

/** A rack worth trying, as data. */
export interface Scenario {
  name: string;
  /** What is special about it, in a line. */
  about: string;
  machines: readonly LabMachineOptions[];
}
