import type { Json } from './api-side.js';

const INTERFACES = {
  boot: 'fake',
  deploy: 'fake',
  inspect: 'fake',
  management: 'fake',
  network: 'noop',
  power: 'fake',
  storage: 'noop',
};

/** A node with the fields of a production machine. @param name may contain `%d` for a number */
export function enrolled(name: string, number = 0): Json {
  const host = `10.30.${number >> 8}.${number & 255}`;
  return {
    name,
    driver: 'fake-hardware',
    resource_class: 'baremetal.general',
    description: 'Third from the top, behind the left door',
    properties: {
      cpu_arch: 'x86_64',
      cpus: 64,
      memory_mb: 524_288,
      local_gb: 960,
      vendor: 'Example Systems',
      capabilities: 'boot_mode:uefi,secure_boot:true,disk_label:gpt,hw_raid:true',
      root_device: { wwn: '0x5000c500a1b2c3d4', rotational: false },
    },
    driver_info: {
      ipmi_address: host,
      ipmi_username: 'ferric',
      ipmi_password: 'hardly-a-secret',
      ipmi_cipher_suite: 17,
      deploy_kernel: 'file:///var/lib/images/hardware.kernel',
      deploy_ramdisk: 'file:///var/lib/images/hardware.ramdisk',
    },
    extra: {
      rack: `r${number % 40}`,
      position: (number * 7) % 42,
      serial: `EX${String(number).padStart(8, '0')}`,
      purchase: { order: 'PO-2026-1187', date: '2026-03-14', warranty_months: 60 },
      contacts: ['operations@example.com', 'oncall@example.com'],
    },
    instance_info: {
      image_source: 'https://images.example.org/debian-12-genericcloud.qcow2',
      image_checksum: 'https://images.example.org/SHA512SUMS',
      root_gb: 40,
      capabilities: { boot_option: 'local' },
    },
    ...interfacesOf(),
  };
}

/** A node for the transitions from enroll to active. @param group its resource class, by which it is found again */
export function taken(name: string, group: string): Json {
  return {
    name,
    driver: 'fake-hardware',
    resource_class: group,
    instance_info: {
      image_source: 'https://images.example.org/debian.qcow2',
      image_checksum: '0'.repeat(32),
    },
    ...interfacesOf(),
  };
}

function interfacesOf(): Json {
  return Object.fromEntries(Object.entries(INTERFACES).map(([kind, name]) => [`${kind}_interface`, name]));
}
