import { describe, expect, it } from 'vitest';
import { PERSONALITIES, type PersonalityName } from '../../../lab/bmc/redfish/personality.js';
import { HOOK_NAMES, inspectorSection } from '../../../src/config/section/inspector.js';
import { redfishSection } from '../../../src/config/section/redfish.js';
import type { NodeChanges } from '../../../src/driver/contract/context.js';
import type { InspectedPort } from '../../../src/driver/contract/inspect.js';
import { RedfishInspect } from '../../../src/driver/redfish/inspect.js';
import type { DriverBench } from '../../support/driver-context.js';
import { RedfishDriver, redfishBench } from '../../support/redfish-driver.js';
import { RedfishRack } from '../../support/redfish-rack.js';

const names = Object.keys(PERSONALITIES) as PersonalityName[];
const BASEBOARD = '/redfish/v1/Systems/Baseboard';

/** Inspects, and reads the report as the conductor does. */
async function inspect(
  driver: RedfishDriver,
  bench: DriverBench,
  ports: readonly InspectedPort[] = [],
  hooks?: readonly string[],
) {
  const settings = redfishSection.parse(hooks ? { inspection_hooks: hooks } : {});
  const inspector = inspectorSection.parse(undefined);
  const one = new RedfishInspect({ machines: driver.machines, settings, inspector });
  const context = bench.context(driver.interfaces);
  expect(await one.steps[0]!.run(context)).toEqual({ is: 'done' });
  const report = (bench.committed as NodeChanges).inspection_report!;
  return { report, found: await one.readReport(context, report, { ports, inventory: null }) };
}

describe.each(names)('inspection by a BMC like %s', (personality) => {
  it('finds processors, memory, disks, interfaces, the switch and the maker, and starts nothing', async () => {
    await using rack = await RedfishRack.up({ personality });
    await using driver = new RedfishDriver();
    const bench = redfishBench(rack, {}, { properties: { note: 'kept' } });
    const { report, found } = await inspect(driver, bench);
    const { inventory, plugin_data } = report;
    expect(inventory).toMatchObject({
      memory: { physical_mb: 4096 },
      cpu: { count: 4, model_name: 'Virtual CPU', frequency: '2000', architecture: 'x86_64' },
      disks: [{ name: 'disk0', size: 500e9, serial: 'S0', rotational: false }],
      interfaces: [
        { name: 'NIC1', mac_address: '52:54:00:12:34:56', speed_mbps: 1000 },
        { name: 'NIC2', mac_address: '52:54:00:12:34:57', speed_mbps: 1000 },
      ],
      system_vendor: {
        manufacturer: PERSONALITIES[personality].manufacturer,
        product_name: PERSONALITIES[personality].model,
        // Dell's service tag is the SKU.
        serial_number: personality === 'dell' ? 'SKU-paper' : 'SN-paper',
        system_uuid: '7e0b1c5c-3f0a-4c9b-9a55-0c3c6a1d0001',
      },
    });
    expect(plugin_data['parsed_lldp']).toEqual({
      NIC1: {
        switch_chassis_id: 'c4:7e:e0:00:00:01',
        switch_port_id: 'Ethernet1/7',
        switch_system_name: 'switch-1.example.com',
      },
    });
    expect(found.properties).toMatchObject({
      note: 'kept',
      memory_mb: 4096,
      local_gb: 464,
      cpu_arch: 'x86_64',
    });
    expect(found.ports.map(({ uuid, address, pxe_enabled }) => [uuid, address, pxe_enabled])).toEqual([
      [null, '52:54:00:12:34:56', true],
      [null, '52:54:00:12:34:57', true],
    ]);
    expect(rack.machine.done).toEqual([]);
  });
});

describe('inspection by a BMC', () => {
  it('of a system that shows null everywhere names what is missing, and takes what an operator set', async () => {
    await using rack = await RedfishRack.up({ quirks: { secondSystem: true } });
    await using driver = new RedfishDriver();
    const info = { redfish_system_id: BASEBOARD };
    await expect(inspect(driver, redfishBench(rack, info))).rejects.toThrow(
      'Failed to discover the following properties: memory_mb, cpu_arch on node',
    );
    const properties = { memory_mb: 1024, cpu_arch: 'aarch64', capabilities: 'boot_mode:uefi' };
    const bench = redfishBench(rack, info, { properties });
    const { report, found } = await inspect(driver, bench);
    expect(report.inventory['system_vendor']).toEqual({
      product_name: null,
      serial_number: null,
      manufacturer: null,
    });
    expect(found.properties).toEqual({ ...properties, local_gb: 0 });
    expect(found.ports).toEqual([]);
    expect(bench.lines.join()).toContain('ports are to be created by hand');
  });

  it('keeps pxe_enabled of ports that are there, and tells their switch where the hook is on', async () => {
    await using rack = await RedfishRack.up();
    await using driver = new RedfishDriver();
    const port: InspectedPort = {
      uuid: '11111111-2222-4333-8444-555555555556',
      address: '52:54:00:12:34:56',
      pxe_enabled: true,
      extra: {},
      local_link_connection: {},
      physical_network: null,
    };
    const other = { ...port, uuid: '11111111-2222-4333-8444-555555555557', pxe_enabled: false };
    const { found } = await inspect(
      driver,
      redfishBench(rack),
      [port, { ...other, address: '52:54:00:12:34:57' }],
      ['validate-interfaces', 'ports', 'architecture', 'local-link-connection'],
    );
    expect(found.ports.map(({ pxe_enabled }) => pxe_enabled)).toEqual([true, false]);
    expect(found.ports[0]?.local_link_connection).toEqual({
      switch_id: 'c4:7e:e0:00:00:01',
      port_id: 'Ethernet1/7',
      switch_info: 'switch-1.example.com',
    });
  });

  it('goes without what the BMC refuses until the machine has run', async () => {
    await using rack = await RedfishRack.up({ quirks: { adaptersAfterPost: true } });
    await using driver = new RedfishDriver();
    const { report } = await inspect(driver, redfishBench(rack));
    expect(report.plugin_data['parsed_lldp']).toBeUndefined();
    expect(report.inventory['interfaces']).toHaveLength(2);
  });

  it('runs every hook that there is', async () => {
    await using rack = await RedfishRack.up();
    await using driver = new RedfishDriver();
    const { found } = await inspect(driver, redfishBench(rack), [], HOOK_NAMES);
    expect(found.properties).toMatchObject({ memory_mb: 4096, cpus: 4, cpu_arch: 'x86_64' });
  });
});
