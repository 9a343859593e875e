import { z } from 'zod';

/** Inspection hooks, in the only allowed order. Names are Ironic's (ironic.inspection.hooks). */
export const HOOK_NAMES = [
  'ramdisk-error',
  'validate-interfaces',
  'ports',
  'architecture',
  'cpus',
  'memory',
  'cpu-capabilities',
  'boot-mode',
  'root-device',
  'raid-device',
  'pci-devices',
  'accelerators',
  'parse-lldp',
  'local-link-connection',
  'physical-network',
] as const;
export type HookName = (typeof HOOK_NAMES)[number];

/** Hooks that read the result of another hook. */
const AFTER: Readonly<Partial<Record<HookName, HookName>>> = {
  ports: 'validate-interfaces',
  'local-link-connection': 'validate-interfaces',
  'physical-network': 'validate-interfaces',
};

/** Faults of a list of hooks: the place of each hook whose predecessor is missing. */
export function hookFaults(hooks: readonly HookName[]): { at: number; message: string }[] {
  return hooks.flatMap((hook, at) => {
    const needed = AFTER[hook];
    if (!needed || hooks.slice(0, at).includes(needed)) return [];
    return [{ at, message: `${hook} requires ${needed} to be enabled before it` }];
  });
}

const CPU_FLAGS = {
  vmx: 'cpu_vt',
  svm: 'cpu_vt',
  aes: 'cpu_aes',
  pse: 'cpu_hugepages',
  pdpe1gb: 'cpu_hugepages_1g',
  smx: 'cpu_txt',
};

const pciId = () => z.string().regex(/^[0-9a-f]{4}$/, 'four hexadecimal digits, lower case');

/** Inspection through the ramdisk. Names are Ironic's options of [inspector], [auto_discovery] and [inspection_rules]. */
export const inspectorSection = z
  .strictObject({
    hooks: z
      .array(z.enum(HOOK_NAMES))
      .default(['ramdisk-error', 'validate-interfaces', 'ports', 'architecture'])
      .describe('What is done with what a ramdisk found, in this order; the four are Ironic’s default'),
    add_ports: z
      .enum(['all', 'active', 'pxe', 'disabled'])
      .default('pxe')
      .describe(
        'Network interfaces that become ports: all, those with an address, the one that booted, none',
      ),
    keep_ports: z
      .enum(['all', 'present', 'added'])
      .default('all')
      .describe('Ports that stay: all, those whose interface is there, those that add_ports would add'),
    update_pxe_enabled: z
      .boolean()
      .default(true)
      .describe('Set pxe_enabled of the node’s ports to whether the machine booted from them'),
    power_off: z.boolean().default(true).describe('Power a machine off after its inspection'),
    require_managed_boot: z
      .boolean()
      .default(true)
      .describe(
        'Refuse to inspect a node without a port to boot from. false: such a machine boots what the site’s own network boot offers to strangers',
      ),
    ignored_macs: z
      .array(
        z
          .string()
          .toLowerCase()
          .regex(
            /^[0-9a-f]{2}(:[0-9a-f]{2}){2,5}$/,
            'a MAC address, or three bytes or more of its beginning',
          ),
      )
      .default([])
      .describe(
        'MAC addresses, or their beginnings, that many machines have in common: they make no port and tell no machine',
      ),
    extra_kernel_params: z
      .string()
      .default('')
      .describe(
        'More words for the inspection ramdisk’s kernel, such as ipa-inspection-collectors=default,logs',
      ),
    force_dhcp: z.boolean().default(false).describe('Have the ramdisk collect LLDP on every interface'),
    disk_partitioning_spacing: z
      .boolean()
      .default(true)
      .describe('root-device: local_gb is one GiB less than the disk, for partitioning'),
    cpu_capabilities: z
      .record(z.string(), z.string())
      .default(CPU_FLAGS)
      .describe('cpu-capabilities: CPU flag to the capability that it sets'),
    pci_device_alias: z
      .array(
        z.strictObject({
          vendor_id: pciId().describe('PCI vendor, four hexadecimal digits'),
          product_id: pciId().describe('PCI product, four hexadecimal digits'),
          name: z.string().min(1).max(255).describe('Capability that the devices are counted into'),
        }),
      )
      .default([])
      .describe('pci-devices: devices that are counted into a capability of this name'),
    known_accelerators: z
      .array(
        z.strictObject({
          vendor_id: pciId().describe('PCI vendor, four hexadecimal digits'),
          device_id: pciId().describe('PCI device, four hexadecimal digits'),
          type: z.string().max(64).describe('Kind of accelerator, such as GPU'),
          device_info: z.string().max(255).describe('Its name, as people know it'),
        }),
      )
      .default([])
      .describe('accelerators: PCI devices that go into properties.accelerators'),
    physical_network_cidr_map: z
      .record(z.union([z.cidrv4(), z.cidrv6()]), z.string().min(1).max(64))
      .default({})
      .describe('physical-network: network of an interface’s address to the physical network of its port'),
    mask_secrets: z
      .enum(['always', 'never', 'sensitive'])
      .default('always')
      .describe('Whose rules see secrets of what was found: nobody’s, everybody’s, sensitive rules’'),
    rule_timeout: z
      .number()
      .min(0.1)
      .max(600)
      .default(10)
      .describe('Seconds of computing that the rules of one inspection may take; api-call is not counted'),
    auto_discovery: z
      .strictObject({
        enabled: z
          .boolean()
          .default(false)
          .describe('Enrol machines that report themselves and are no node. Everybody on that network can'),
        driver: z.string().min(1).nullable().default(null).describe('Driver of such nodes'),
        max_nodes: z
          .int()
          .min(1)
          .default(100)
          .describe('Most such nodes in enroll; a machine beyond it is refused'),
      })
      .prefault({})
      .describe('Nodes out of nothing'),
  })
  .prefault({})
  .superRefine((value, context) => {
    const fault = (path: PropertyKey[], message: string) =>
      context.addIssue({ code: 'custom', path, message });
    for (const { at, message } of hookFaults(value.hooks)) fault(['hooks', at], message);
    if (value.auto_discovery.enabled && value.auto_discovery.driver === null) {
      fault(['auto_discovery', 'driver'], 'is needed where auto_discovery.enabled is true');
    }
  });

export type InspectorSettings = z.output<typeof inspectorSection>;
