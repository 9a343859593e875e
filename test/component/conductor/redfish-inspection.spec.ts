import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { driverSection } from '../../../src/config/section/driver.js';
import { BY, fakeConductor } from '../../support/conductor.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';
import { redfishBench } from '../../support/redfish-driver.js';
import { RedfishRack } from '../../support/redfish-rack.js';

let database: TestDatabase;
let kit: Awaited<ReturnType<typeof fakeConductor>>;
let rack: RedfishRack;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());
beforeEach(async () => {
  await database.clear();
  rack = await RedfishRack.up();
  kit = await fakeConductor(database, {
    config: { driver: driverSection.parse({ enabled_hardware_types: ['redfish'] }) },
  });
  await kit.start(null);
});
afterEach(async () => {
  await kit.stop(null);
  await rack[Symbol.asyncDispose]();
});

describe('an inspection by the BMC', () => {
  it('creates ports, sets properties, stores the inventory, and never waits for a ramdisk', async () => {
    const uuid = await kit.node(redfishBench(rack).committed.driver_info, { driver: 'redfish' });
    await kit.conductor.verbs.provision(uuid, 'manage', {}, BY);
    await kit.settle(uuid, 'manageable');
    for (const _ of [1, 2]) {
      await kit.conductor.verbs.provision(uuid, 'inspect', {}, BY);
      const node = await kit.settle(uuid, 'manageable', 'inspect failed');
      expect(node).toMatchObject({ provision_state: 'manageable', last_error: null });
      expect(node.properties).toMatchObject({ memory_mb: 4096, local_gb: 464, cpu_arch: 'x86_64' });
      const ports = await kit.parts.ports.ofNode(uuid);
      expect(ports.map(({ address }) => address).toSorted()).toEqual([
        '52:54:00:12:34:56',
        '52:54:00:12:34:57',
      ]);
    }
    const stored = await kit.parts.hardware.inventory(uuid);
    expect(stored?.inventory).toMatchObject({ cpu: { count: 4 } });
    expect(stored?.plugin_data).toHaveProperty('parsed_lldp.NIC1.switch_port_id', 'Ethernet1/7');
    expect(await kit.states(uuid)).not.toContain('inspect wait');
    expect(rack.machine.done).toEqual([]);
  });

  it('that fails leaves no report for the next one', async () => {
    const uuid = await kit.node(
      { ...redfishBench(rack).committed.driver_info, redfish_system_id: '/redfish/v1/Systems/none' },
      { driver: 'redfish', provision_state: 'manageable' },
    );
    await kit.conductor.verbs.provision(uuid, 'inspect', {}, BY);
    const node = await kit.settle(uuid, 'inspect failed');
    expect(node.last_error).toMatch(/the BMC has no such resource \(404\)/);
    expect(await kit.parts.hardware.report(uuid)).toBeNull();
  });
});
