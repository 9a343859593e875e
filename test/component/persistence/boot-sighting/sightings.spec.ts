import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CONDUCTOR } from '../../../../src/domain/actor.js';
import { BootSightingRepository } from '../../../../src/persistence/boot-sighting/boot-sighting.repository.js';
import { Sightings } from '../../../../src/persistence/boot-sighting/sightings.js';
import { NodeRepository } from '../../../../src/persistence/node/node.repository.js';
import { AttemptRepository } from '../../../../src/persistence/operation/attempt.repository.js';
import { OperationRepository } from '../../../../src/persistence/operation/operation.repository.js';
import { silentLog, startTestDatabase, type TestDatabase, testKeyring } from '../../../support/database.js';

let database: TestDatabase;
let operations: OperationRepository;
let attempts: AttemptRepository;
let sightings: Sightings;
beforeAll(async () => {
  database = await startTestDatabase();
  operations = new OperationRepository(database.source, testKeyring());
  attempts = new AttemptRepository(database.source);
  sightings = new Sightings(new BootSightingRepository(database.source), silentLog, 3_600_000);
});
afterAll(async () => {
  await sightings?.stop();
  await database?.stop();
});

async function nodeWith(kind: 'deploy' | 'power' | null): Promise<{ node_uuid: string; operation: string }> {
  const nodes = new NodeRepository(database.source, testKeyring());
  const { uuid } = await nodes.create({
    uuid: randomUUID(),
    driver: 'fake-hardware',
    provision_state: 'enroll',
  });
  const given = { node_uuid: uuid, steps: [], actor: CONDUCTOR, conductor: 'here' };
  const made = kind && (await operations.create({ ...given, kind }, database.source.manager));
  return { node_uuid: uuid, operation: made?.uuid ?? '' };
}

const seen = async ({ node_uuid, operation }: { node_uuid: string; operation: string }) =>
  (await attempts.find(node_uuid, operation)).sightings;
const file = (node_uuid: string, bytes: number) =>
  sightings.note({ node_uuid, kind: 'http', name: 'x/deploy_kernel', source: '192.0.2.7', bytes });

it('many sightings of one kind and name are one row, with their number, bytes and times', async () => {
  const at = await nodeWith('deploy');
  for (let n = 0; n < 100; n++) file(at.node_uuid, 512);
  await sightings.flush();
  const [first] = await seen(at);
  file(at.node_uuid, 8);
  await sightings.flush();
  const [row, ...more] = await seen(at);
  expect(more).toEqual([]);
  expect(row).toMatchObject({
    kind: 'http',
    name: 'x/deploy_kernel',
    source: '192.0.2.7',
    count: 101,
    bytes: 51_208,
  });
  expect(row!.first_at).toEqual(first!.first_at);
  expect(row!.last_at.getTime()).toBeGreaterThan(first!.last_at.getTime());
});

it('nothing is recorded for a node without a workflow, or with a power change alone', async () => {
  for (const kind of ['power', null] as const) file((await nodeWith(kind)).node_uuid, 1);
  const count = async () =>
    Number((await database.source.query(`select count(*) from boot_sighting`))[0].count);
  const before = await count();
  await sightings.flush();
  expect(await count()).toBe(before);
});

it('they belong to the attempt under way, and end with it', async () => {
  const at = await nodeWith('deploy');
  file(at.node_uuid, 1);
  await sightings.flush();
  await database.source.query(`update operation set finished_at = now() where uuid = $1`, [at.operation]);
  const given = {
    kind: 'clean',
    node_uuid: at.node_uuid,
    steps: [],
    actor: CONDUCTOR,
    conductor: 'here',
  } as const;
  const later = await operations.create(given, database.source.manager);
  file(at.node_uuid, 2);
  await sightings.flush();
  expect((await seen(at)).map(({ bytes }) => bytes)).toEqual([1]);
  expect((await seen({ ...at, operation: later.uuid })).map(({ bytes }) => bytes)).toEqual([2]);
  await database.source.query(`delete from operation where node_uuid = $1`, [at.node_uuid]);
  const left = await database.source.query(`select from boot_sighting where operation_id = $1`, [later.id]);
  expect(left).toEqual([]);
});

it('a database that is away is waited for, and a name of any length is kept in part', async () => {
  const at = await nodeWith('deploy');
  await database.halt();
  sightings.note({ ...at, kind: 'tftp', name: 'n'.repeat(5_000), source: '::1', bytes: 1 });
  await sightings.flush();
  await database.resume();
  await expect
    .poll(async () => {
      await sightings.flush();
      return (await seen(at).catch(() => [])).map(({ name }) => name.length);
    })
    .toEqual([255]);
});
