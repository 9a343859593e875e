/** The settings under which both servers should answer alike. */

const HARDWARE = 'fake-hardware';

/** ironic.conf of Debian's. */
export const PEER = {
  DEFAULT: { enabled_hardware_types: HARDWARE, enabled_raid_interfaces: 'no-raid,fake', host: 'localhost' },
  api: { api_workers: 2 },
  conductor: { node_locked_retry_interval: 1 },
};

/** ferric.yaml of ours. */
export const OURS = {
  conductor: { host: 'localhost', node_locked_retry_interval: 0.2 },
  agent: { require_tls: false, callback_ports: [] },
  driver: {
    enabled_hardware_types: [HARDWARE],
    enabled_boot_interfaces: ['ipxe', 'pxe', 'fake'],
    enabled_management_interfaces: ['fake'],
    // Those that Debian's Ironic is given.
    enabled_deploy_interfaces: ['direct', 'fake'],
    enabled_raid_interfaces: ['no-raid', 'fake'],
    // Inspection by the ramdisk came after Debian's.
    enabled_inspect_interfaces: ['no-inspect', 'fake'],
    enabled_rescue_interfaces: ['no-rescue', 'fake'],
  },
};
