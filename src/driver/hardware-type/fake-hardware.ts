import type { HardwareType } from '../contract/interfaces.js';

/** A machine that exists only in the database: for trials of the API, load tests and crash tests. */
export const FAKE_HARDWARE: HardwareType = {
  name: 'fake-hardware',
  supports: {
    bios: ['fake', 'no-bios'],
    boot: ['fake', 'ipxe', 'pxe'],
    console: ['fake', 'no-console'],
    deploy: ['fake', 'direct', 'ramdisk', 'custom-agent'],
    firmware: ['fake', 'no-firmware'],
    inspect: ['fake', 'agent', 'no-inspect'],
    management: ['fake', 'noop'],
    network: ['noop'],
    power: ['fake'],
    raid: ['fake', 'no-raid', 'agent'],
    rescue: ['fake', 'no-rescue', 'agent'],
    storage: ['noop', 'fake'],
    vendor: ['fake', 'no-vendor'],
  },
};
