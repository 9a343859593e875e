import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Reservation } from '../../../src/conductor/execution/reservation.js';
import type { Run, StepTurn } from '../../../src/conductor/execution/run.js';
import type { OwnContext } from '../../../src/conductor/workflow/own-step.js';
import { DriverCallTimeoutError } from '../../../src/domain/errors.js';
import { BY, fakeConductor } from '../../support/conductor.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';

let database: TestDatabase;
let kit: Awaited<ReturnType<typeof fakeConductor>>;
let reservation: Reservation;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());
beforeEach(async () => {
  await database.clear();
  kit = await fakeConductor(database, { settings: { driver_call_timeout: 0.5 } });
  await kit.start(null);
  reservation = await kit.parts.reservations.acquire(await kit.node(), false);
});
afterEach(async () => {
  await reservation.release();
  await kit.stop(null);
});

/** One entry of a step, which has half a second. */
function step(work: (context: OwnContext) => Promise<void>): Promise<void> {
  const operation = { id: '1', uuid: '0b2f2f3a-7f7e-4b0e-9f0c-2f1f1c6c7a11', kind: 'deploy' };
  const { node: row, signal } = reservation;
  const run = { reservation, draft: { row }, operation, signal, actor: BY, ahead: false };
  const steps = [{ name: 'step', interface: 'deploy', args: {}, attempt: 1, checkpoint: null }];
  const turn = { journal: { steps }, effect: { do: 'run', position: 0, wake: null } };
  return kit.parts.contexts.forStep(run as unknown as Run, turn as unknown as StepTurn, 0, work);
}

const EFFECTS: Record<string, (context: OwnContext) => Promise<unknown>> = {
  save: (context) => context.save({ properties: { by: 'the step' } }),
  checkpoint: (context) => context.checkpoint('here'),
  commit: (context) =>
    context.commit((manager) => manager.query(`update node set properties = '{"by":"the step"}'`)),
  fence: (context) => context.fence(100),
};
const properties = async () => (await kit.parts.nodes.get(reservation.node.uuid)).properties;

it.each(Object.keys(EFFECTS))('a call that was given up has no effect any more: %s', async (name) => {
  let had = false;
  const call = step(async (context) => {
    await sleep(700); // it does not heed its signal
    await EFFECTS[name]!(context);
    had = true;
  });
  await expect(call).rejects.toThrow(DriverCallTimeoutError);
  await sleep(100);
  expect([had, await properties()]).toEqual([false, {}]);
});

it.each(['save', 'checkpoint', 'commit'])('a slow database is not the machine’s time: %s', async (name) => {
  await step(async (context) => {
    const other = database.source.createQueryRunner();
    await other.startTransaction();
    await other.query('lock table node in access exclusive mode');
    const freed = sleep(1_200).then(async () => {
      await other.rollbackTransaction();
      await other.release();
    });
    await EFFECTS[name]!(context);
    await freed;
    context.signal.throwIfAborted();
  });
});
