import type { LabMachineOptions } from '../lab.js';
import type { Scenario } from './scenario.js';

const GIB = 1024 ** 3;
const one = (name: string, about: string, machine: Omit<LabMachineOptions, 'name'>): Scenario => ({
  name,
  about,
  machines: [{ name: 'node1', ...machine }],
});

/** One machine each, over the firmware, NIC and disk combinations that boot loaders and ramdisks must support. */
export const singleMachineScenarios: readonly Scenario[] = [
  one('bios-virtio', 'SeaBIOS, iPXE in ROM, virtio disk and NIC', {
    firmware: 'bios',
    disks: [{ bus: 'virtio', size: 4 * GIB }],
    nics: [{ model: 'virtio' }],
  }),
  one('uefi-virtio', 'OVMF, iPXE in ROM, virtio disk and NIC', {
    firmware: 'uefi',
    disks: [{ bus: 'virtio', size: 4 * GIB }],
    nics: [{ model: 'virtio' }],
  }),
  one('uefi-native', "OVMF's own PXE client: the first stage comes by TFTP", {
    firmware: 'uefi',
    disks: [{ bus: 'virtio', size: 4 * GIB }],
    nics: [{ model: 'virtio', rom: 'none' }],
  }),
  one('bios-e1000e-nvme', 'SeaBIOS, Intel NIC, NVMe disk', {
    firmware: 'bios',
    disks: [{ bus: 'nvme', size: 4 * GIB }],
    nics: [{ model: 'e1000e' }],
  }),
  one('uefi-e1000e-nvme', 'OVMF, Intel NIC, NVMe disk', {
    firmware: 'uefi',
    disks: [{ bus: 'nvme', size: 4 * GIB }],
    nics: [{ model: 'e1000e' }],
  }),
  one('bios-sata', 'SeaBIOS, two SATA disks (the second is the smaller), Intel NIC', {
    firmware: 'bios',
    disks: [
      { bus: 'sata', size: 4 * GIB, wwn: '5000c500a1b2c3d4' },
      { bus: 'sata', size: 2 * GIB, wwn: '5000c500a1b2c3d5' },
    ],
    nics: [{ model: 'e1000' }],
  }),
  one('uefi-scsi', 'OVMF, SCSI disk', {
    firmware: 'uefi',
    disks: [{ bus: 'scsi', size: 4 * GIB, wwn: '5000c500a1b2c3d6' }],
    nics: [{ model: 'virtio' }],
  }),
];
