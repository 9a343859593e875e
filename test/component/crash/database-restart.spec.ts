import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
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
  kit = await fakeConductor(database, { settings: { deploy_callback_timeout: 120 } });
  await kit.start(null);
});
afterEach(() => kit.stop(null));

const image = { image_source: 'http://images/disk.raw', image_checksum: 'a'.repeat(64) };
const deploying = async (driver_info = {}) => {
  const uuid = await kit.node(driver_info, { provision_state: 'available', instance_info: image });
  await kit.conductor.verbs.provision(uuid, 'active', {}, BY);
  return uuid;
};

describe('PostgreSQL that goes away in the middle of deployments', () => {
  it.each([0, 40, 150, 400])('after %i ms: what was accepted is carried out', async (delay) => {
    const uuids = await Promise.all(
      Array.from({ length: 8 }, () => deploying({ fake_delay_write_image: 0.3 })),
    );
    await sleep(delay);
    await database.halt();
    await expect(kit.conductor.verbs.provision(uuids[0]!, 'deleted', {}, BY)).rejects.toThrow();
    await sleep(300);
    await database.resume();
    for (const uuid of uuids) {
      const node = await kit.settle(uuid, 'active', 'deploy failed');
      expect(node).toMatchObject({ provision_state: 'active', last_error: null });
    }
  });
});
