import type { HardwareType } from '../contract/interfaces.js';

/**
 * A machine without a BMC: an operator switches its power by hand when its node waits, and its firmware tries the
 * network first. Power is recorded, not measured (Ironic: drivers/generic.py, ManualManagementHardware).
 */
export const MANUAL_MANAGEMENT: HardwareType = {
  name: 'manual-management',
  supports: {
    bios: ['no-bios'],
    boot: ['ipxe', 'pxe'],
    console: ['no-console'],
    deploy: ['direct', 'ramdisk', 'custom-agent'],
    firmware: ['no-firmware'],
    inspect: ['agent', 'no-inspect'],
    management: ['noop'],
    network: ['noop'],
    power: ['fake'],
    raid: ['no-raid', 'agent'],
    rescue: ['no-rescue', 'agent'],
    storage: ['noop'],
    vendor: ['no-vendor'],
  },
};
