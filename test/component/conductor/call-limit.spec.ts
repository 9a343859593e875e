import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { DriverCallTimeoutError } from '../../../src/domain/errors.js';
import { BY, fakeConductor } from '../../support/conductor.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';

/** A machine that does not answer within an hour; a call may take half a second. */
const HANGS = { fake_delay_power: 3_600, fake_delay_management: 3_600, fake_delay_console: 3_600 };
const TOLD = /No end after 0\.5 s: the call of the driver was given up/;

let database: TestDatabase;
let kit: Awaited<ReturnType<typeof fakeConductor>>;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());
beforeEach(async () => {
  await database.clear();
  kit = await fakeConductor(database, { settings: { driver_call_timeout: 0.5 } });
  await kit.start(null);
});
afterEach(() => kit.stop(null));

const image = { image_source: 'http://images/disk.raw', image_checksum: 'a'.repeat(64) };
/** A node in this state, whose machine hangs from now on. */
const hanging = (provision_state: string, extra = {}) =>
  kit.node(HANGS, { provision_state, instance_info: image, ...extra });

it.each([
  ['enroll', 'manage', 'enroll'],
  ['available', 'active', 'deploy failed'],
  ['active', 'deleted', 'error'],
  ['manageable', 'provide', 'clean failed'],
  ['manageable', 'inspect', 'inspect failed'],
] as const)('a machine that hangs in %s after %s fails its work: %s', async (from, verb, to) => {
  const uuid = await hanging(from, verb === 'inspect' ? { inspect_interface: 'agent' } : {});
  await kit.conductor.verbs.provision(uuid, verb, {}, BY);
  const node = await kit.settle(uuid, to);
  expect(node.last_error).toMatch(TOLD);
});

it('a power action that hangs ends, after its own time and that of a call', async () => {
  const uuid = await hanging('active', { power_state: 'power off' });
  await kit.conductor.verbs.setPower(uuid, 'power on', 1, BY);
  await expect
    .poll(() => kit.parts.nodes.get(uuid), { timeout: 10_000 })
    .toMatchObject({
      target_power_state: null,
      reservation: null,
      last_error: expect.stringMatching(/after 1\.5 s/),
    });
});

it('an action that hangs ends, and so does a request that waits for the machine', async () => {
  const uuid = await hanging('active');
  await kit.conductor.hardware.setBootMode(uuid, 'uefi', BY);
  await expect
    .poll(() => kit.parts.nodes.get(uuid), { timeout: 10_000 })
    .toMatchObject({ reservation: null, last_error: expect.stringMatching(TOLD) });
  await expect(kit.conductor.hardware.setBootDevice(uuid, 'pxe', false, BY)).rejects.toThrow(
    DriverCallTimeoutError,
  );
  expect((await kit.parts.nodes.get(uuid)).reservation).toBeNull();
});

it('a machine that hangs at its power sync counts as one that cannot be read', async () => {
  const uuid = await hanging('manageable', { power_state: 'power off' });
  const sync = kit.tasks.find(({ name }) => name === 'power-sync')!;
  for (let n = 0; n < 3; n++) {
    await sync.run(new AbortController().signal);
    await sync.drain?.();
  }
  expect(await kit.parts.nodes.get(uuid)).toMatchObject({
    maintenance: true,
    fault: 'power failure',
    maintenance_reason: expect.stringMatching(TOLD),
  });
});

it('a database that is slow takes none of the time of a call', async () => {
  const uuid = await kit.node({ fake_delay_management: 0.1 }, { provision_state: 'manageable' });
  const locker = database.source.createQueryRunner();
  await locker.startTransaction();
  await locker.query('LOCK TABLE port IN ACCESS EXCLUSIVE MODE');
  const device = kit.conductor.hardware.getBootDevice(uuid);
  await sleep(1_500);
  await locker.rollbackTransaction();
  await locker.release();
  expect(await device).toMatchObject({ boot_device: 'pxe' });
});
