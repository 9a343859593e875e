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
  kit = await fakeConductor(database);
  await kit.start(null);
});
afterEach(() => kit.stop(null));

const ask = (uuid: string, verb: Parameters<typeof kit.conductor.verbs.provision>[1], args = {}) =>
  kit.conductor.verbs.provision(uuid, verb, args, BY);
const available = async (driver_info = {}) => {
  const uuid = await kit.node(driver_info);
  await ask(uuid, 'manage');
  await kit.settle(uuid, 'manageable');
  await ask(uuid, 'provide');
  await kit.settle(uuid, 'available');
  return uuid;
};
const image = { image_source: 'http://images/disk.raw', image_checksum: 'a'.repeat(64) };

describe('the life of a node', () => {
  it('goes from enroll to active, to available again, leaving its history', async () => {
    const uuid = await available({ fake_delay_write_image: 0.02 });
    await kit.conductor.nodes.update(uuid, () => ({ instance_info: image, instance_uuid: uuid }), BY);
    await ask(uuid, 'active');
    const active = await kit.settle(uuid, 'active', 'deploy failed');
    expect(active).toMatchObject({ provision_state: 'active', power_state: 'power on', last_error: null });
    expect(active.target_provision_state).toBeNull();
    await ask(uuid, 'rebuild');
    await kit.settle(uuid, 'active');
    await ask(uuid, 'deleted');
    const back = await kit.settle(uuid, 'available');
    expect(back).toMatchObject({ instance_uuid: null, instance_info: {}, power_state: 'power off' });
    const states = (await kit.states(uuid)).filter((state, i, all) => state !== all[i - 1]);
    expect(states.slice(0, 4)).toEqual(['enroll', 'verifying', 'manageable', 'cleaning']);
    expect(states).toContain('wait call-back');
    expect(states.slice(-2)).toEqual(['cleaning', 'available']);
    expect(states).toContain('deleting');
  });

  it('fails to verify a BMC that fails, saying so', async () => {
    const uuid = await kit.node({ fake_fail_power: 'BMC on fire' });
    await ask(uuid, 'manage');
    const node = await kit.settle(uuid, 'enroll');
    expect(node.last_error).toMatch(/BMC on fire/);
    expect(node.target_provision_state).toBeNull();
  });

  it('fails a deployment with its step and reason, and can try again', async () => {
    const uuid = await available({ fake_fail_write_image: 'disk too small' });
    await kit.conductor.nodes.update(uuid, () => ({ instance_info: image }), BY);
    await ask(uuid, 'active');
    const failed = await kit.settle(uuid, 'deploy failed');
    expect(failed.last_error).toBe('Deployment failed: deploy.write_image: disk too small');
    expect(failed.maintenance).toBe(false);
    await kit.conductor.nodes.update(uuid, () => ({ driver_info: {} }), BY);
    await ask(uuid, 'active');
    expect((await kit.settle(uuid, 'active')).last_error).toBeNull();
  });

  it('sets maintenance and fault when a clean step fails', async () => {
    const uuid = await kit.node({ fake_fail_erase_devices_metadata: 'disk is gone' });
    await ask(uuid, 'manage');
    await kit.settle(uuid, 'manageable');
    await ask(uuid, 'provide');
    const node = await kit.settle(uuid, 'clean failed');
    expect(node).toMatchObject({ maintenance: true, fault: 'clean failure' });
    expect(node.last_error).toContain('disk is gone');
  });

  it('aborts a wait', async () => {
    const uuid = await available({ fake_delay_write_image: 60 });
    await kit.conductor.nodes.update(uuid, () => ({ instance_info: image }), BY);
    await ask(uuid, 'active');
    for (
      let i = 0;
      i < 300 && (await kit.parts.operations.currentSteps([uuid])).get(uuid)?.step.name !== 'write_image';
      i++
    ) {
      await sleep(10);
    }
    await kit.settle(uuid, 'wait call-back');
    await ask(uuid, 'abort');
    const node = await kit.settle(uuid, 'deploy failed');
    expect(node.last_error).toBe('Deployment was aborted by the operator.');
    await ask(uuid, 'deleted');
    await kit.settle(uuid, 'available');
  });

  it('tears down in the middle of a deployment', async () => {
    const uuid = await available({ fake_delay_write_image: 60 });
    await kit.conductor.nodes.update(uuid, () => ({ instance_info: image }), BY);
    await ask(uuid, 'active');
    await kit.settle(uuid, 'wait call-back');
    await sleep(50);
    await kit.settle(uuid, 'wait call-back');
    await ask(uuid, 'deleted');
    await kit.settle(uuid, 'available');
  });

  it('times a silent wait out', async () => {
    await kit.stop(null);
    kit = await fakeConductor(database, { settings: { deploy_callback_timeout: 1 } });
    await kit.start(null);
    const uuid = await available({ fake_delay_write_image: 60 });
    await kit.conductor.nodes.update(uuid, () => ({ instance_info: image }), BY);
    await ask(uuid, 'active');
    const node = await kit.settle(uuid, 'deploy failed');
    expect(node.last_error).toContain('Timeout reached while waiting in step deploy.write_image');
  });
});

describe('what an earlier operation left', () => {
  const left = {
    deploy_progress: { phase: 'writing', bytes: 7, total: 9 },
    clean_steps_done_again: ['deploy.erase_devices'],
    service_ramdisk: true,
    root_uuid_or_disk_id: 'of the instance',
  };
  const begun = async (state: string, verb: Parameters<typeof ask>[1], args = {}) => {
    const uuid = await kit.node(
      { fake_delay_prepare_deploy: 60, fake_delay_prepare_cleaning: 60, fake_delay_rescue: 60 },
      { provision_state: state, last_error: 'an old one', instance_info: image, driver_internal_info: left },
    );
    const { last_error, driver_internal_info } = await ask(uuid, verb, args);
    expect(last_error).toBeNull();
    return driver_internal_info;
  };
  it.each([
    ['deploy failed', 'active', {}],
    ['active', 'rebuild', {}],
    ['service failed', 'rescue', { rescue_password: 'hunter2' }],
    ['manageable', 'clean', { clean_steps: [{ interface: 'deploy', step: 'erase_devices' }] }],
    ['manageable', 'provide', {}],
  ] as const)('is gone when %s, %s begins; what is the instance’s stays', async (state, verb, args) => {
    expect(await begun(state, verb, args)).toEqual({ root_uuid_or_disk_id: 'of the instance' });
  });
  it('but a service goes on with the ramdisk of the one that failed', async () => {
    const service_steps = [{ interface: 'vendor', step: 'log_passthrough' }];
    expect(await begun('service failed', 'service', { service_steps })).toEqual({
      service_ramdisk: true,
      root_uuid_or_disk_id: 'of the instance',
    });
  });
});

describe('what is refused before 202', () => {
  it('illegal verbs, in Ironic’s words', async () => {
    const uuid = await kit.node();
    await expect(ask(uuid, 'provide')).rejects.toMatchObject({
      code: 'invalid',
      message: `The requested action "provide" can not be performed on node "${uuid}" while it is in state "enroll". Ask for "manage" first.`,
    });
  });

  it('deployment in maintenance, of a protected node, and with settings that do not hold', async () => {
    const uuid = await available({ fake_delay_power: 0 });
    await kit.conductor.nodes.setMaintenance(uuid, true, 'broken fan', BY);
    await expect(ask(uuid, 'active')).rejects.toThrow('maintenance mode');
    await kit.conductor.nodes.setMaintenance(uuid, false, null, BY);
    await kit.conductor.nodes.update(uuid, () => ({ driver_info: { fake_delay_deploy: 'soon' } }), BY);
    await expect(ask(uuid, 'active')).rejects.toThrow('fake_delay_deploy must be a number');
    await kit.conductor.nodes.update(uuid, () => ({ driver_info: {}, instance_info: image }), BY);
    await ask(uuid, 'active');
    await kit.settle(uuid, 'active');
    await kit.conductor.nodes.update(uuid, () => ({ protected: true }), BY);
    await expect(ask(uuid, 'deleted')).rejects.toMatchObject({ code: 'forbidden' });
    await expect(kit.conductor.nodes.delete(uuid, BY)).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('work on a node that another conductor holds', async () => {
    const uuid = await kit.node();
    await kit.parts.nodes.reservations.reserve(uuid, 'other-host', 60);
    await expect(ask(uuid, 'manage')).rejects.toMatchObject({ code: 'locked', holder: 'other-host' });
  });
});

describe('power', () => {
  it('goes on, off and around', async () => {
    const uuid = await available();
    for (const [target, state] of [
      ['power on', 'power on'],
      ['rebooting', 'power on'],
      ['power off', 'power off'],
    ] as const) {
      const accepted = await kit.conductor.verbs.setPower(uuid, target, null, BY);
      expect(accepted.target_power_state).toBe(state);
      for (let i = 0; i < 300 && (await kit.parts.nodes.get(uuid)).target_power_state; i++) await sleep(10);
      expect(await kit.parts.nodes.get(uuid)).toMatchObject({ power_state: state, target_power_state: null });
    }
  });

  it('says why it failed', async () => {
    const uuid = await available();
    await kit.conductor.nodes.update(uuid, () => ({ driver_info: { fake_fail_power: 'no answer' } }), BY);
    await kit.conductor.verbs.setPower(uuid, 'power on', null, BY);
    for (let i = 0; i < 300 && (await kit.parts.nodes.get(uuid)).target_power_state; i++) await sleep(10);
    expect((await kit.parts.nodes.get(uuid)).last_error).toMatch(/Failed to change power state: .*no answer/);
  });
});

describe('a conductor that comes back', () => {
  it('goes on where a stopped one left off', async () => {
    const uuid = await available({ fake_delay_write_image: 1 });
    await kit.conductor.nodes.update(uuid, () => ({ instance_info: image }), BY);
    await ask(uuid, 'active');
    await kit.settle(uuid, 'wait call-back');
    await kit.stop(null);
    kit = await fakeConductor(database);
    await kit.start(null);
    await kit.settle(uuid, 'active');
  });

  it('fails work that no journal knows', async () => {
    const uuid = await kit.node();
    await database.source.query(
      `update node set provision_state = 'deploying', target_power_state = 'power on'`,
    );
    await kit.stop(null);
    kit = await fakeConductor(database);
    await kit.start(null);
    expect(await kit.parts.nodes.get(uuid)).toMatchObject({
      provision_state: 'deploy failed',
      target_power_state: null,
      last_error: expect.stringContaining('found no record'),
    });
  });
});

it('takes fifty nodes from available to active together', async () => {
  const uuids = await Promise.all(Array.from({ length: 50 }, () => available()));
  await Promise.all(
    uuids.map(async (uuid) => {
      await kit.conductor.nodes.update(uuid, () => ({ instance_info: image }), BY);
      await ask(uuid, 'active');
    }),
  );
  await Promise.all(uuids.map((uuid) => kit.settle(uuid, 'active')));
});
