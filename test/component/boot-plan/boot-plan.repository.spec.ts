import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type BootPlan,
  BootPlanRepository,
} from '../../../src/persistence/boot-plan/boot-plan.repository.js';
import { NodeRepository } from '../../../src/persistence/node/node.repository.js';
import { startTestDatabase, type TestDatabase, testKeyring } from '../../support/database.js';

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
  files: [
    { service: 'http', name: 'pxelinux.cfg/52-54-00-00-00-01', path: '/srv/a/config' },
    { service: 'http', name: `${node_uuid}/deploy_kernel`, path: '/srv/a/kernel' },
    { service: 'tftp', name: `${node_uuid}/deploy_kernel`, path: '/srv/a/kernel' },
  ],
  ...change,
});

describe('a boot plan', () => {
  it('is found by node, MAC in any case, and exact file name', async () => {
    const uuid = await aNode();
    await plans.put(plan(uuid));
    expect(await plans.byNode(uuid)).toEqual(plan(uuid, { files: [...plan(uuid).files].sort(byName) }));
    expect((await plans.byMac('52:54:00:00:00:02'.toUpperCase()))?.node_uuid).toBe(uuid);
    expect(await plans.kindOf('52:54:00:00:00:02')).toEqual({
      node_uuid: uuid,
      kind: 'ipxe',
      boot_mode: 'bios',
    });
    expect(await plans.file('tftp', `${uuid}/deploy_kernel`)).toEqual({
      service: 'tftp',
      name: `${uuid}/deploy_kernel`,
      path: '/srv/a/kernel',
      node_uuid: uuid,
    });
  });

  it('publishes nothing but those names', async () => {
    const uuid = await aNode();
    await plans.put(plan(uuid));
    for (const name of [
      '',
      '/',
      `/${uuid}/deploy_kernel`,
      `${uuid}/DEPLOY_KERNEL`,
      `${uuid}/%`,
      '%',
      `${uuid}/`,
    ]) {
      expect(await plans.file('http', name)).toBeNull();
    }
    expect(await plans.file('tftp', 'pxelinux.cfg/52-54-00-00-00-01')).toBeNull();
    expect(await plans.byMac('52:54:00:00:00:03')).toBeNull();
    expect(await plans.byNode(randomUUID())).toBeNull();
  });

  it('replaces the one before, whole', async () => {
    const uuid = await aNode();
    await plans.put(plan(uuid));
    const next = plan(uuid, { kind: 'pxe', boot_mode: 'uefi', macs: ['52:54:00:00:00:09'], files: [] });
    await plans.put(next);
    expect(await plans.byNode(uuid)).toEqual(next);
    expect(await plans.byMac('52:54:00:00:00:01')).toBeNull();
    expect(await plans.file('http', 'pxelinux.cfg/52-54-00-00-00-01')).toBeNull();
  });

  it('takes over the MAC and names that a stale plan of another node holds', async () => {
    const [old, fresh] = [await aNode(), await aNode()];
    await plans.put(plan(old));
    await plans.put(plan(fresh));
    expect((await plans.byMac('52:54:00:00:00:01'))?.node_uuid).toBe(fresh);
    expect((await plans.file('http', 'pxelinux.cfg/52-54-00-00-00-01'))?.node_uuid).toBe(fresh);
    expect((await plans.byNode(old))?.macs).toEqual([]);
  });

  it('goes on remove, and with its node', async () => {
    const [a, b] = [await aNode(), await aNode()];
    await plans.put(plan(a));
    await plans.put(plan(b, { macs: [], files: [{ service: 'http', name: 'b', path: '/b' }] }));
    await plans.remove(a);
    await database.source.query(`delete from node where uuid = $1`, [b]);
    expect(await plans.byNode(a)).toBeNull();
    expect(await plans.byMac('52:54:00:00:00:01')).toBeNull();
    expect(await plans.file('http', 'b')).toBeNull();
    await plans.remove(randomUUID());
  });

  it('survives being put by many at once', async () => {
    const uuids = await Promise.all([aNode(), aNode(), aNode()]);
    await Promise.all(Array.from({ length: 30 }, (_, i) => plans.put(plan(uuids[i % 3]!))));
    const holder = (await plans.byMac('52:54:00:00:00:01'))?.node_uuid;
    expect((await plans.file('http', 'pxelinux.cfg/52-54-00-00-00-01'))?.node_uuid).toBe(holder);
  });

  it.each(['', '/a', 'a/../b', 'a//b', '.', 'a b', 'a\\b', 'a\nb', 'a\0b', 'a/'])(
    'refuses the name %j',
    async (name) => {
      const files = [{ service: 'http' as const, name, path: '/x' }];
      await expect(plans.put(plan(await aNode(), { files }))).rejects.toMatchObject({ code: 'invalid' });
    },
  );

  it('refuses a relative path and a name given twice', async () => {
    const uuid = await aNode();
    const row = { service: 'http' as const, name: 'x', path: 'x' };
    await expect(plans.put(plan(uuid, { files: [row] }))).rejects.toMatchObject({ code: 'invalid' });
    const good = { ...row, path: '/x' };
    await expect(plans.put(plan(uuid, { files: [good, good] }))).rejects.toMatchObject({ code: 'invalid' });
  });
});

function byName(a: BootPlan['files'][number], b: BootPlan['files'][number]): number {
  return a.service.localeCompare(b.service) || (a.name < b.name ? -1 : 1);
}
