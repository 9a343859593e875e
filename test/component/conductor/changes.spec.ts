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
    name: 'an edit and the deletion of a port group',
    act: async (node_uuid) => {
      const { uuid } = await kit.parts.portgroups.create({ uuid: randomUUID(), node_uuid });
      return async () => {
        await kit.conductor.ports.updateGroup(uuid, () => ({ name: 'bond' }), BY);
        await kit.conductor.ports.deleteGroup(uuid, BY);
      };
    },
    kinds: ['portgroup.changed', 'portgroup.deleted'],
  },
  {
    name: 'an edit and the deletion of a volume connector',
    act: async (node_uuid) => {
      await off(node_uuid);
      const row = { uuid: randomUUID(), node_uuid, type: 'iqn', connector_id: 'iqn.2017-07.org:01' };
      const { uuid } = await kit.parts.connectors.create(row);
      return async () => {
        await kit.conductor.volumes.updateConnector(uuid, () => ({ extra: { a: 1 } }), BY);
        await kit.conductor.volumes.deleteConnector(uuid, BY);
      };
    },
    kinds: ['volume_connector.changed', 'volume_connector.deleted'],
  },
  {
    name: 'an edit and the deletion of a volume target',
    act: async (node_uuid) => {
      await off(node_uuid);
      const row = { uuid: randomUUID(), node_uuid, volume_type: 'iscsi', volume_id: 'v', boot_index: 0 };
      const { uuid } = await kit.parts.targets.create(row);
      return async () => {
        await kit.conductor.volumes.updateTarget(uuid, () => ({ extra: { a: 1 } }), BY);
        await kit.conductor.volumes.deleteTarget(uuid, BY);
      };
    },
    kinds: ['volume_target.changed', 'volume_target.deleted'],
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
