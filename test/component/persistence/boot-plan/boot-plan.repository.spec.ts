import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type BootPlan,
  BootPlanRepository,
} from '../../../../src/persistence/boot-plan/boot-plan.repository.js';
import { NodeRepository } from '../../../../src/persistence/node/node.repository.js';
import { startTestDatabase, type TestDatabase, testKeyring } from '../../../support/database.js';

let database: TestDatabase;
let plans: BootPlanRepository;
beforeAll(async () => {
  database = await startTestDatabase();
  plans = new BootPlanRepository(database.source);
});
afterAll(() => database.stop());
beforeEach(() => database.clear());

async function aNode(): Promise<string> {
  const nodes = new NodeRepository(database.source, testKeyring());
  const node = await nodes.create({ uuid: randomUUID(), driver: 'ipmi', provision_state: 'enroll' });
  return node.uuid;
}
const plan = (node_uuid: string, change: Partial<BootPlan> = {}): BootPlan => ({
  node_uuid,
  macs: ['52:54:00:00:00:01', '52:54:00:00:00:02'],
  kind: 'ipxe',
  boot_mode: 'bios',
  ...change,
});
const holder = async (mac: string) => (await plans.kindOf(mac))?.node_uuid;

describe('a boot plan', () => {
  it('is found by node and by MAC, whichever case it was given in', async () => {
    const uuid = await aNode();
    await plans.put(plan(uuid, { macs: ['52:54:00:00:00:0A', '52:54:00:00:00:02'] }));
    expect(await plans.byNode(uuid)).toEqual(
      plan(uuid, { macs: ['52:54:00:00:00:02', '52:54:00:00:00:0a'] }),
    );
    const header = { node_uuid: uuid, kind: 'ipxe', boot_mode: 'bios' };
    expect(await plans.kindOf('52:54:00:00:00:0a')).toEqual(header);
    expect(await plans.kindOf('52:54:00:00:00:03')).toBeNull();
    expect(await plans.byNode(randomUUID())).toBeNull();
  });

  it('replaces the one before, whole', async () => {
    const uuid = await aNode();
    await plans.put(plan(uuid));
    const next = plan(uuid, { kind: 'pxe', boot_mode: 'uefi', macs: ['52:54:00:00:00:09'] });
    await plans.put(next);
    expect(await plans.byNode(uuid)).toEqual(next);
    expect(await plans.kindOf('52:54:00:00:00:01')).toBeNull();
  });

  it('takes over the MAC that a stale plan of another node holds', async () => {
    const [old, fresh] = [await aNode(), await aNode()];
    await plans.put(plan(old));
    await plans.put(plan(fresh));
    expect(await holder('52:54:00:00:00:01')).toBe(fresh);
    expect((await plans.byNode(old))?.macs).toEqual([]);
  });

  it('goes on remove, and with its node', async () => {
    const [a, b] = [await aNode(), await aNode()];
    await plans.put(plan(a));
    await plans.put(plan(b, { macs: ['52:54:00:00:00:0b'] }));
    await plans.remove(a);
    await database.source.query(`delete from node where uuid = $1`, [b]);
    expect(await plans.byNode(a)).toBeNull();
    expect(await holder('52:54:00:00:00:01')).toBeUndefined();
    expect(await holder('52:54:00:00:00:0b')).toBeUndefined();
    await plans.remove(randomUUID());
  });

  it('survives being put by many at once', async () => {
    const uuids = await Promise.all([aNode(), aNode(), aNode()]);
    await Promise.all(Array.from({ length: 30 }, (_, i) => plans.put(plan(uuids[i % 3]!))));
    expect(await holder('52:54:00:00:00:01')).toBe(await holder('52:54:00:00:00:02'));
  });
});
