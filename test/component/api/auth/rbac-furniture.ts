import { setTimeout as sleep } from 'node:timers/promises';
import { EventRepository } from '../../../../src/persistence/event/event.repository.js';
import { HardwareRepository } from '../../../../src/persistence/hardware/hardware.repository.js';
import type { ApiClient } from '../../../support/api.js';
import { LESSEE, OWNER } from '../../../support/auth/persona.js';
import type { TestDatabase } from '../../../support/database.js';
import { NOTE } from '../../../support/note.js';

/** What the cases call things, and what stands there. Ironic's UUIDs where bodies of the cases name them. */
export const IDENTS: Record<string, string> = {
  node_ident: '1be26c0b-03f2-4d2e-ae87-c02d7f33c123',
  owner_node_ident: '1ab63b9e-66d7-4cd7-8618-dddd0f9f7881',
  lessee_node_ident: '38d5abed-c585-4fce-a57e-a2ffc2a2ec6f',
  allocated_node_ident: '38d5abed-c585-4fce-a57e-a2ffc2a2ec6f',
  owner_port_ident: 'ebe30f19-358d-41e1-8d28-fd7357a0164c',
  lessee_port_ident: '1be26c0b-03f2-4d2e-ae87-c02d7f33c781',
  other_port_ident: 'abfd8dbb-1732-449a-b760-2224035c6b99',
  port_ident: '1be26c0b-03f2-4d2e-ae87-c02d7f33c782',
  owner_portgroup_ident: 'b16efcf3-2990-41a1-bc1d-5e2c16f3d5fc',
  lessee_portgroup_ident: '6eb02b44-18a3-4659-8c0b-8d2802581ae4',
  other_portgroup_ident: '5810f41c-6585-41fc-b9c9-a94f50d421b5',
  portgroup_ident: '6eb02b44-18a3-4659-8c0b-8d2802581ae5',
  chassis_ident: 'e74c40e0-d825-11e2-a28f-0800200c9a66',
  volume_connector_ident: '1be26c0b-03f2-4d2e-ae87-c02d7f33c783',
  volume_target_ident: '1be26c0b-03f2-4d2e-ae87-c02d7f33c784',
  owner_allocation: '1be26c0b-03f2-4d2e-ae87-c02d7f33c785',
  lessee_allocation: '1be26c0b-03f2-4d2e-ae87-c02d7f33c786',
  allocation_ident: '1be26c0b-03f2-4d2e-ae87-c02d7f33c786',
  deploy_template_ident: '1be26c0b-03f2-4d2e-ae87-c02d7f33c787',
  runbook_ident: '1be26c0b-03f2-4d2e-ae87-c02d7f33c788',
  conductor_ident: 'conductor-1',
  // The driver of these is none that is enabled.
  driver_name: 'fake-driverz',
  trait: 'CUSTOM_MEOW',
  vif_ident: '0e21d58f-5de2-4956-85ff-33935ea1ca01',
  bios_setting: 'virtualization',
  ind_component: 'chassis',
  ind_ident: 'led-0',
};
/** Nodes that bodies of the cases name, nobody’s. */
const OTHERS = ['573208e5-cd41-4e26-8f06-ef44022b3793', '22e26c0b-03f2-4d2e-ae87-c02d7f33c000'];

/** With the furniture of Ironic's own tests of its access rules. @param api asks as somebody who may do everything */
export async function furnish(api: ApiClient, { source }: TestDatabase): Promise<void> {
  const make = async (collection: string, body: object) => {
    const answer = await api.post(`/v1/${collection}`, body);
    if (answer.status !== 201) throw new Error(`${collection}: ${answer.status} ${answer.fault}`);
  };
  const node = (uuid: string, more: object = {}) => make('nodes', { uuid, driver: 'fake-hardware', ...more });
  await make('chassis', { uuid: IDENTS['chassis_ident'] });
  await node(IDENTS['node_ident']!);
  for (const uuid of OTHERS) await node(uuid);
  const leased = { owner: OWNER, lessee: LESSEE, resource_class: 'CUSTOM_LEASED' };
  await node(IDENTS['owner_node_ident']!, { owner: OWNER, resource_class: 'CUSTOM_TEST' });
  await node(IDENTS['lessee_node_ident']!, leased);
  await makeNetwork(make);
  for (const whose of ['owner_node_ident', 'lessee_node_ident', 'node_ident']) {
    const node_uuid = IDENTS[whose];
    const uuid = (kind: string) =>
      whose === 'lessee_node_ident' ? { uuid: IDENTS[`volume_${kind}_ident`] } : {};
    const connector_id = `iqn.2026-11.${whose}`;
    await make('volume/connectors', { ...uuid('connector'), node_uuid, type: 'iqn', connector_id });
    const target = { node_uuid, volume_type: 'iscsi', boot_index: 0, volume_id: whose };
    await make('volume/targets', { ...uuid('target'), ...target });
  }
  await source.query(
    `update node set last_error = 'meow', power_state = 'power off', provision_state = 'available'`,
  );
  await allocate(api, 'owner_allocation', { owner: OWNER, resource_class: 'CUSTOM_TEST' });
  await allocate(api, 'lessee_allocation', { owner: LESSEE, resource_class: 'CUSTOM_LEASED' });
  await noteWhatIsKnown({ source });
  const parent_node = IDENTS['owner_node_ident'];
  await node('3c3b8adb-edd7-3ed0-8e82-aab714d8411a', { parent_node, owner: OWNER });
  // Nobody may give his node such a child, so its owner does not see it.
  const unseen = '2b3b8adb-add7-4fd0-8e82-dcb714d848e7';
  await node(unseen);
  await source.query('update node set parent_node = $1 where uuid = $2', [parent_node, unseen]);
}

async function makeNetwork(make: (collection: string, body: object) => Promise<void>): Promise<void> {
  let last = 0;
  const address = () => {
    last += 1;
    return `52:54:00:00:00:${last.toString(16).padStart(2, '0')}`;
  };
  for (const [whose, of] of [
    ['owner_', 'owner_node_ident'],
    ['lessee_', 'lessee_node_ident'],
    ['other_', ''],
    ['', 'node_ident'],
  ] as const) {
    const node_uuid = of === '' ? OTHERS[0] : IDENTS[of];
    await make('ports', { uuid: IDENTS[`${whose}port_ident`], node_uuid, address: address() });
    await make('portgroups', { uuid: IDENTS[`${whose}portgroup_ident`], node_uuid, address: address() });
  }
  await make('ports', { node_uuid: IDENTS['owner_node_ident'], address: address() });
}

async function allocate(api: ApiClient, ident: string, body: object): Promise<void> {
  const uuid = IDENTS[ident];
  const made = await api.post('/v1/allocations', { uuid, ...body });
  if (made.status !== 201) throw new Error(`${ident}: ${made.status} ${made.fault}`);
  for (let poll = 0; poll < 200; poll++) {
    const { json } = await api.get(`/v1/allocations/${uuid}`);
    if (json.state === 'active') return;
    if (json.state === 'error') throw new Error(json.last_error);
    await sleep(50);
  }
  throw new Error(`${ident} found no node`);
}

/** BIOS settings, inventories and histories, as drivers and conductors would have left them. */
async function noteWhatIsKnown({ source }: Pick<TestDatabase, 'source'>): Promise<void> {
  const hardware = new HardwareRepository(source);
  const events = new EventRepository(source);
  const inventory = { inventory: { cpu: { count: 1 } }, plugin_data: {} };
  const histories = {
    node_ident: 'history_ident',
    owner_node_ident: 'owned_history_ident',
    lessee_node_ident: 'lessee_history_ident',
  };
  await source.query('delete from event');
  for (const [of, history] of Object.entries(histories)) {
    const node = IDENTS[of]!;
    await hardware.replaceInventory(node, inventory, source);
    const setting = { name: IDENTS['bios_setting']!, value: 'on' };
    await hardware.replaceBiosSettings(node, [setting], source);
    const event = { node_uuid: node, ...NOTE, event: 'meow' };
    IDENTS[history] = (await events.add(event, source)).uuid;
  }
}

/** Kinds of records that cases change or delete without a conductor: whoever asks next finds them as they were. */
const RENEWED: Record<string, { ident: string; body: object }> = {
  deploy_templates: {
    ident: 'deploy_template_ident',
    body: {
      name: 'CUSTOM_TEMPLATE',
      steps: [{ interface: 'bios', step: 'factory_reset', args: {}, priority: 10 }],
    },
  },
  runbooks: {
    ident: 'runbook_ident',
    body: {
      name: 'CUSTOM_RUNBOOK',
      owner: OWNER,
      steps: [{ interface: 'bios', step: 'factory_reset', args: {}, order: 1 }],
    },
  },
};

/** @param on path of a case, with the names of what it is about */
export async function renew(api: ApiClient, on: string): Promise<void> {
  const kind = on.split('/')[2] ?? '';
  const { ident, body } = RENEWED[kind] ?? {};
  if (ident === undefined || !on.includes(`{${ident}}`)) return;
  const { json } = await api.get(`/v1/${kind}`);
  for (const { uuid } of json[kind] as { uuid: string }[]) await api.delete(`/v1/${kind}/${uuid}`);
  const made = await api.post(`/v1/${kind}`, { uuid: IDENTS[ident], ...body });
  if (made.status !== 201) throw new Error(`${kind}: ${made.status} ${made.fault}`);
}
