import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/domain/json.js';
import type { ProvisionState } from '../../../src/domain/provision/table.js';
import { BY, fakeConductor } from '../../support/conductor.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';
import { collectedLog } from '../../support/log.js';

let database: TestDatabase;
let kit: Awaited<ReturnType<typeof fakeConductor>>;
beforeAll(async () => {
  database = await startTestDatabase();
  kit = await fakeConductor(database);
  await kit.start(null);
});
afterAll(async () => {
  await kit.stop(null);
  await database.stop();
});

const ask = (uuid: string, verb: Parameters<typeof kit.conductor.verbs.provision>[1], args = {}) =>
  kit.conductor.verbs.provision(uuid, verb, args, BY);
/** A node that rests in a state, as if it had come there. */
const at = (state: ProvisionState, driver_info: JsonObject = {}, more = {}) =>
  kit.node(driver_info, { provision_state: state, power_state: 'power on', ...more });
const set = (uuid: string, driver_info: JsonObject) =>
  kit.conductor.nodes.update(uuid, () => ({ driver_info }), BY);
const walk = async (uuid: string) => (await kit.states(uuid)).filter((state, i, all) => state !== all[i - 1]);

describe('inspect', () => {
  it('is done at once when nothing takes time, and keeps its times', async () => {
    const uuid = await at('manageable');
    const accepted = await ask(uuid, 'inspect');
    expect(accepted).toMatchObject({ provision_state: 'inspecting', target_provision_state: 'manageable' });
    expect(accepted.inspection_started_at).toBeInstanceOf(Date);
    const done = await kit.settle(uuid, 'manageable');
    expect(done).toMatchObject({ last_error: null, inspection_started_at: null });
    expect(done.inspection_finished_at).toBeInstanceOf(Date);
    expect(await walk(uuid)).toEqual(['manageable', 'inspecting', 'manageable']);
  });

  it('waits in inspect wait, where it can be aborted and tried again', async () => {
    const uuid = await at('manageable', { fake_delay_inspect_hardware: 60 });
    await ask(uuid, 'inspect');
    await kit.settle(uuid, 'inspect wait');
    await ask(uuid, 'abort');
    const aborted = await kit.settle(uuid, 'inspect failed');
    expect(aborted.last_error).toBe('Inspection was aborted by request.');
    expect(aborted.inspection_started_at).toBeNull();
    await set(uuid, { fake_delay_inspect_hardware: '0.1,0.2' });
    await ask(uuid, 'inspect');
    await kit.settle(uuid, 'manageable');
    expect((await walk(uuid)).slice(-4)).toEqual(['inspecting', 'inspect wait', 'inspecting', 'manageable']);
  });

  it('fails with the reason; manage takes the node back', async () => {
    const uuid = await at('manageable', { fake_fail_inspect_hardware: 'no lshw' });
    await ask(uuid, 'inspect');
    const failed = await kit.settle(uuid, 'inspect failed');
    expect(failed.last_error).toBe('Failed to inspect hardware. Reason: inspect.inspect_hardware: no lshw');
    expect(failed.target_provision_state).toBe('manageable');
    await ask(uuid, 'manage');
    await kit.settle(uuid, 'manageable');
  });

  it('is refused, in Ironic’s words, where the node has no such interface', async () => {
    const uuid = await at('manageable', {}, { inspect_interface: 'no-inspect' });
    await expect(ask(uuid, 'inspect')).rejects.toMatchObject({
      code: 'unsupported',
      message: 'Driver fake-hardware does not support inspect (disabled or not implemented).',
    });
    expect((await kit.parts.nodes.get(uuid)).provision_state).toBe('manageable');
  });

  it('goes on behind a restart', async () => {
    const uuid = await at('manageable', { fake_delay_inspect_hardware: 0.5 });
    await ask(uuid, 'inspect');
    await kit.settle(uuid, 'inspect wait');
    await kit.stop(null);
    kit = await fakeConductor(database);
    await kit.start(null);
    await kit.settle(uuid, 'manageable');
  });

  it('times out', async () => {
    await kit.stop(null);
    kit = await fakeConductor(database, { settings: { inspect_wait_timeout: 1 } });
    await kit.start(null);
    const uuid = await at('manageable', { fake_delay_inspect_hardware: 60 });
    await ask(uuid, 'inspect');
    const failed = await kit.settle(uuid, 'inspect failed');
    expect(failed.last_error).toContain('Timeout reached');
  });
});

describe('adopt', () => {
  it('makes a running machine active without a deployment', async () => {
    const uuid = await at('manageable', { fake_journal: 'adopt' });
    await ask(uuid, 'adopt');
    const node = await kit.settle(uuid, 'active');
    expect(node).toMatchObject({ power_state: 'power on', last_error: null, target_provision_state: null });
    expect(await walk(uuid)).toEqual(['manageable', 'adopting', 'active']);
    expect(kit.effects('adopt')).toEqual(['prepare instance', 'take_over']);
  });

  it('fails saying why, and can be tried again', async () => {
    const uuid = await at('manageable', { fake_fail_boot: 'no room for boot files' });
    await ask(uuid, 'adopt');
    const failed = await kit.settle(uuid, 'adopt failed');
    expect(failed.last_error).toBe(
      `Error while attempting to adopt node ${uuid}: deploy.take_over: no room for boot files.`,
    );
    expect(failed.power_state).toBeNull();
    await set(uuid, {});
    await ask(uuid, 'adopt');
    await kit.settle(uuid, 'active');
  });
});

describe('rescue', () => {
  const password = { rescue_password: 'canary-password' };

  it('goes to rescue and back, and forgets the password', async () => {
    const uuid = await at('active');
    const accepted = await ask(uuid, 'rescue', password);
    expect(accepted.instance_info).toEqual({ rescue_password: '******' });
    const rescued = await kit.settle(uuid, 'rescue');
    expect(rescued).toMatchObject({ last_error: null, instance_info: {}, instance_info_sealed: null });
    await ask(uuid, 'unrescue');
    await kit.settle(uuid, 'active');
    expect(await walk(uuid)).toEqual(['active', 'rescuing', 'rescue', 'unrescuing', 'active']);
    const [{ dump }] = await database.source.query<[{ dump: string }]>(
      `select (select json_agg(o)::text from operation_step o) || (select json_agg(e)::text from event e) as dump`,
    );
    expect(dump).not.toContain('canary');
  });

  it('keeps the password sealed while it waits, and can be aborted there', async () => {
    const uuid = await at('active', { fake_delay_rescue: 60 });
    await ask(uuid, 'rescue', password);
    const waiting = await kit.settle(uuid, 'rescue wait');
    expect(JSON.stringify(waiting)).not.toContain('canary');
    expect(kit.parts.nodes.withSecrets(waiting).instance_info).toEqual(password);
    await ask(uuid, 'abort');
    const aborted = await kit.settle(uuid, 'rescue failed');
    expect(aborted.last_error).toBe('By request, the rescue operation was aborted.');
    expect(kit.parts.nodes.withSecrets(aborted).instance_info).toEqual({});
  });

  it('fails, is tried again, fails to come back, comes back', async () => {
    const uuid = await at('active', { fake_fail_rescue: 'no ramdisk' });
    await ask(uuid, 'rescue', password);
    const failed = await kit.settle(uuid, 'rescue failed');
    expect(failed.last_error).toBe('Failed to rescue: rescue.rescue: no ramdisk');
    expect(failed.instance_info).toEqual({});
    await set(uuid, { fake_fail_unrescue: 'stuck' });
    await ask(uuid, 'rescue', password);
    await kit.settle(uuid, 'rescue');
    await ask(uuid, 'unrescue');
    expect((await kit.settle(uuid, 'unrescue failed')).last_error).toBe(
      'Failed to unrescue: rescue.unrescue: stuck',
    );
    await set(uuid, {});
    await ask(uuid, 'unrescue');
    await kit.settle(uuid, 'active');
  });

  it('ends with the instance when that is torn down, from rescue wait too', async () => {
    const uuid = await at('active', { fake_delay_rescue: 60 });
    await ask(uuid, 'rescue', password);
    await kit.settle(uuid, 'rescue wait');
    await ask(uuid, 'deleted');
    const node = await kit.settle(uuid, 'available');
    expect(node).toMatchObject({ instance_info: {}, instance_info_sealed: null });
  });

  it('is refused in maintenance, without interface, and with settings that do not hold', async () => {
    const uuid = await at('active');
    await kit.conductor.nodes.setMaintenance(uuid, true, null, BY);
    await expect(ask(uuid, 'rescue', password)).rejects.toThrow(
      `The rescuing operation can't be performed on node ${uuid} because it's in maintenance mode.`,
    );
    const without = await at('active', {}, { rescue_interface: 'no-rescue' });
    await expect(ask(without, 'rescue', password)).rejects.toThrow(
      `Failed to rescue instance None for node ${without}: Validation failed: ` +
        'Driver fake-hardware does not support rescue (disabled or not implemented).',
    );
    const node = await kit.parts.nodes.get(without);
    expect(node).toMatchObject({ provision_state: 'active', instance_info: {} });
  });
});

it('a fake node is deleted without a warning', async () => {
  const log = collectedLog();
  const other = await fakeConductor(database, { host: 'conductor-of-deletions', log });
  await other.start(null);
  const uuid = await other.node({}, { provision_state: 'manageable' });
  await other.conductor.nodes.delete(uuid, BY);
  await other.stop(null);
  expect(log.text()).not.toContain('withdrawn');
});
