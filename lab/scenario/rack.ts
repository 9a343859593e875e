import type { Scenario } from './scenario.js';
import { singleMachineScenarios } from './single-machine.js';

const GIB = 1024 ** 3;

/** Three different machines on one network. */
export const rack: Scenario = {
  name: 'rack',
  about: 'three unlike machines: BIOS virtio, UEFI NVMe with an Intel NIC, UEFI with its own PXE client',
  machines: [
    {
      name: 'node1',
      firmware: 'bios',
      disks: [{ bus: 'virtio', size: 4 * GIB }],
      nics: [{ model: 'virtio' }],
    },
    { name: 'node2', firmware: 'uefi', disks: [{ bus: 'nvme', size: 4 * GIB }], nics: [{ model: 'e1000e' }] },
    {
      name: 'node3',
      firmware: 'uefi',
      disks: [{ bus: 'scsi', size: 4 * GIB }],
      nics: [{ model: 'virtio', rom: 'none' }],
    },
  ],
};

export const SCENARIOS: readonly Scenario[] = [...singleMachineScenarios, rack];

/** @throws RangeError that lists the known names */
export function scenarioNamed(name: string): Scenario {
  const found = SCENARIOS.find((scenario) => scenario.name === name);
  if (found !== undefined) return found;
  const known = SCENARIOS.map((scenario) => scenario.name).join(', ');
  throw new RangeError(`no scenario "${name}"; there are ${known}`);
}
