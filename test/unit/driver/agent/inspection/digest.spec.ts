import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type InspectorSettings, inspectorSection } from '../../../../../src/config/section/inspector.js';
import type { JsonObject } from '../../../../../src/domain/json.js';
import { digest } from '../../../../../src/driver/agent/inspection/digest.js';
import type { InspectedPort } from '../../../../../src/driver/contract/inspect.js';
import { createLogger } from '../../../../../src/platform/logger.js';

type Settings = Parameters<typeof inspectorSection.parse>[0] & object;

/** What OpenStack's own agent collected. */
const { report } = JSON.parse(
  readFileSync(
    join(import.meta.dirname, '../../../../contract/agent/fixtures/ironic-python-agent-inspection.json'),
    'utf8',
  ),
) as { report: JsonObject };
const { inventory: UPSTREAM, ...PLUGIN } = report as { inventory: JsonObject };
const MAC = '02:fc:00:00:00:01';

const nic = (name: string, last: number, more: JsonObject = {}): JsonObject => ({
  name,
  mac_address: `52:54:00:00:00:0${last}`,
  ipv4_address: null,
  ...more,
});
const port = (address: string, more: Partial<InspectedPort> = {}): InspectedPort => ({
  uuid: address,
  address,
  pxe_enabled: true,
  extra: {},
  local_link_connection: {},
  physical_network: null,
  ...more,
});

function read(
  inventory: JsonObject,
  settings: Settings = {},
  more: {
    plugin_data?: JsonObject;
    properties?: JsonObject;
    ports?: InspectedPort[];
    before?: JsonObject;
  } = {},
) {
  return digest({
    node_uuid: 'n',
    inventory,
    before: more.before ?? null,
    properties: more.properties ?? {},
    plugin_data: more.plugin_data ?? {},
    ports: more.ports ?? [],
    settings: inspectorSection.parse(settings) as InspectorSettings,
    log: createLogger('silent'),
  });
}
const BASE = ['ramdisk-error', 'validate-interfaces', 'ports'];
const hooks = (...names: string[]) => ({ hooks: [...BASE, ...names] }) as Settings;

describe('the default hooks', () => {
  it('make a port and cpu_arch of what OpenStack’s agent reports', () => {
    const found = read(UPSTREAM, {}, { plugin_data: structuredClone(PLUGIN) as JsonObject });
    expect(found.properties).toEqual({ cpu_arch: 'x86_64' });
    // It said nothing of the interface that booted: all count, none is known to boot.
    expect(found.ports).toEqual([port(MAC, { uuid: null, pxe_enabled: false })]);
    expect(found.plugin_data).toMatchObject({ macs: [MAC], root_disk: { name: '/dev/vda' } });
  });
  it.each<[string, JsonObject, Settings, string]>([
    ['no interfaces', {}, {}, 'no interfaces present in inventory'],
    [
      'nothing valid',
      { interfaces: [{ name: 'a', mac_address: 'x' }, { mac_address: MAC }] },
      {},
      'no valid network',
    ],
    [
      'no address',
      { interfaces: [nic('a', 1)] },
      { add_ports: 'active' },
      'no network interfaces match the configuration (add_ports set to "active")',
    ],
    ['no architecture', { interfaces: [nic('a', 1)] }, {}, 'CPU architecture'],
    [
      'a bad architecture',
      { interfaces: [nic('a', 1)], cpu: { architecture: '\u001b[2J' } },
      {},
      'CPU architecture',
    ],
    [
      '300 interfaces',
      { interfaces: Array.from({ length: 300 }, () => nic('a', 1)) },
      {},
      '300 network interfaces',
    ],
  ])('refuse %s', (_, inventory, settings, fault) => {
    expect(() => read(inventory, settings)).toThrow(fault);
  });
  it('fail with the ramdisk’s own error and every other one, as one line', () => {
    const plugin_data = { error: 'no\ndisk\u001b' };
    expect(() => read({}, {}, { plugin_data })).toThrow(
      /ramdisk-error: Ramdisk reported error: no disk; Error in preprocess hook validate-interfaces/,
    );
  });
});

describe('ports', () => {
  const inventory = {
    interfaces: [
      nic('a', 1, { ipv4_address: '10.0.0.1' }),
      nic('b', 2),
      nic('lo', 3, { ipv4_address: '127.0.0.1' }),
    ],
    boot: { pxe_interface: '01-52-54-00-00-00-02' },
  };
  it.each<[string, string[]]>([
    ['pxe', ['52:54:00:00:00:02']],
    ['active', ['52:54:00:00:00:01']],
    ['all', ['52:54:00:00:00:01', '52:54:00:00:00:02']],
    ['disabled', []],
  ])('with add_ports %s', (add_ports, macs) => {
    const found = read(inventory, { hooks: BASE, add_ports } as Settings);
    expect(found.ports.map(({ address }) => address)).toEqual(macs);
  });
  it.each<[string, string[]]>([
    ['all', ['aa:00:00:00:00:01', '52:54:00:00:00:01', '52:54:00:00:00:02']],
    ['present', ['52:54:00:00:00:01', '52:54:00:00:00:02']],
    ['added', ['52:54:00:00:00:02']],
  ])('with keep_ports %s', (keep_ports, macs) => {
    const ports = [port('aa:00:00:00:00:01'), port('52:54:00:00:00:01')];
    const found = read(inventory, { hooks: BASE, keep_ports } as Settings, { ports });
    expect(found.ports.map(({ address }) => address)).toEqual(macs);
  });
  it('say from which the machine booted, unless that is left alone', () => {
    const ports = [port('52:54:00:00:00:01'), port('52:54:00:00:00:02', { pxe_enabled: false })];
    expect(read(inventory, { hooks: BASE } as Settings, { ports }).ports).toMatchObject([
      { pxe_enabled: false },
      { pxe_enabled: true },
    ]);
    const alone = { hooks: BASE, update_pxe_enabled: false } as Settings;
    expect(read(inventory, alone, { ports }).ports).toEqual(ports);
  });
  it('keep an InfiniBand client id, of those that are one', () => {
    const interfaces = [nic('a', 1, { client_id: 'ff:00:00' }), nic('b', 2, { client_id: '../x' })];
    expect(read({ interfaces }, hooks()).ports.map(({ extra }) => extra)).toEqual([
      { 'client-id': 'ff:00:00' },
      {},
    ]);
  });
});

describe('other hooks', () => {
  it('set the properties of the machine', () => {
    const all = hooks('cpus', 'memory', 'cpu-capabilities', 'boot-mode', 'root-device');
    const plugin_data = structuredClone(PLUGIN) as JsonObject;
    const found = read(UPSTREAM, all, { plugin_data, properties: { capabilities: 'a:b' } });
    expect(found.properties).toEqual({
      cpus: 2,
      memory_mb: 24_576,
      local_gb: 255,
      capabilities: 'a:b,cpu_hugepages:true,cpu_hugepages_1g:true,cpu_aes:true,boot_mode:bios'.replace(
        'cpu_hugepages:true,cpu_hugepages_1g:true,cpu_aes:true',
        'cpu_aes:true,cpu_hugepages:true,cpu_hugepages_1g:true',
      ),
    });
  });
  it('choose the root disk by the node’s hints', () => {
    const disks = [
      { name: '/dev/sda', size: 100 * 2 ** 30, rotational: true, serial: 'a' },
      { name: '/dev/sdb', size: 50 * 2 ** 30, rotational: false, serial: 'b' },
    ];
    const inventory = { interfaces: [nic('a', 1)], disks };
    const with_ = (properties: JsonObject) => read(inventory, hooks('root-device'), { properties });
    expect(with_({ root_device: { serial: 'b' } }).properties['local_gb']).toBe(49);
    expect(with_({}).properties['local_gb']).toBe(0);
    expect(() => with_({ root_device: { serial: 'c' } })).toThrow('No disks satisfied root device hints');
    expect(() => with_({ root_device: { size: 'x' } })).toThrow('failed to validate');
    expect(() =>
      with_({ root_device: { rotational: true }, skip_block_devices: [{ name: '/dev/sda' }] }),
    ).toThrow('No disks satisfied');
  });
  it('learn the RAID from two runs', () => {
    const disks = (...serials: string[]) => ({
      interfaces: [nic('a', 1)],
      disks: serials.map((serial) => ({ name: '/dev/sda', serial })),
    });
    const second = (...serials: string[]) =>
      read(disks(...serials), hooks('raid-device'), { before: disks('a', 'b') }).properties['root_device'];
    expect(second('a', 'b', 'r')).toEqual({ serial: 'r' });
    expect(second('a', 'b')).toBeUndefined();
    expect(second('r', 's')).toBeUndefined();
  });
  it('count PCI devices and know accelerators', () => {
    const settings = {
      ...hooks('pci-devices', 'accelerators'),
      pci_device_alias: [{ vendor_id: '1af4', product_id: '1041', name: 'nics' }],
      known_accelerators: [{ vendor_id: '8086', device_id: '0d57', type: 'GPU', device_info: 'toy' }],
    };
    const found = read(UPSTREAM, settings as Settings, {
      plugin_data: structuredClone(PLUGIN) as JsonObject,
    });
    expect(found.properties).toEqual({
      capabilities: 'nics:1',
      accelerators: [
        {
          vendor_id: '8086',
          device_id: '0d57',
          type: 'GPU',
          device_info: 'toy',
          pci_address: '0000:00:00.0',
        },
      ],
    });
  });
  it('plug ports by LLDP and address', () => {
    const lldp = [
      [1, '04885a92ec5459'],
      [2, '0545746865726e6574312f3138'],
    ];
    const settings = {
      ...hooks('parse-lldp', 'local-link-connection', 'physical-network'),
      add_ports: 'all',
      physical_network_cidr_map: { '10.1.0.0/16': 'one', 'fd00::/16': 'two' },
    };
    const interfaces = [
      nic('a', 1, { lldp, ipv4_address: '10.1.2.3' }),
      nic('b', 2, { ipv6_address: 'fd00::1%b' }),
    ];
    const ports = [port('52:54:00:00:00:02', { local_link_connection: { port_id: 'mine' } })];
    const plugin_data = { lldp_raw: { b: lldp } };
    const found = read({ interfaces }, settings as Settings, { ports, plugin_data });
    expect(found.plugin_data['parsed_lldp']).toMatchObject({ a: { switch_port_id: 'Ethernet1/18' }, b: {} });
    expect(found.ports).toMatchObject([
      { physical_network: 'two', local_link_connection: { port_id: 'mine', switch_id: '88:5a:92:ec:54:59' } },
      {
        physical_network: 'one',
        local_link_connection: { port_id: 'Ethernet1/18', switch_id: '88:5a:92:ec:54:59' },
      },
    ]);
  });
});

describe('the configuration', () => {
  it.each([
    [{ hooks: ['ports'] }, 'ports requires validate-interfaces'],
    [{ hooks: ['nosuch'] }, 'Invalid option'],
    [{ auto_discovery: { enabled: true } }, 'is needed where auto_discovery.enabled is true'],
  ])('refuses %j', (value, fault) => {
    expect(inspectorSection.safeParse(value).error?.message).toContain(fault);
  });
});
