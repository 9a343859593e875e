import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CreatePublishedFile1763740000000 } from '../../../migrations/1763740000000-create-published-file.js';
import { BootPlanRepository } from '../../../src/persistence/boot-plan/boot-plan.repository.js';
import { PublishedFileRepository } from '../../../src/persistence/published-file/published-file.repository.js';
import { startTestDatabase, type TestDatabase, testKeyring } from '../../support/database.js';
import { onDisk } from '../../support/published.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());

const TOKEN = 'AbCdEfGhIjKlMnOpQrStUvWxYz01-_23';

it('what an older Ferric published lives on, and its boot plans with it', async () => {
  const { source } = database;
  const runner = source.createQueryRunner();
  const migration = new CreatePublishedFile1763740000000();
  await migration.down(runner);
  const [deploying, failed] = [randomUUID(), randomUUID()];
  for (const uuid of [deploying, failed]) {
    await source.query(
      `insert into node (uuid, driver, provision_state, conductor_affinity) values ($1, 'ipmi', 'deploying', 'here')`,
      [uuid],
    );
    const image = `agent_images/${uuid}/${TOKEN}`;
    await source.query(`insert into boot_plan (node_uuid, kind, boot_mode) values ($1, 'ipxe', 'uefi')`, [
      uuid,
    ]);
    await source.query(
      `insert into boot_plan_file (service, name, node_uuid, path) values ('http', $1, $2, '/srv/image')`,
      [image, uuid],
    );
  }
  const operation = randomUUID();
  await source.query(
    `insert into operation (uuid, node_uuid, kind, state, conductor) values ($1, $2, 'deploy', 'running', 'here')`,
    [operation, deploying],
  );
  // The one node boots by its plan; the other's plan was made for the image alone.
  await source.query(`insert into boot_plan_mac (mac, node_uuid) values ('52:54:00:00:00:01', $1)`, [
    deploying,
  ]);
  await source.query(
    `insert into boot_plan_file (service, name, node_uuid, path) values ('http', $1, $2, '/srv/kernel')`,
    [`${deploying}/deploy_kernel`, deploying],
  );

  await migration.up(runner);
  await runner.release();
  const plans = new BootPlanRepository(source);
  const published = new PublishedFileRepository(source, testKeyring());
  const header = { node_uuid: deploying, kind: 'ipxe', boot_mode: 'uefi' };
  expect(await plans.kindOf('52:54:00:00:00:01')).toEqual(header);
  expect(await plans.byNode(failed)).toBeNull();
  expect(await published.of(deploying, 'boot')).toEqual([
    onDisk('http', `${deploying}/deploy_kernel`, '/srv/kernel'),
  ]);
  const image = `agent_images/${deploying}/${TOKEN}`;
  expect(await published.find('http', image)).toMatchObject({ node_uuid: deploying, path: '/srv/image' });
  // Its deployment is over: not served, and found by the sweep.
  expect(await published.find('http', `agent_images/${failed}/${TOKEN}`)).toBeNull();
  expect((await published.ended('here', 60, 10)).map((entry) => entry.name)).toEqual([
    `agent_images/${failed}/${TOKEN}`,
  ]);
  await source.query(`update operation set finished_at = now()`);
  expect(await published.find('http', image)).toBeNull();
});
