import type { HardwareType } from '../contract/interfaces.js';

/** Any machine with an IPMI 2.0 (or 1.5) BMC, driven by ipmitool. */
export const IPMI: HardwareType = {
  name: 'ipmi',
  supports: {
    bios: ['no-bios'],
    boot: ['ipxe', 'pxe'],
    console: ['no-console'],
    deploy: ['direct', 'ramdisk', 'custom-agent'],
    firmware: ['no-firmware'],
    inspect: ['agent', 'no-inspect'],
    management: ['ipmitool', 'noop'],
    network: ['noop'],
    power: ['ipmitool'],
    raid: ['no-raid', 'agent'],
    rescue: ['no-rescue', 'agent'],
    storage: ['noop'],
    vendor: ['ipmitool', 'no-vendor'],
  },
};
