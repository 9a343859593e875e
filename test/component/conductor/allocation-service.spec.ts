import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Allocation } from '../../../src/persistence/allocation/allocation.entity.js';
import type { NewAllocation } from '../../../src/persistence/allocation/allocation.repository.js';
import type { Node } from '../../../src/persistence/node/node.entity.js';
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

const free = async (extra: Partial<Node> = {}) => {
  const uuid = await kit.node({}, { resource_class: 'metal', ...extra });
  await database.source.query(
    `update node set provision_state = 'available', power_state = 'power off' where uuid = $1`,
    [uuid],
  );
  return uuid;
};
const wish = (wanted: Partial<NewAllocation> = {}, node: string | null = null) =>
  kit.conductor.allocations.create({ uuid: randomUUID(), resource_class: 'metal', ...wanted }, node, BY);
const decided = async ({ uuid }: Pick<Allocation, 'uuid'>, conductor = kit): Promise<Allocation> => {
  for (const end = performance.now() + 20_000; performance.now() < end; await sleep(10)) {
    const row = await conductor.parts.allocations.get(uuid);
    if (row.state !== 'allocating') return row;
  }
  throw new Error('the allocation stays undecided');
};
const nodeOf = (uuid: string) => kit.parts.nodes.get(uuid);

describe('an allocation', () => {
  it('gets a free node, which then carries it', async () => {
    const node = await free();
    await database.source.query(`update node set instance_info = '{"kept": 1}'`);
    const created = await wish({ name: 'a1', extra: { a: 1 } });
    expect(created).toMatchObject({ state: 'allocating', node_uuid: null, last_error: null });
    const { uuid } = created;
    expect(await decided(created)).toMatchObject({ state: 'active', node_uuid: node, name: 'a1' });
    expect(await nodeOf(node)).toMatchObject({
      allocation_uuid: uuid,
      instance_uuid: uuid,
      instance_info: { kept: 1, traits: [] },
      reservation: null,
    });
  });

  it('takes no node that is not free, not its project’s or not a candidate', async () => {
    const candidate = await free();
    await free({ maintenance: true });
    await free({ instance_uuid: randomUUID() });
    await free({ resource_class: 'other' });
    await free({ parent_node: candidate });
    const unread = await free();
    await database.source.query('update node set power_state = null where uuid = $1', [unread]);
    const enrolled = await kit.node({}, { resource_class: 'metal' });
    const leased = await free({ lessee: 'tenant' });
    const failed = await decided(await wish({ candidate_nodes: [enrolled] }));
    expect(failed).toMatchObject({
      state: 'error',
      node_uuid: null,
      last_error: `Failed to process allocation ${failed.uuid}: none of the requested nodes are available and match the resource class metal.`,
    });
    expect((await decided(await wish({ owner: 'tenant' }))).node_uuid).toBe(leased);
    expect((await decided(await wish({ candidate_nodes: [enrolled, candidate] }))).node_uuid).toBe(candidate);
    const none = await decided(await wish());
    expect(none.last_error).toBe(
      `Failed to process allocation ${none.uuid}: no available nodes match the resource class metal.`,
    );
  });

  it('gets a node that has all its traits, and tells the node which', async () => {
    await free({ traits: ['CUSTOM_A'] });
    const node = await free({ traits: ['CUSTOM_A', 'CUSTOM_B', 'CUSTOM_C'] });
    const traits = ['CUSTOM_C', 'CUSTOM_A'];
    expect((await decided(await wish({ traits }))).node_uuid).toBe(node);
    expect((await nodeOf(node)).instance_info).toEqual({ traits });
    const none = await decided(await wish({ traits }));
    expect(none.last_error).toBe(
      `Failed to process allocation ${none.uuid}: no suitable nodes have the requested traits CUSTOM_C, CUSTOM_A.`,
    );
  });

  it('gets the node of its own name before others', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) await free({ name });
    const { node_uuid } = await decided(await wish({ name: 'd' }));
    expect((await nodeOf(node_uuid!)).name).toBe('d');
  });

  it('waits for a node that somebody holds, as long as configured', async () => {
    const node = await free();
    const taken = await kit.parts.nodes.reservations.reserve(node, 'somebody', 60);
    const first = await wish();
    await sleep(150);
    await kit.parts.nodes.reservations.release(
      node,
      (taken as { fence: { holder: string; epoch: string } }).fence,
    );
    expect((await decided(first)).node_uuid).toBe(node);
    await database.source.query(`update node set allocation_uuid = null, instance_uuid = null`);
    await database.source.query(`delete from allocation`);
    await kit.parts.nodes.reservations.reserve(node, 'somebody', 60);
    expect((await decided(await wish())).last_error).toContain('could not reserve any of 1 suitable nodes');
  });

  it('says so when its uuid is an instance already', async () => {
    await free();
    const uuid = randomUUID();
    await free({ instance_uuid: uuid });
    const { state, last_error } = await decided(await wish({ uuid }));
    expect([state, last_error]).toEqual([
      'error',
      expect.stringContaining('Unexpected exception during allocation: Instance'),
    ]);
  });

  it('never shares a node: fifty at once over forty nodes', async () => {
    const nodes = await Promise.all(Array.from({ length: 40 }, () => free()));
    const all = await Promise.all(Array.from({ length: 50 }, () => wish()));
    const ends = await Promise.all(all.map((one) => decided(one)));
    const given = ends.filter((one) => one.state === 'active').map((one) => one.node_uuid);
    expect(new Set(given)).toEqual(new Set(nodes));
    expect(given.length).toBe(40);
    expect(ends.filter((one) => one.state === 'error').length).toBe(10);
    const rows = await Promise.all(nodes.map(nodeOf));
    for (const row of rows) {
      expect(ends.find((one) => one.uuid === row.instance_uuid)?.node_uuid).toBe(row.uuid);
    }
  }, 30_000);
});

describe('after a restart', () => {
  it('an undecided allocation is taken up, of a dead host too', async () => {
    await kit.stop(null);
    const rows = [randomUUID(), randomUUID(), randomUUID()];
    const hosts = ['conductor-1', 'dead', 'alive'];
    await kit.parts.conductors.register({
      hostname: 'alive',
      conductor_group: '',
      drivers: [],
      instance: randomUUID(),
    });
    for (const [at, uuid] of rows.entries()) {
      await kit.parts.allocations.create({
        uuid,
        resource_class: 'metal',
        state: 'allocating',
        conductor: hosts[at]!,
      });
    }
    const nodes = [await free(), await free(), await free()];
    kit = await fakeConductor(database);
    await kit.start(null);
    const ends = await Promise.all(rows.slice(0, 2).map((uuid) => decided({ uuid })));
    expect(ends.map((one) => one.state)).toEqual(['active', 'active']);
    expect(ends[1]!.conductor).toBe('conductor-1');
    expect(new Set(ends.map((one) => one.node_uuid)).size).toBe(2);
    expect(nodes).toEqual(expect.arrayContaining(ends.map((one) => one.node_uuid)));
    expect((await kit.parts.allocations.get(rows[2]!)).state).toBe('allocating');
  });
});

describe('its end', () => {
  it('frees the node, but for one that is in use', async () => {
    const node = await free();
    const { uuid } = await decided(await wish());
    await database.source.query(`update node set provision_state = 'active'`);
    await expect(kit.conductor.allocations.delete(uuid, BY)).rejects.toThrow(
      `Cannot remove allocation ${uuid} for node ${node}, because the node is active (and maintenance mode is off)`,
    );
    await database.source.query(
      `update node set provision_state = 'deploying', target_provision_state = 'active'`,
    );
    await expect(kit.conductor.allocations.delete(uuid, BY)).rejects.toThrow('updates are not allowed');
    await kit.conductor.nodes.setMaintenance(node, true, null, BY);
    await kit.conductor.allocations.delete(uuid, BY);
    expect(await nodeOf(node)).toMatchObject({ allocation_uuid: null, instance_uuid: null });
    await expect(kit.conductor.allocations.delete(uuid, BY)).rejects.toThrow(
      `Allocation ${uuid} could not be found.`,
    );
  });

  it('comes with the tear-down, and with the instance that is taken away', async () => {
    const node = await free();
    const first = await decided(await wish());
    await database.source.query(`update node set provision_state = 'active'`);
    await kit.conductor.verbs.provision(node, 'deleted', {}, BY);
    await kit.settle(node, 'available');
    expect(await kit.parts.allocations.find(first.uuid)).toBeNull();
    expect(await nodeOf(node)).toMatchObject({ allocation_uuid: null, instance_uuid: null });
    const second = await decided(await wish());
    expect(second.node_uuid).toBe(node);
    await kit.conductor.nodes.update(node, () => ({ instance_uuid: null }), BY);
    expect(await kit.parts.allocations.find(second.uuid)).toBeNull();
    expect((await nodeOf(node)).allocation_uuid).toBeNull();
  });

  it('comes while it is undecided, and with its node', async () => {
    const node = await free();
    const { uuid } = await decided(await wish());
    await database.source.query('delete from node where uuid = $1', [node]);
    expect(await kit.parts.allocations.find(uuid)).toBeNull();
    const failed = await decided(await wish());
    await kit.conductor.allocations.delete(failed.uuid, BY);
    expect(await kit.parts.allocations.find(failed.uuid)).toBeNull();
  });
});

describe('a backfill', () => {
  it('writes the allocation behind a node in use', async () => {
    const uuid = randomUUID();
    const node = await free({ instance_uuid: uuid });
    await database.source.query(`update node set provision_state = 'active'`);
    expect(await wish({ uuid }, node)).toMatchObject({ state: 'active', node_uuid: node });
    expect(await nodeOf(node)).toMatchObject({ allocation_uuid: uuid, instance_uuid: uuid });
  });

  it('leaves an allocation in error where the node does not fit', async () => {
    const node = await free({ instance_uuid: randomUUID() });
    const uuid = randomUUID();
    const text = `Failed to process allocation ${uuid}: Cannot backfill an allocation for node ${node}: `;
    await expect(wish({ uuid, resource_class: 'other', candidate_nodes: [uuid] }, node)).rejects.toThrow(
      `${text}Node must be in the "active" state, but the current state is "available"; ` +
        'Resource class metal does not match the requested resource class other; ' +
        `Candidate nodes must be empty or contain the target node, but got ['${uuid}'].`,
    );
    const { state, last_error } = await kit.parts.allocations.get(uuid);
    expect([state, last_error?.startsWith(text)]).toEqual(['error', true]);
    await database.source.query(`update node set provision_state = 'active'`);
    await expect(wish({}, node)).rejects.toThrow(`Node ${node} is associated with instance`);
    expect((await nodeOf(node)).allocation_uuid).toBeNull();
  });
});
