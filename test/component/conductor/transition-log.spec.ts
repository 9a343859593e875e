import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { BY, fakeConductor } from '../../support/conductor.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';
import { collectedLog } from '../../support/log.js';

let database: TestDatabase;
let log: ReturnType<typeof collectedLog>;
let kit: Awaited<ReturnType<typeof fakeConductor>>;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());
beforeEach(async () => {
  await database.clear();
  log = collectedLog();
  kit = await fakeConductor(database, { log });
  await kit.start(null);
});
afterEach(() => kit.stop(null));

type Line = {
  level: string;
  node: string;
  name: string;
  from: string;
  to: string;
  seconds: number;
  error?: string;
  request_id: string;
};
const moves = (): Line[] =>
  log
    .text()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
    .filter(({ to }) => to !== undefined);
const ask = (uuid: string, verb: Parameters<typeof kit.conductor.verbs.provision>[1]) =>
  kit.conductor.verbs.provision(uuid, verb, {}, BY);

it('every move of a node leaves one line, and those that end in failure at the level of errors', async () => {
  const uuid = await kit.node({ fake_fail_power: 'BMC on fire' }, { name: 'one' });
  await ask(uuid, 'manage');
  await kit.settle(uuid, 'enroll');
  const fix = (driver_info: object) =>
    kit.conductor.nodes.update(uuid, () => ({ driver_info: driver_info as never }), BY);
  await fix({ fake_fail_erase_devices_metadata: 'no erasing' });
  await ask(uuid, 'manage');
  await kit.settle(uuid, 'manageable');
  await ask(uuid, 'provide');
  await kit.settle(uuid, 'clean failed');
  await kit.conductor.nodes.update(uuid, () => ({ maintenance: false }), BY);
  await fix({ fake_fail_write_image: 'disk too small' });
  await ask(uuid, 'manage');
  await ask(uuid, 'provide');
  await kit.settle(uuid, 'available');
  const instance_info = { image_source: 'http://images/disk.raw', image_checksum: 'a'.repeat(64) };
  await kit.conductor.nodes.update(uuid, () => ({ instance_info }), BY);
  await ask(uuid, 'active');
  await kit.settle(uuid, 'deploy failed');
  await fix({});
  await ask(uuid, 'deleted');
  await kit.settle(uuid, 'available');
  // As many lines as events, of the same moves.
  const events = (await kit.parts.events.ofNode(uuid, 1_000))
    .toReversed()
    .filter(({ from_state: from }) => from);
  expect(moves().map(({ from, to }) => [from, to])).toEqual(
    events.map(({ from_state, state }) => [from_state, state]),
  );
  for (const line of moves()) {
    expect(line).toMatchObject({
      node: uuid,
      name: 'one',
      seconds: expect.any(Number),
      request_id: 'req-test',
    });
  }
  const failures = moves().filter(({ level }) => level === 'error');
  expect(failures.map(({ from, to }) => `${from} > ${to}`)).toEqual([
    'verifying > enroll',
    'cleaning > clean failed',
    'deploying > deploy failed',
  ]);
  expect(failures.map(({ error }) => error)).toEqual([
    expect.stringContaining('BMC on fire'),
    expect.stringContaining('no erasing'),
    expect.stringContaining('disk too small'),
  ]);
});

it('so does work that a restored backup left', async () => {
  const uuid = await kit.node({}, { name: 'stranded' });
  await kit.parts.nodes.update(
    uuid,
    { provision_state: 'deploying', conductor_affinity: 'conductor-1' } as never,
    null,
  );
  await kit.stop(null);
  kit = await fakeConductor(database, { log });
  await kit.start(null);
  expect(moves()).toMatchObject([
    { level: 'error', name: 'stranded', to: 'deploy failed', error: expect.stringContaining('no record') },
  ]);
});
