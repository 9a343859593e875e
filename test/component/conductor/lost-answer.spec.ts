import { setTimeout as sleep } from 'node:timers/promises';
import type { DataSource } from 'typeorm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { DatabaseAwayError } from '../../../src/domain/errors.js';
import type { JsonObject } from '../../../src/domain/json.js';
import type { ProvisionState, ProvisionVerb } from '../../../src/domain/provision/table.js';
import { BY, fakeConductor } from '../../support/conductor.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';
import { type Loses, LosingProxy } from '../../support/database-proxy.js';

let database: TestDatabase;
let proxy: LosingProxy;
let source: DataSource;
let kit: Awaited<ReturnType<typeof fakeConductor>>;
beforeAll(async () => {
  database = await startTestDatabase();
  proxy = new LosingProxy(database);
  source = await proxy.open();
});
afterAll(async () => {
  await source.destroy();
  await proxy.close();
  await database.stop();
});
beforeEach(async () => {
  await database.clear();
  proxy.loses = null;
  proxy.lost = 0;
  kit = await fakeConductor({ ...database, source });
  await kit.start(null);
});
afterEach(() => kit.stop(null));

const image = { image_source: 'http://images/disk.raw', image_checksum: 'a'.repeat(64) };
const ACCEPTS: Loses = (text) => /insert into operation \(/.test(text);
const MOVES: Loses = (text) => /update node set .*provision_state/.test(text);
const commitBehind =
  (what: RegExp): Loses =>
  (text, before) =>
    /^commit/i.test(text) && before.some((earlier) => what.test(earlier));
const node = (provision_state: ProvisionState, driver_info: JsonObject = {}) =>
  kit.node(driver_info, { provision_state, power_state: 'power on', instance_info: image });
const ask = (uuid: string, verb: ProvisionVerb, args: JsonObject = {}) =>
  kit.conductor.verbs.provision(uuid, verb, args, BY);
const steps = (kind: string, step: string) => ({ [`${kind}_steps`]: [{ interface: 'deploy', step }] });
const sweep = () =>
  kit.tasks.find((task) => task.name === 'provision-state-timeouts')!.run(new AbortController().signal);

describe('the answer to the statement that accepts a verb is lost: it is carried out all the same', () => {
  it.each<[ProvisionState, ProvisionVerb, JsonObject, ProvisionState]>([
    ['enroll', 'manage', {}, 'manageable'],
    ['manageable', 'provide', {}, 'available'],
    ['available', 'active', {}, 'active'],
    ['active', 'rebuild', {}, 'active'],
    ['active', 'deleted', {}, 'available'],
    ['manageable', 'clean', steps('clean', 'erase_devices'), 'manageable'],
    ['manageable', 'inspect', {}, 'manageable'],
    ['manageable', 'adopt', {}, 'active'],
    ['active', 'rescue', { rescue_password: 'hunter2' }, 'rescue'],
    ['rescue', 'unrescue', {}, 'active'],
    ['active', 'service', { service_steps: [{ interface: 'vendor', step: 'log_passthrough' }] }, 'active'],
  ])('%s, %s', async (state, verb, args, end) => {
    const uuid = await node(state);
    proxy.loses = ACCEPTS;
    const accepted = await ask(uuid, verb, args);
    expect(proxy.lost).toBe(1);
    expect(accepted.provision_state).not.toBe(state);
    expect(await kit.settle(uuid, end)).toMatchObject({ last_error: null });
  });

  it.each<[ProvisionState, ProvisionVerb, ProvisionState]>([
    ['available', 'manage', 'manageable'],
    ['clean failed', 'manage', 'manageable'],
  ])('%s, %s, which only moves the state', async (state, verb, end) => {
    const uuid = await node(state);
    proxy.loses = MOVES;
    expect((await ask(uuid, verb)).provision_state).toBe(end);
    expect(proxy.lost).toBe(1);
    expect(await kit.parts.nodes.get(uuid)).toMatchObject({ provision_state: end, reservation: null });
  });

  it('power', async () => {
    const uuid = await node('available');
    proxy.loses = ACCEPTS;
    await kit.conductor.verbs.setPower(uuid, 'power off', null, BY);
    expect(proxy.lost).toBe(1);
    for (let i = 0; i < 300 && (await kit.parts.nodes.get(uuid)).target_power_state; i++) await sleep(10);
    expect(await kit.parts.nodes.get(uuid)).toMatchObject({ power_state: 'power off', last_error: null });
  });

  it('the cleaning behind a tear-down', async () => {
    const uuid = await node('active');
    proxy.loses = commitBehind(/insert into operation \(/);
    await ask(uuid, 'deleted');
    await kit.settle(uuid, 'available');
    expect(proxy.lost).toBe(1);
  });

  it('abort', async () => {
    const uuid = await node('available', { fake_delay_write_image: 60 });
    await ask(uuid, 'active');
    await kit.settle(uuid, 'wait call-back');
    proxy.loses = (text) => /abort_requested = true/.test(text);
    await ask(uuid, 'abort');
    expect(proxy.lost).toBe(1);
    await kit.settle(uuid, 'deploy failed');
  });

  it('unhold', async () => {
    const uuid = await node('manageable');
    await ask(uuid, 'clean', {
      clean_steps: [{ interface: 'deploy', step: 'hold' }],
      disable_ramdisk: true,
    });
    await kit.settle(uuid, 'clean hold');
    proxy.loses = commitBehind(/update operation set state = 'waiting'/);
    await ask(uuid, 'unhold');
    expect(proxy.lost).toBe(1);
    await kit.settle(uuid, 'manageable');
  });

  it('what is done beside a workflow: boot mode', async () => {
    const uuid = await node('manageable');
    proxy.loses = commitBehind(/insert into operation \(/);
    await kit.conductor.hardware.setBootMode(uuid, 'uefi', BY);
    expect(proxy.lost).toBe(1);
    await vi.waitFor(async () => {
      expect(await source.query(`select 1 from operation where finished_at is null`)).toEqual([]);
    }, 10_000);
    expect(await kit.parts.nodes.get(uuid)).toMatchObject({ boot_mode: 'uefi', last_error: null });
  });

  it('the reservation before it: the next verb need not wait until it expires', async () => {
    const uuid = await node('available');
    proxy.loses = (text) => /update node set reservation = /.test(text);
    await expect(ask(uuid, 'active')).rejects.toMatchObject({ code: 'database-away' });
    expect(proxy.lost).toBe(1);
    await ask(uuid, 'active');
    await kit.settle(uuid, 'active');
  });
});

it('a statement that took no effect is told as such, and the node is free again', async () => {
  const uuid = await node('available');
  // The connection goes before the statement is sent.
  const query = source.query.bind(source);
  source.query = (async (text: string, values?: unknown[]) => {
    if (!/insert into operation \(/.test(text)) return query(text, values);
    source.query = query;
    throw new DatabaseAwayError('lost', false);
  }) as typeof source.query;
  await expect(ask(uuid, 'active')).rejects.toMatchObject({ code: 'database-away' });
  expect(await kit.parts.nodes.get(uuid)).toMatchObject({ provision_state: 'available', reservation: null });
  await ask(uuid, 'active');
  await kit.settle(uuid, 'active');
});

it('a poll that found no database goes on by its own times, without a sweep', async () => {
  const uuid = await node('available', { fake_delay_write_image: 0.5 });
  await ask(uuid, 'active');
  await kit.settle(uuid, 'wait call-back');
  // The read that the poll begins with.
  proxy.loses = (text) => /jsonb_agg\(to_jsonb\(step\)/.test(text);
  await kit.settle(uuid, 'active');
  expect(proxy.lost).toBe(1);
});

describe('the sweep takes up what no queue holds', () => {
  /** As if this conductor had forgotten the operation: another process of it wrote the row. */
  const orphan = async (
    operation: { kind: string; state: string; more?: string },
    provision_state: string,
    step: { interface: string; name: string; state: string; abortable?: boolean },
  ) => {
    const uuid = await node('manageable');
    await source.query(
      `update node set provision_state = $2, target_provision_state = 'available' where uuid = $1`,
      [uuid, provision_state],
    );
    const [row] = await source.query<{ id: string }[]>(
      `insert into operation (uuid, node_uuid, kind, state, conductor ${operation.more ? `, ${operation.more.split('=')[0]}` : ''})
       values (gen_random_uuid(), $1, $2, $3, 'conductor-1' ${operation.more ? `, ${operation.more.split('=')[1]}` : ''}) returning id`,
      [uuid, operation.kind, operation.state],
    );
    await source.query(
      `insert into operation_step (operation_id, position, interface, name, priority, abortable, rerunnable, visible, agent, state)
       values ($1, 0, $2, $3, 100, $4, true, false, false, $5)`,
      [row!.id, step.interface, step.name, step.abortable ?? true, step.state],
    );
    return uuid;
  };
  const collect = { interface: 'deploy', name: 'collect_clean_steps' };
  it.each([
    [
      'running, its step not begun',
      { kind: 'clean', state: 'running' },
      'cleaning',
      { ...collect, state: 'pending' },
    ],
    [
      'running, its step begun',
      { kind: 'clean', state: 'running' },
      'cleaning',
      { ...collect, state: 'running' },
    ],
    [
      'waiting for a poll that is due',
      { kind: 'clean', state: 'waiting', more: "poll_at=now() - interval '1 s'" },
      'clean wait',
      { ...collect, state: 'waiting' },
    ],
    [
      'waiting for a poll to come',
      { kind: 'clean', state: 'waiting', more: "poll_at=now() + interval '1 s'" },
      'clean wait',
      { ...collect, state: 'waiting' },
    ],
  ] as const)('%s', async (_what, operation, state, step) => {
    const uuid = await orphan(operation, state, step);
    await sweep();
    await kit.settle(uuid, 'available');
  });

  it.each([
    [
      'waiting, its deadline over',
      { kind: 'clean', state: 'waiting', more: "deadline=now() - interval '1 s'" },
      'waiting',
    ],
    [
      'waiting, its abort not heard',
      { kind: 'clean', state: 'waiting', more: 'abort_requested=true' },
      'waiting',
    ],
    ['held, its abort not heard', { kind: 'clean', state: 'held', more: 'abort_requested=true' }, 'waiting'],
    [
      'ending',
      { kind: 'clean', state: 'ending', more: `args='{"_result":{"is":"failed","message":"no disk"}}'` },
      'failed',
    ],
  ] as const)('%s', async (_what, operation, step) => {
    const uuid = await orphan(operation, operation.state === 'held' ? 'clean hold' : 'clean wait', {
      ...collect,
      state: step,
    });
    await sweep();
    expect((await kit.settle(uuid, 'clean failed')).last_error).not.toBeNull();
  });

  it('a power action, and an action beside workflows', async () => {
    for (const kind of ['power', 'action']) {
      const uuid = await orphan({ kind, state: 'running' }, 'manageable', {
        interface: 'power',
        name: 'nothing_known',
        state: 'pending',
      });
      await sweep();
      for (let i = 0; i < 300; i++) {
        const rows = await source.query(
          `select 1 from operation where node_uuid = $1 and finished_at is null`,
          [uuid],
        );
        if ((rows as unknown[]).length === 0) break;
        await sleep(10);
      }
      expect((await kit.parts.nodes.get(uuid)).last_error).toContain('no such step');
    }
  });

  it('a node in work, or with a power target, that no operation is of', async () => {
    const working = await node('manageable');
    const powering = await node('manageable');
    await source.query(`update node set provision_state = 'cleaning' where uuid = $1`, [working]);
    await source.query(`update node set target_power_state = 'power on' where uuid = $1`, [powering]);
    await sweep();
    expect((await kit.settle(working, 'clean failed')).last_error).toContain('found no record');
    expect((await kit.settle(powering, 'manageable')).target_power_state).toBeNull();
  });

  it('leaves alone what is held, at work or under a reservation', async () => {
    const held = await orphan({ kind: 'clean', state: 'held' }, 'clean hold', {
      ...collect,
      state: 'waiting',
    });
    const slow = await node('available', { fake_delay_write_image: 0.5 });
    await ask(slow, 'active');
    for (let i = 0; i < 5; i++) await sweep();
    await kit.settle(slow, 'active');
    expect((await kit.parts.nodes.get(held)).provision_state).toBe('clean hold');
  });
});
