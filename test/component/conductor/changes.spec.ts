import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ChangeKind } from '../../../src/domain/change.js';
import type { Event } from '../../../src/persistence/event/event.entity.js';
import { BY, fakeConductor } from '../../support/conductor.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';

let database: TestDatabase;
let kit: Awaited<ReturnType<typeof fakeConductor>>;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());
beforeEach(async () => {
  await database.clear();
  kit = await fakeConductor(database);
  await kit.start(null);
});
afterEach(() => kit.stop(null));

const WHO = {
  user_name: BY.user,
  project: BY.project,
  request_id: BY.request_id,
  via: 'api',
  source: BY.source,
};
const rows = (after = '0') =>
  database.source.query<Event[]>(`select * from event where id > $1 order by id`, [after]);
const last = async () => (await rows()).at(-1)?.id ?? '0';
const address = () => `52:54:00:${randomUUID().match(/../g)!.slice(0, 3).join(':')}`;
const portOf = (node_uuid: string) =>
  kit.conductor.ports.create({ uuid: randomUUID(), node_uuid, address: address() }, BY);

interface Case {
  name: string;
  /** What is there before, and what is done then. */
  act: (node: string) => Promise<() => Promise<unknown>>;
  kinds: ChangeKind[];
  fields?: string[];
  /** It is of no node, or its node is another's. */
  loose?: true;
}
const now = (act: (node: string) => Promise<unknown>) => (node: string) => Promise.resolve(() => act(node));

/** Every change that somebody can ask of the conductor. */
const CASES: Case[] = [
  {
    name: 'an edit of a node',
    act: now((node) => kit.conductor.nodes.update(node, () => ({ extra: { a: 1 }, name: 'n1' }), BY)),
    kinds: ['node.changed'],
    fields: ['extra', 'name'],
  },
  {
    name: 'traits',
    act: now((node) => kit.conductor.nodes.update(node, () => ({ traits: ['CUSTOM_A'] }), BY)),
    kinds: ['node.changed'],
    fields: ['traits'],
  },
  {
    name: 'maintenance',
    act: now((node) => kit.conductor.nodes.setMaintenance(node, true, 'hands on', BY)),
    kinds: ['node.changed'],
    fields: ['maintenance', 'maintenance_reason'],
  },
  {
    name: 'the end of maintenance',
    act: async (node) => {
      await kit.conductor.nodes.setMaintenance(node, true, null, BY);
      return () => kit.conductor.nodes.setMaintenance(node, false, null, BY);
    },
    kinds: ['node.changed'],
    fields: ['fault', 'maintenance', 'maintenance_reason'],
  },
  {
    name: 'a deletion',
    act: now((node) => kit.conductor.nodes.delete(node, BY)),
    kinds: ['node.deleted'],
  },
  {
    name: 'RAID',
    act: now((node) => kit.conductor.hardware.setTargetRaid(node, {}, BY)),
    kinds: ['node.changed'],
    fields: ['target_raid_config'],
  },
  {
    name: 'a boot device',
    act: now((node) => kit.conductor.hardware.setBootDevice(node, 'pxe', false, BY)),
    kinds: ['node.action'],
  },
  { name: 'a port', act: now(portOf), kinds: ['port.created'] },
  {
    name: 'an edit of a port',
    act: async (node) => {
      const { uuid } = await portOf(node);
      return () => kit.conductor.ports.update(uuid, () => ({ pxe_enabled: false }), BY);
    },
    kinds: ['port.changed'],
    fields: ['pxe_enabled'],
  },
  {
    name: 'the deletion of a port',
    act: async (node) => {
      const { uuid } = await portOf(node);
      return () => kit.conductor.ports.delete(uuid, BY);
    },
    kinds: ['port.deleted'],
  },
  {
    name: 'a port group, its edit and its deletion',
    act: now(async (node_uuid) => {
      const { uuid } = await kit.conductor.ports.createGroup({ uuid: randomUUID(), node_uuid }, BY);
      await kit.conductor.ports.updateGroup(uuid, () => ({ name: 'bond' }), BY);
      await kit.conductor.ports.deleteGroup(uuid, BY);
    }),
    kinds: ['portgroup.created', 'portgroup.changed', 'portgroup.deleted'],
  },
  {
    name: 'a volume connector, its edit and its deletion',
    act: async (node_uuid) => {
      await off(node_uuid);
      const row = { uuid: randomUUID(), node_uuid, type: 'iqn', connector_id: 'iqn.2017-07.org:01' };
      return async () => {
        const { uuid } = await kit.conductor.volumes.createConnector(row, BY);
        await kit.conductor.volumes.updateConnector(uuid, () => ({ extra: { a: 1 } }), BY);
        await kit.conductor.volumes.deleteConnector(uuid, BY);
      };
    },
    kinds: ['volume_connector.created', 'volume_connector.changed', 'volume_connector.deleted'],
  },
  {
    name: 'a volume target, its edit and its deletion',
    act: async (node_uuid) => {
      await off(node_uuid);
      const row = { uuid: randomUUID(), node_uuid, volume_type: 'iscsi', volume_id: 'v', boot_index: 0 };
      return async () => {
        const { uuid } = await kit.conductor.volumes.createTarget(row, BY);
        await kit.conductor.volumes.updateTarget(uuid, () => ({ extra: { a: 1 } }), BY);
        await kit.conductor.volumes.deleteTarget(uuid, BY);
      };
    },
    kinds: ['volume_target.created', 'volume_target.changed', 'volume_target.deleted'],
  },
  {
    name: 'a chassis, its edit and its deletion',
    act: now(async () => {
      const chassis = kit.conductor.records.of('chassis', kit.parts.chassis);
      const { uuid } = await chassis.create({ uuid: randomUUID() }, BY);
      await chassis.edit(uuid, () => ({ description: 'rack 7', extra: {} }), BY);
      await chassis.delete(uuid, BY);
    }),
    kinds: ['chassis.created', 'chassis.changed', 'chassis.deleted'],
    loose: true,
  },
  {
    name: 'a deploy template, its edit and its deletion',
    act: now(async () => {
      const templates = kit.conductor.records.of('deploy_template', kit.parts.templates);
      const step = { interface: 'deploy' as const, step: 'write_image', args: {}, priority: 9 };
      const { uuid } = await templates.create({ uuid: randomUUID(), name: 'CUSTOM_A', steps: [step] }, BY);
      await templates.edit(uuid, ({ steps }) => ({ name: 'CUSTOM_B', steps }), BY);
      await templates.delete(uuid, BY);
    }),
    kinds: ['deploy_template.created', 'deploy_template.changed', 'deploy_template.deleted'],
    loose: true,
  },
  {
    name: 'a runbook, its edit and its deletion',
    act: now(async () => {
      const runbooks = kit.conductor.records.of('runbook', kit.parts.runbooks);
      const step = { interface: 'deploy' as const, step: 'erase_devices', args: {}, order: 1 };
      const { uuid } = await runbooks.create({ uuid: randomUUID(), name: 'CUSTOM_A', steps: [step] }, BY);
      await runbooks.edit(uuid, () => ({ public: true }), BY);
      await runbooks.delete(uuid, BY);
    }),
    kinds: ['runbook.created', 'runbook.changed', 'runbook.deleted'],
    loose: true,
  },
  {
    name: 'an inspection rule, its edit and its deletion',
    act: now(async () => {
      const rules = kit.conductor.records.of('inspection_rule', kit.parts.rules);
      const { uuid } = await rules.create({ uuid: randomUUID(), ...RULE }, BY);
      await rules.edit(uuid, () => ({ ...RULE, priority: 5 }), BY);
      await rules.delete(uuid, BY);
    }),
    kinds: ['inspection_rule.created', 'inspection_rule.changed', 'inspection_rule.deleted'],
    loose: true,
  },
  {
    name: 'all inspection rules at once',
    act: async () => {
      for (const _ of [1, 2]) await kit.parts.rules.create({ uuid: randomUUID(), ...RULE });
      const { rules } = kit.parts;
      const records = kit.conductor.records.of('inspection_rule', rules);
      return () => records.deleteAll((on) => rules.deleteAll(on), BY);
    },
    kinds: ['inspection_rule.deleted', 'inspection_rule.deleted'],
    loose: true,
  },
  {
    name: 'an image, its edits and its deletion',
    act: now(async () => {
      const uuid = randomUUID();
      const { imageRecords } = kit.parts;
      const note = (verb: 'created' | 'changed' | 'deleted') =>
        kit.conductor.records.imageNote(verb, uuid, BY);
      await imageRecords.create({ uuid, status: 'queued', visibility: 'shared' }, note('created'));
      await imageRecords.edit(uuid, () => ({ name: 'n' }), note('changed'));
      await imageRecords.edit(uuid, () => ({}), note('changed'));
      await imageRecords.addMember(uuid, 'p', note('changed'));
      await imageRecords.setMember(uuid, 'p', 'accepted', note('changed'));
      await imageRecords.removeMember(uuid, 'p', note('changed'));
      await imageRecords.removeMember(uuid, 'p', note('changed'));
      await imageRecords.transit(uuid, ['active'], { status: 'deactivated' }, note('changed'));
      await imageRecords.transit(uuid, ['queued'], { status: 'saving' }, note('changed'));
      await imageRecords.delete(uuid, () => undefined, note('deleted'));
    }),
    kinds: ['image.created', ...Array<'image.changed'>(5).fill('image.changed'), 'image.deleted'],
    loose: true,
  },
  {
    name: 'an allocation that finds nothing, and its end',
    act: now(async () => {
      const { uuid } = await kit.conductor.allocations.create(
        { uuid: randomUUID(), resource_class: 'none' },
        null,
        BY,
      );
      await expect.poll(async () => (await kit.parts.allocations.get(uuid)).state).toBe('error');
      await kit.conductor.allocations.delete(uuid, BY);
    }),
    kinds: ['allocation.created', 'allocation.changed', 'allocation.deleted'],
    loose: true,
  },
  {
    name: 'power',
    act: now(async (node) => {
      await kit.conductor.verbs.setPower(node, 'power on', null, BY);
      await expect.poll(async () => (await kit.parts.nodes.get(node)).target_power_state).toBeNull();
    }),
    kinds: ['node.power', 'node.power'],
  },
  {
    name: 'a verb, and all that it leads to',
    act: now(async (node) => {
      await kit.conductor.verbs.provision(node, 'manage', {}, BY);
      await kit.settle(node, 'manageable');
    }),
    kinds: ['node.provision', 'node.provision'],
  },
];

const RULE = { conditions: [], actions: [], sensitive: false, priority: 0, phase: 'main' };

async function off(uuid: string): Promise<void> {
  await database.source.query(`update node set power_state = 'power off' where uuid = $1`, [uuid]);
}

describe('every change tells who asked, in its own transaction', () => {
  it('a new node', async () => {
    const node_uuid = await kit.node();
    expect(await rows()).toEqual([expect.objectContaining({ node_uuid, kind: 'node.created', ...WHO })]);
  });

  it.each(CASES)('$name', async ({ act, kinds, fields, loose }) => {
    const node = await kit.node();
    const then = await act(node);
    const before = await last();
    await then();
    const told = await rows(before);
    expect(told.map(({ kind }) => kind)).toEqual(kinds);
    for (const row of told) expect(row).toMatchObject(WHO);
    if (!loose) for (const row of told) expect(row.node_uuid).toBe(node);
    if (fields) expect(told.at(-1)!.detail).toEqual({ fields });
  });

  it('nothing is told of a change that did not come about', async () => {
    const node = await kit.node({}, { name: 'taken' });
    const other = await kit.node();
    const before = await last();
    await expect(kit.conductor.nodes.update(other, () => ({ name: 'taken' }), BY)).rejects.toThrow('exists');
    const { address: taken } = await portOf(node);
    const twice = { uuid: randomUUID(), node_uuid: other, address: taken };
    await expect(kit.conductor.ports.create(twice, BY)).rejects.toThrow('exists');
    expect((await rows(before)).map(({ kind }) => kind)).toEqual(['port.created']);
    const { ports, volumes } = kit.conductor;
    const chassis = kit.conductor.records.of('chassis', kit.parts.chassis);
    const uuid = randomUUID();
    await chassis.create({ uuid }, BY);
    const group = { uuid: randomUUID(), node_uuid: node, name: 'bond' };
    await ports.createGroup(group, BY);
    const settled = await last();
    await expect(chassis.create({ uuid }, BY)).rejects.toThrow('exists');
    await expect(ports.createGroup({ ...group, uuid: randomUUID() }, BY)).rejects.toThrow('exists');
    const nowhere = { uuid: randomUUID(), node_uuid: randomUUID(), type: 'iqn', connector_id: 'i' };
    await expect(volumes.createConnector(nowhere, BY)).rejects.toThrow('could not be found');
    const edit = () => {
      throw new Error('refused');
    };
    await expect(chassis.edit(uuid, edit, BY)).rejects.toThrow('refused');
    await expect(chassis.delete(randomUUID(), BY)).rejects.toThrow('could not be found');
    expect(await rows(settled)).toEqual([]);
  });

  it('an edit names the fields that differ, and no values', async () => {
    const chassis = kit.conductor.records.of('chassis', kit.parts.chassis);
    const rules = kit.conductor.records.of('inspection_rule', kit.parts.rules);
    const { uuid } = await chassis.create({ uuid: randomUUID(), description: 'a', extra: { b: 1 } }, BY);
    await chassis.edit(uuid, () => ({ description: 'secret', extra: { b: 1 } }), BY);
    const rule = await rules.create({ uuid: randomUUID(), ...RULE }, BY);
    await rules.edit(rule.uuid, () => ({ ...RULE, priority: 5 }), BY);
    const told = (await rows()).filter(({ kind }) => kind.endsWith('.changed'));
    expect(told.map(({ detail, resource }) => [resource, detail])).toEqual([
      [uuid, { fields: ['description'] }],
      [rule.uuid, { fields: ['priority'] }],
    ]);
    expect(JSON.stringify(told)).not.toContain('secret');
  });

  it('moves that a heartbeat brings are by the agent, for whoever asked for the work', async () => {
    const uuid = await kit.node();
    await kit.conductor.verbs.provision(uuid, 'manage', {}, BY);
    await kit.settle(uuid, 'manageable');
    await kit.conductor.verbs.provision(
      uuid,
      'clean',
      { clean_steps: [{ interface: 'deploy', step: 'wait' }] },
      BY,
    );
    await kit.settle(uuid, 'clean wait');
    const before = await last();
    const { agent_token } = await kit.conductor.agents.lookUp({
      addresses: [],
      node_uuid: uuid,
      source: '127.0.0.1',
    });
    const beat = { callback_url: 'https://127.0.0.1:9', agent_token: agent_token!, agent_version: '9.1.0' };
    await kit.conductor.agents.heartbeat(uuid, beat, '127.0.0.1');
    await kit.settle(uuid, 'manageable');
    const moves = await rows(before);
    expect(moves.length).toBeGreaterThan(0);
    for (const move of moves) expect(move).toMatchObject({ ...WHO, via: 'agent', kind: 'node.provision' });
  });

  it('an abort is told at once, and what comes of it is by whoever asked for it', async () => {
    const uuid = await kit.node();
    await kit.conductor.verbs.provision(uuid, 'manage', {}, BY);
    await kit.settle(uuid, 'manageable');
    const steps = { clean_steps: [{ interface: 'deploy', step: 'hold' }] };
    await kit.conductor.verbs.provision(uuid, 'clean', steps, BY);
    await kit.settle(uuid, 'clean hold');
    const before = await last();
    const other = { ...BY, user: 'somebody else', request_id: 'req-abort' };
    await kit.conductor.verbs.provision(uuid, 'abort', {}, other);
    await kit.settle(uuid, 'clean failed');
    const told = await rows(before);
    expect(told.map(({ kind, state }) => [kind, state])).toEqual([
      ['node.provision', null],
      ['node.provision', 'clean failed'],
    ]);
    for (const row of told)
      expect(row).toMatchObject({ user_name: 'somebody else', request_id: 'req-abort' });
  });

  it("a node's history is as before, without plain changes; what changed it outlives it", async () => {
    const uuid = await kit.node();
    await kit.conductor.nodes.update(uuid, () => ({ extra: { a: 1 } }), BY);
    const history = await kit.parts.events.history(await kit.parts.nodes.get(uuid), { limit: 10 });
    expect(history.map(({ event }) => event)).toEqual(['Node was created.']);
    await kit.conductor.nodes.delete(uuid, BY);
    await sleep(0);
    expect((await rows()).map(({ kind }) => kind)).toEqual(['node.changed', 'node.deleted']);
  });
});
