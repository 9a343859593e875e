import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ConductorSettings } from '../../../src/config/section/core.js';
import type { JsonObject } from '../../../src/domain/json.js';
import type { ProvisionState } from '../../../src/domain/provision/table.js';
import type { Step } from '../../../src/domain/step/step.js';
import { BY, fakeConductor } from '../../support/conductor.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';

let database: TestDatabase;
let kit: Awaited<ReturnType<typeof fakeConductor>>;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());
beforeEach(() => database.clear());
afterEach(() => kit.stop(null));

const conductor = async (settings: Partial<ConductorSettings> = {}) => {
  kit = await fakeConductor(database, { settings });
  await kit.start(null);
};
const image = { image_source: 'http://images/disk.raw', image_checksum: 'a'.repeat(64) };
const ask = (uuid: string, verb: Parameters<typeof kit.conductor.verbs.provision>[1], args = {}) =>
  kit.conductor.verbs.provision(uuid, verb, args, BY);
const at = (uuid: string) => kit.parts.nodes.get(uuid);
const maintain = (uuid: string, on: boolean, reason: string | null = null) =>
  kit.conductor.nodes.setMaintenance(uuid, on, reason, BY);

interface Row {
  id: string;
  state: string;
  wait_for: string | null;
  poll_at: Date | null;
  deadline: Date | null;
  abort_requested: boolean;
}
const operationOf = async (uuid: string): Promise<Row> => {
  const rows = await database.source.query<Row[]>(
    `select * from operation where node_uuid = $1 order by id desc limit 1`,
    [uuid],
  );
  return rows[0]!;
};
/** Until the step has waited at all. */
const waiting = async (uuid: string, step: string): Promise<Row> => {
  for (const end = performance.now() + 20_000; performance.now() < end; await sleep(20)) {
    const row = await operationOf(uuid);
    const operation = row && (await kit.parts.operations.load(row.id));
    const at = operation?.journal.steps[operation.journal.cursor];
    if (row?.state === 'waiting' && at?.name === step && !(await kit.parts.nodes.get(uuid)).reservation)
      return row;
  }
  throw new Error(`the node never waited in ${step}`);
};
const password = { rescue_password: 'hunter2' };
/** A wait of each workflow that has any. */
const WAITS: [ProvisionState, Parameters<typeof ask>[1], JsonObject, string, string][] = [
  ['available', 'active', {}, 'write_image', 'deploy failed'],
  ['manageable', 'provide', {}, 'erase_devices_metadata', 'clean failed'],
  ['manageable', 'inspect', {}, 'inspect_hardware', 'inspect failed'],
  ['active', 'rescue', password, 'rescue', 'rescue failed'],
  ['active', 'deleted', {}, 'tear_down', 'error'],
  ['manageable', 'adopt', {}, 'take_over', 'adopt failed'],
  ['rescue', 'unrescue', {}, 'unrescue', 'unrescue failed'],
  ['active', 'service', { service_steps: [{ interface: 'deploy', step: 'wait' }] }, 'wait', 'service failed'],
];
const begin = async ([state, verb, args, step]: (typeof WAITS)[number], delay = 60) => {
  const uuid = await kit.node(
    // The step `wait` is the conductor's own.
    step === 'wait' ? {} : { [`fake_delay_${step}`]: delay },
    { provision_state: state, power_state: 'power on', instance_info: image },
  );
  await ask(uuid, verb, args);
  return uuid;
};
/** As a conductor leaves a step that was cut before it waited. */
const cutBeforeItsWait = async (uuid: string) => {
  const { id } = await operationOf(uuid);
  await database.source.query(
    `update operation set state = 'running', wait_for = null, poll_at = null, deadline = null where id = $1`,
    [id],
  );
  await database.source.query(
    `update operation_step set state = 'running' where operation_id = $1 and state = 'waiting'`,
    [id],
  );
};

describe.each(WAITS)('a wait that began in %s on %s', (...work) => {
  const [, , , step, failed] = work;

  it('has its deadline in its row on the first attempt of its step and on any later one', async () => {
    await conductor();
    const uuid = await begin(work);
    const first = await waiting(uuid, step);
    expect(first.deadline).toBeInstanceOf(Date);
    await kit.stop(null);
    await cutBeforeItsWait(uuid);
    await conductor();
    const second = await waiting(uuid, step);
    const { journal } = (await kit.parts.operations.load(second.id))!;
    expect((journal.steps[journal.cursor] as Step).attempt).toBeGreaterThan(1);
    expect(second.deadline).toBeInstanceOf(Date);
    expect(second.deadline!.getTime() - Date.now()).toBeGreaterThan(1_000_000);
  });

  it('does not run out in maintenance; its clock goes on behind that', async () => {
    const settings = {
      deploy_callback_timeout: 2,
      clean_callback_timeout: 2,
      inspect_wait_timeout: 2,
      rescue_callback_timeout: 2,
      service_callback_timeout: 2,
    };
    await conductor(settings);
    const uuid = await begin(work);
    await waiting(uuid, step);
    await maintain(uuid, true, 'a new fan');
    const { provision_state } = await at(uuid);
    await sleep(2_500);
    // As the periodic look does.
    await kit.tasks
      .find((task) => task.name === 'provision-state-timeouts')!
      .run(new AbortController().signal);
    await sleep(300);
    expect(await at(uuid)).toMatchObject({
      provision_state,
      last_error: null,
      maintenance_reason: 'a new fan',
    });
    const before = (await operationOf(uuid)).deadline!.getTime();
    await maintain(uuid, false);
    const { deadline } = await operationOf(uuid);
    expect(deadline!.getTime() - before).toBeGreaterThan(2_400);
    expect((await kit.settle(uuid, failed)).last_error).toContain('Timeout reached');
  });
});

it('nothing is done to a machine whose node is in maintenance until that ends', async () => {
  await conductor();
  const uuid = await begin(WAITS[0]!, 0.7);
  await waiting(uuid, 'write_image');
  await maintain(uuid, true);
  await sleep(1_500);
  expect((await at(uuid)).provision_state).toBe('wait call-back');
  const { id } = await operationOf(uuid);
  expect((await kit.parts.operations.load(id))!.journal.state).toBe('waiting');
  await kit.conductor.nodes.update(uuid, () => ({ maintenance: false }), BY);
  await kit.settle(uuid, 'active');
});

it('a wait that begins in maintenance rests, over a restart too', async () => {
  await conductor({ clean_callback_timeout: 1 });
  const uuid = await kit.node(
    { fake_delay_erase_devices_metadata: 0.4 },
    { provision_state: 'manageable', maintenance: true },
  );
  await ask(uuid, 'provide');
  await waiting(uuid, 'erase_devices_metadata');
  await kit.stop(null);
  await conductor({ clean_callback_timeout: 1 });
  await sleep(1_500);
  expect(await at(uuid)).toMatchObject({ provision_state: 'clean wait', maintenance: true });
  await maintain(uuid, false);
  await kit.settle(uuid, 'available');
});

describe('abort of a step that cannot be aborted', () => {
  const NOT_ABORTABLE = { abortable: false };
  /** No step of fake hardware that waits is like that: one is made so. */
  const hold = async (work: (typeof WAITS)[number], delay: number) => {
    const uuid = await begin(work, delay);
    const { id } = await waiting(uuid, work[3]);
    await database.source.query(
      `update operation_step set abortable = $2 where operation_id = $1 and name = $3`,
      [id, NOT_ABORTABLE.abortable, work[3]],
    );
    return uuid;
  };
  it.each(WAITS.filter(([, verb]) => ['active', 'provide', 'inspect', 'rescue'].includes(verb)))(
    'from %s on %s: leaves its wait as it is and takes effect when it ends',
    async (...work) => {
      await conductor();
      const uuid = await hold(work, 1.5);
      const before = await operationOf(uuid);
      await ask(uuid, 'abort');
      await sleep(200);
      const noted = await operationOf(uuid);
      expect(noted).toMatchObject({
        state: 'waiting',
        wait_for: 'poll',
        abort_requested: true,
        poll_at: before.poll_at,
        deadline: before.deadline,
      });
      await expect(ask(uuid, 'abort')).rejects.toMatchObject({
        code: 'conflict',
        message: expect.stringMatching(new RegExp(`requested already.*"[a-z]+\\.${work[3]}" ends`)),
      });
      const ended = await kit.settle(uuid, work[4]);
      expect(ended.last_error).toMatch(/abort/);
    },
  );

  it('outlives a restart', async () => {
    await conductor();
    const uuid = await hold(WAITS[1]!, 1.5);
    await ask(uuid, 'abort');
    await kit.stop(null);
    await conductor();
    expect((await kit.settle(uuid, 'clean failed')).last_error).toMatch(/abort/);
  });
});

it('a machine that does not call back is started once more before its work fails, as its history tells', async () => {
  await conductor({ inspect_wait_timeout: 1 });
  const uuid = await kit.node(
    { fake_journal: 'silent' },
    { provision_state: 'manageable', inspect_interface: 'agent' },
  );
  await ask(uuid, 'inspect');
  const failed = await kit.settle(uuid, 'inspect failed');
  expect(failed.last_error).toContain('Timeout reached while waiting in step inspect.inspect_hardware');
  expect(kit.effects('silent').filter((effect) => effect === 'power on')).toHaveLength(2);
  const history = (await kit.parts.events.ofNode(uuid, 100)).map(({ event }) => event);
  expect(history).toContain('The ramdisk did not call back in time: the machine is started again (1 of 1).');
});
