import { z } from 'zod';

const names = (value: string[], what: string) =>
  z
    .array(z.string().regex(/^[a-z0-9][a-z0-9_.-]*$/, 'is not a name'))
    .default(value)
    .describe(`Enabled ${what}; the order has no meaning, a hardware type has its own.`);

const fallback = (kind: string) =>
  z
    .string()
    .nullable()
    .default(null)
    .describe(
      `The ${kind} interface of a node that names none; empty: the first enabled one that its driver supports.`,
    );

/** Which hardware types and interfaces exist for this conductor. Names are Ironic's own options. */
export const driverSection = z
  .strictObject({
    enabled_hardware_types: names(['ipmi', 'redfish', 'fake-hardware'], 'hardware types'),
    enabled_bios_interfaces: names(['redfish', 'no-bios', 'fake'], 'bios interfaces'),
    enabled_boot_interfaces: names(
      ['ipxe', 'pxe', 'http-ipxe', 'http', 'redfish-virtual-media', 'redfish-https', 'fake'],
      'boot interfaces',
    ),
    enabled_console_interfaces: names(['no-console', 'fake'], 'console interfaces'),
    enabled_deploy_interfaces: names(['direct', 'ramdisk', 'custom-agent', 'fake'], 'deploy interfaces'),
    enabled_firmware_interfaces: names(['redfish', 'no-firmware', 'fake'], 'firmware interfaces'),
    enabled_inspect_interfaces: names(['redfish', 'agent', 'no-inspect', 'fake'], 'inspect interfaces'),
    enabled_management_interfaces: names(['ipmitool', 'redfish', 'noop', 'fake'], 'management interfaces'),
    enabled_network_interfaces: names(['noop'], 'network interfaces'),
    enabled_power_interfaces: names(['ipmitool', 'redfish', 'fake'], 'power interfaces'),
    enabled_raid_interfaces: names(['no-raid', 'agent', 'fake'], 'raid interfaces'),
    enabled_rescue_interfaces: names(['no-rescue', 'agent', 'fake'], 'rescue interfaces'),
    enabled_storage_interfaces: names(['noop', 'fake'], 'storage interfaces'),
    enabled_vendor_interfaces: names(['ipmitool', 'no-vendor', 'fake'], 'vendor interfaces'),
    default_bios_interface: fallback('bios'),
    default_boot_interface: fallback('boot'),
    default_console_interface: fallback('console'),
    default_deploy_interface: fallback('deploy'),
    default_firmware_interface: fallback('firmware'),
    default_inspect_interface: fallback('inspect'),
    default_management_interface: fallback('management'),
    default_network_interface: fallback('network'),
    default_power_interface: fallback('power'),
    default_raid_interface: fallback('raid'),
    default_rescue_interface: fallback('rescue'),
    default_storage_interface: fallback('storage'),
    default_vendor_interface: fallback('vendor'),
    allowed_raw_steps: z
      .array(z.string().regex(/^[a-z]+\.[a-z_]+$/, 'is not interface.step'))
      .default([])
      .describe(
        'Steps of cleaning, deployment and service that hand on to the BMC what their caller wrote (`vendor.send_raw`), and so give it to managers of nodes and to whoever may write runbooks and deploy templates; empty: none',
      ),
    fake_journal_directory: z
      .string()
      .startsWith('/')
      .nullable()
      .default(null)
      .describe(
        'Where driver_info.fake_journal of fake-hardware nodes may name a file to note their effects in; empty: nowhere.',
      ),
  })
  .prefault({});

export type DriverSettings = z.output<typeof driverSection>;
