import type { LabMachineOptions } from '../lab.js';

/** A rack for experiments, as data. */
export interface Scenario {
  name: string;
  /** Its peculiarity, in one line. */
  about: string;
  machines: readonly LabMachineOptions[];
}
