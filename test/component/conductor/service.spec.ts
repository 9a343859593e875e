import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/domain/json.js';
import type { ProvisionState } from '../../../src/domain/provision/table.js';
import { HardwareRepository } from '../../../src/persistence/hardware/hardware.repository.js';
import { BY, fakeConductor } from '../../support/conductor.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';

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
const at = (state: ProvisionState, driver_info: JsonObject = {}, more = {}) =>
  kit.node(driver_info, { provision_state: state, power_state: 'power on', ...more });
const service = (uuid: string, ...service_steps: object[]) => ask(uuid, 'service', { service_steps });
const walk = async (uuid: string) => (await kit.states(uuid)).filter((state, i, all) => state !== all[i - 1]);
const step = async (uuid: string) => (await kit.parts.operations.currentSteps([uuid])).get(uuid);
const log = { interface: 'vendor', step: 'log_passthrough' };
const never = { interface: 'vendor', step: 'trigger_servicewait' };
const hold = { interface: 'deploy', step: 'hold' };
const image = { image_source: 'http://images/disk.raw', image_checksum: 'a'.repeat(64) };

describe('service', () => {
  it('runs the steps that were asked for, without the ramdisk when none needs it', async () => {
    const uuid = await at('active', { fake_journal: 'service' });
    const accepted = await service(uuid, log, { interface: 'power', step: 'reboot' });
    expect(accepted).toMatchObject({ provision_state: 'servicing', target_provision_state: 'active' });
    const node = await kit.settle(uuid, 'active');
    expect(node).toMatchObject({ last_error: null, maintenance: false, target_provision_state: null });
    expect(kit.effects('service')).toEqual(['log_passthrough', 'rebooting']);
    expect(await walk(uuid)).toEqual(['active', 'servicing', 'active']);
  });

  it('boots the ramdisk for a step that may be its agent’s, and fails when nobody knows the step', async () => {
    const uuid = await at('active', { fake_delay_prepare_service: 0.02 });
    await service(uuid, log, { interface: 'deploy', step: 'nosuch' });
    const node = await kit.settle(uuid, 'service failed');
    expect(node.last_error).toContain(
      "node does not support this service step: {'interface': 'deploy', 'step': 'nosuch'}",
    );
    // No step ran: nothing to look after.
    expect(node).toMatchObject({ maintenance: false, fault: null });
    expect(await walk(uuid)).toContain('service wait');
    await ask(uuid, 'abort');
    expect(await kit.settle(uuid, 'active')).toMatchObject({ last_error: null });
  });

  it('fails a step with maintenance and fault; abort waits for the end of the maintenance', async () => {
    const uuid = await at('active', { fake_fail_log_passthrough: 'no paper' });
    await service(uuid, log);
    const failed = await kit.settle(uuid, 'service failed');
    expect(failed).toMatchObject({ maintenance: true, fault: 'service failure' });
    expect(failed.last_error).toBe('Servicing failed: vendor.log_passthrough: no paper');
    await expect(ask(uuid, 'abort')).rejects.toMatchObject({ code: 'conflict' });
    await kit.conductor.nodes.setMaintenance(uuid, false, null, BY);
    await ask(uuid, 'abort');
    await kit.settle(uuid, 'active');
  });

  it('is aborted in service wait, into active as upstream does', async () => {
    const uuid = await at('active', { fake_journal: 'aborted' });
    await service(uuid, never);
    await kit.settle(uuid, 'service wait');
    for (let i = 0; i < 300 && (await step(uuid))?.step.name !== 'trigger_servicewait'; i++) await sleep(10);
    await kit.settle(uuid, 'service wait');
    await ask(uuid, 'abort');
    const node = await kit.settle(uuid, 'active');
    expect(node.last_error).toBe(
      'By request, the service operation was aborted during or after the completion of step "vendor.trigger_servicewait"',
    );
    expect((await walk(uuid)).slice(-2)).toEqual(['service failed', 'active']);
    expect(kit.effects('aborted').slice(-2)).toEqual(['boot device disk', 'power on']);
  });

  it('refuses what upstream refuses', async () => {
    const uuid = await at('active');
    await service(uuid, { ...log, args: { nosuch: 1 } });
    const node = await kit.settle(uuid, 'service failed');
    expect(node.last_error).toContain('has these unexpected arguments: nosuch');
    const other = await at('active');
    await ask(other, 'service', { service_steps: [never], disable_ramdisk: true });
    expect((await kit.settle(other, 'service failed')).last_error).toContain('requires booting a ramdisk');
    const kept = await at('active');
    await kit.conductor.nodes.setMaintenance(kept, true, null, BY);
    await expect(service(kept, log)).rejects.toThrow("The service operation can't be performed");
  });
});

describe('secrets in the arguments of steps', () => {
  it('are sealed while the work is under way, masked where it is shown, and whole where the step runs', async () => {
    const uuid = await at('active');
    const settings = [{ name: 'fan', value: 'loud', admin_password: 'canary-argument' }];
    const secret = { interface: 'bios', step: 'apply_configuration', args: { settings } };
    await service(uuid, hold, secret);
    await kit.settle(uuid, 'service hold');
    const stored = await database.source.query<{ text: string; args: JsonObject; operation_id: string }[]>(
      `select s::text as text, s.args, s.operation_id from operation_step s where name = 'apply_configuration'`,
    );
    expect(stored.map(({ text }) => text).join()).not.toContain('canary-argument');
    expect(stored[0]!.args).toEqual({ settings: [{ ...settings[0], admin_password: '******' }] });
    const { journal } = (await kit.parts.operations.load(stored[0]!.operation_id))!;
    expect(journal.steps.find(({ name }) => name === 'apply_configuration')!.args).toEqual({ settings });
    await ask(uuid, 'unhold');
    await kit.settle(uuid, 'active');
    expect(await new HardwareRepository(database.source).biosSettings(uuid)).toMatchObject([
      { name: 'fan', value: 'loud' },
    ]);
    const after = await database.source.query<{ text: string }[]>(
      `select s::text as text from operation_step s`,
    );
    expect(after.map(({ text }) => text).join()).not.toContain('canary-argument');
  });
});

describe('hold', () => {
  it('keeps a service on hold until it is let go, over a restart', async () => {
    const uuid = await at('active', { fake_journal: 'held' });
    await service(uuid, hold, log);
    const held = await kit.settle(uuid, 'service hold');
    expect(held.target_provision_state).toBe('active');
    expect(await step(uuid)).toMatchObject({ kind: 'service', step: { name: 'hold' } });
    await kit.stop(null);
    kit = await fakeConductor(database, { journalDirectory: kit.journalDirectory });
    await kit.start(null);
    await kit.settle(uuid, 'service hold');
    await ask(uuid, 'unhold');
    await kit.settle(uuid, 'active');
    expect(kit.effects('held')).toEqual(['log_passthrough']);
    expect(await walk(uuid)).toEqual([
      'active',
      'servicing',
      'service hold',
      'service wait',
      'servicing',
      'active',
    ]);
  });

  it('lets go what was let go right before a crash', async () => {
    const uuid = await at('active');
    await service(uuid, hold, log);
    await kit.settle(uuid, 'service hold');
    const open = await kit.parts.operations.openOf(uuid);
    await kit.stop(null);
    // As the verb leaves it when the conductor dies before it wakes the work.
    await database.source.query(`update node set provision_state = 'service wait' where uuid = $1`, [uuid]);
    await kit.parts.operations.release(open!.id, 'released', database.source.manager);
    kit = await fakeConductor(database);
    await kit.start(null);
    await kit.settle(uuid, 'active');
  });

  it('is aborted in service hold', async () => {
    const uuid = await at('active');
    await service(uuid, hold);
    await kit.settle(uuid, 'service hold');
    await ask(uuid, 'abort');
    expect((await kit.settle(uuid, 'active')).last_error).toContain('aborted');
  });

  it('holds a cleaning, which goes on behind it, and one that is aborted', async () => {
    for (const [verb, state] of [
      ['unhold', 'manageable'],
      ['abort', 'clean failed'],
    ] as const) {
      const uuid = await at('manageable');
      await ask(uuid, 'clean', { clean_steps: [{ interface: 'power', step: 'power_off' }, hold, log] });
      const held = await kit.settle(uuid, 'clean hold');
      expect(held).toMatchObject({ power_state: 'power off', target_provision_state: 'manageable' });
      await ask(uuid, verb);
      expect(await kit.settle(uuid, state)).toMatchObject({
        maintenance: false,
        target_provision_state: verb === 'abort' ? 'manageable' : null,
      });
    }
  });

  it('holds a deployment between its steps', async () => {
    const uuid = await at('available', {}, { instance_info: image });
    await ask(uuid, 'active', { deploy_steps: [{ ...hold, args: {}, priority: 90 }] });
    await kit.settle(uuid, 'deploy hold');
    await expect(ask(uuid, 'deleted')).rejects.toMatchObject({ code: 'invalid' });
    await ask(uuid, 'unhold');
    await kit.settle(uuid, 'active');
    const other = await at('available', {}, { instance_info: image });
    await ask(other, 'active', { deploy_steps: [{ ...hold, args: {}, priority: 90 }] });
    await kit.settle(other, 'deploy hold');
    await ask(other, 'abort');
    await kit.settle(other, 'deploy failed');
  });
});

describe('the step wait', () => {
  it('pauses for its seconds, and without them until the next heartbeat', async () => {
    const uuid = await at('manageable');
    const began = performance.now();
    await ask(uuid, 'clean', { clean_steps: [{ interface: 'deploy', step: 'wait', args: { seconds: 1 } }] });
    await kit.settle(uuid, 'clean wait');
    await kit.settle(uuid, 'manageable');
    expect(performance.now() - began).toBeGreaterThan(1_000);
    await ask(uuid, 'clean', { clean_steps: [{ interface: 'deploy', step: 'wait' }] });
    await kit.settle(uuid, 'clean wait');
    const { agent_token } = await kit.conductor.agents.lookUp({
      addresses: [],
      node_uuid: uuid,
      source: '127.0.0.1',
    });
    const beat = {
      callback_url: 'https://127.0.0.1:9999',
      agent_token: agent_token!,
      agent_version: '9.1.0',
    };
    await kit.conductor.agents.heartbeat(uuid, beat, '127.0.0.1');
    await kit.settle(uuid, 'manageable');
  });
});

it('cleans without the ramdisk', async () => {
  const uuid = await at('manageable', { fake_journal: 'oob' });
  await ask(uuid, 'clean', {
    clean_steps: [{ interface: 'power', step: 'power_on' }],
    disable_ramdisk: true,
  });
  await kit.settle(uuid, 'manageable');
  expect(kit.effects('oob')).toEqual(['power on']);
  await ask(uuid, 'clean', {
    clean_steps: [{ interface: 'deploy', step: 'erase_devices' }],
    disable_ramdisk: true,
  });
  expect((await kit.settle(uuid, 'clean failed')).last_error).toContain(
    'node does not support this clean step',
  );
});

it('a token that nobody has used is given again to the same asker at the same address alone', async () => {
  const uuid = await kit.node({}, { provision_state: 'wait call-back' });
  const asked = { addresses: ['52:54:00:00:00:01'], node_uuid: uuid };
  const first = await kit.conductor.agents.lookUp({ ...asked, source: '10.0.0.1' });
  expect(first.agent_token).not.toBeNull();
  expect((await kit.conductor.agents.lookUp({ ...asked, source: '10.0.0.2' })).agent_token).toBeNull();
  expect(
    (await kit.conductor.agents.lookUp({ ...asked, addresses: [], source: '10.0.0.1' })).agent_token,
  ).toBeNull();
  const again = await kit.conductor.agents.lookUp({ ...asked, source: '10.0.0.1' });
  expect(again.agent_token).toBe(first.agent_token);
});
