import type { HardwareType } from '../contract/interfaces.js';

/** Any machine with a Redfish service (Ironic: drivers/redfish.py; only the interfaces that Ferric implements). */
export const REDFISH: HardwareType = {
  name: 'redfish',
  supports: {
    bios: ['redfish', 'no-bios'],
    boot: ['ipxe', 'pxe', 'http-ipxe', 'http', 'redfish-virtual-media', 'redfish-https'],
    console: ['no-console'],
    deploy: ['direct', 'ramdisk', 'custom-agent'],
    firmware: ['redfish', 'no-firmware'],
    inspect: ['redfish', 'agent', 'no-inspect'],
    management: ['redfish', 'noop'],
    network: ['noop'],
    power: ['redfish'],
    raid: ['no-raid', 'agent'],
    rescue: ['no-rescue', 'agent'],
    storage: ['noop'],
    vendor: ['no-vendor'],
  },
};
