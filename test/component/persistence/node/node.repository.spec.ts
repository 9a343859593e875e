import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { NodeRepository } from '../../../../src/persistence/node/node.repository.js';
import { startTestDatabase, type TestDatabase, testKeyring } from '../../../support/database.js';

let database: TestDatabase;
let nodes: NodeRepository;
beforeAll(async () => {
  database = await startTestDatabase();
  nodes = new NodeRepository(database.source, testKeyring());
});
afterAll(() => database.stop());
beforeEach(() => database.clear());

const create = (extra: object = {}) =>
  nodes.create({ uuid: randomUUID(), driver: 'ipmi', provision_state: 'enroll', ...extra });
const taken = async (uuid: string, holder = 'a', seconds = 60) => {
  const held = await nodes.reservations.reserve(uuid, holder, seconds);
  if (!held || !('fence' in held)) throw new Error('not reserved');
  return held.fence;
};

describe('secrets', () => {
  const driver_info = { ipmi_address: 'bmc', ipmi_password: 'canary-1', deep: [{ auth_token: 'canary-2' }] };

  it('are masked in the row, sealed at rest, and open for drivers', async () => {
    const { uuid } = await create({
      driver_info,
      instance_info: { configdrive: 'canary-3', image_url: 'canary-4' },
    });
    const node = await nodes.get(uuid);
    expect(node.driver_info).toEqual({
      ipmi_address: 'bmc',
      ipmi_password: '******',
      deep: [{ auth_token: '******' }],
    });
    expect(nodes.withSecrets(node).driver_info).toEqual(driver_info);
    expect(nodes.withSecrets(node).instance_info).toEqual({ configdrive: 'canary-3', image_url: 'canary-4' });
    const dump = await database.source.query(
      `select node::text as row, encode(driver_info_sealed, 'escape') from node`,
    );
    expect(JSON.stringify(dump)).not.toContain('canary');
  });

  it('can be a literal ****** that a client sent back', async () => {
    const { uuid } = await create({ driver_info: { ipmi_password: '******' } });
    expect(nodes.withSecrets(await nodes.get(uuid)).driver_info).toEqual({ ipmi_password: '******' });
  });

  it('go when the column is written without them', async () => {
    const { uuid } = await create({ driver_info });
    const node = await nodes.update(uuid, { driver_info: { ipmi_address: 'other' } }, null);
    expect(node.driver_info_sealed).toBeNull();
    expect(nodes.withSecrets(node).driver_info).toEqual({ ipmi_address: 'other' });
  });
});

describe('the reservation', () => {
  it('goes to one of many', async () => {
    const { uuid } = await create();
    const tries = await Promise.all(
      Array.from({ length: 20 }, (_, i) => nodes.reservations.reserve(uuid, `host-${i}`, 60)),
    );
    const won = tries.filter((held) => held && 'fence' in held);
    expect(won).toHaveLength(1);
    const holder = (await nodes.get(uuid)).reservation;
    for (const lost of tries.filter((held) => !won.includes(held))) expect(lost).toEqual({ holder });
  });

  it('fences: an expired holder cannot write, renew or release once another has it', async () => {
    const { uuid } = await create();
    const old = await taken(uuid, 'a', 0);
    const now = await taken(uuid, 'b');
    await expect(nodes.update(uuid, { last_error: 'from a' }, old)).rejects.toMatchObject({
      code: 'reservation-lost',
    });
    expect(await nodes.reservations.renew(new Map([[uuid, old]]), 60)).toEqual(new Set());
    await nodes.reservations.release(uuid, old);
    expect((await nodes.update(uuid, { last_error: 'from b' }, now)).reservation).toBe('b');
  });

  it('fences the same host after its restart', async () => {
    const { uuid } = await create();
    const old = await taken(uuid);
    expect(await nodes.reservations.releaseAllOf('a')).toEqual([uuid]);
    await taken(uuid);
    await expect(nodes.update(uuid, { last_error: 'x' }, old)).rejects.toMatchObject({
      code: 'reservation-lost',
    });
  });

  it('writes nothing once it has expired, even when nobody else came', async () => {
    const { uuid } = await create();
    const fence = await taken(uuid, 'a', 0);
    await expect(nodes.update(uuid, { last_error: 'late' }, fence)).rejects.toMatchObject({
      code: 'reservation-lost',
    });
  });

  it('lets its holder look again without a change', async () => {
    const { uuid } = await create();
    const fence = await taken(uuid);
    const seen = await nodes.get(uuid);
    await nodes.update(uuid, { power_state: 'power on' }, null);
    expect((await nodes.updateUnchanged(seen, [], {}, fence))?.power_state).toBe('power on');
    await database.source.query(
      `update node set reservation_expires_at = now() - interval '1 second' where uuid = $1`,
      [uuid],
    );
    expect(await nodes.updateUnchanged(seen, [], {}, fence)).toBeNull();
  });

  it('is renewed in bulk', async () => {
    const held = new Map();
    for (let i = 0; i < 5; i++) {
      const { uuid } = await create();
      held.set(uuid, await taken(uuid));
    }
    expect((await nodes.reservations.renew(held, 60)).size).toBe(5);
  });
});

describe('listing', () => {
  it('pages through any order without losing or repeating a node', async () => {
    for (let i = 0; i < 9; i++) await create({ resource_class: i % 3 === 0 ? null : `class-${i % 3}` });
    for (const sort_key of ['id', 'uuid', 'resource_class', 'created_at']) {
      for (const sort_dir of ['asc', 'desc'] as const) {
        const seen: string[] = [];
        for (let marker: string | undefined; ; ) {
          const page = await nodes.list({}, { limit: 2, sort_key, sort_dir, ...(marker ? { marker } : {}) }, [
            'uuid',
            'resource_class',
          ]);
          seen.push(...page.map((node) => node.uuid));
          marker = page.at(-1)?.uuid;
          if (page.length < 2) break;
        }
        const whole = await nodes.list({}, { limit: 100, sort_key, sort_dir });
        expect(seen, `${sort_key} ${sort_dir}`).toEqual(whole.map((node) => node.uuid));
      }
    }
  });

  it('takes user text as a value', async () => {
    await create({ description: `it's 100% "odd" \\ text` });
    expect(await nodes.list({ description_contains: `IT'S 100% "` }, { limit: 10 })).toHaveLength(1);
    expect(await nodes.list({ description_contains: '%' }, { limit: 10 })).toHaveLength(1);
    expect(await nodes.list({ description_contains: "' or true --" }, { limit: 10 })).toHaveLength(0);
  });
});

it('says which field of a duplicate is taken', async () => {
  const instance_uuid = randomUUID();
  await create({ name: 'one', instance_uuid });
  await expect(create({ name: 'one' })).rejects.toThrow('A node with name one already exists.');
  await expect(create({ instance_uuid })).rejects.toMatchObject({ code: 'conflict' });
});

it('says which node can not have an instance that another has', async () => {
  const instance_uuid = randomUUID();
  await create({ instance_uuid });
  const other = await create();
  await expect(nodes.update(other.uuid, { instance_uuid }, null)).rejects.toThrow(
    `Instance ${instance_uuid} is already associated with a node, it cannot be associated with this other node ${other.uuid}`,
  );
});
