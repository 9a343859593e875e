import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { DatabaseAwayError, DriverCallTimeoutError, FerricError } from '../../../src/domain/errors.js';
import type { HardwareHealth } from '../../../src/domain/hardware/component.js';
import type { PowerInterface } from '../../../src/driver/contract/power.js';
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

const run = async (name: string, from = kit) => {
  const task = from.tasks.find((known) => known.name === name);
  if (!task) throw new Error(`no task ${name}`);
  await task.run(new AbortController().signal);
};
const manageable = async (driver_info = {}) => {
  const uuid = await kit.node(driver_info);
  await kit.conductor.verbs.provision(uuid, 'manage', {}, BY);
  await kit.settle(uuid, 'manageable');
  return uuid;
};
const at = (uuid: string) => kit.parts.nodes.get(uuid);
const record = (uuid: string, power_state: string) => kit.parts.nodes.update(uuid, { power_state }, null);

/** The power interface of that node throws it once it is asked. */
async function powerThrows(uuid: string, error: Error) {
  const { power } = kit.parts.registry.resolve(await at(uuid));
  return vi.spyOn(power, 'getPowerState').mockRejectedValue(error);
}

describe('health of a machine', () => {
  /** The power interface of that node shows power and health by one read. */
  const shows = async (uuid: string, health: HardwareHealth | null) => {
    const { power } = kit.parts.registry.resolve(await at(uuid));
    return Object.assign(power as PowerInterface, {
      look: vi.fn(async () => ({ power: 'power off' as const, health })),
    }).look;
  };

  it('is recorded at each power sync, and a change is told once', async () => {
    const uuid = await manageable();
    expect((await at(uuid)).health).toBeNull();
    for (const health of ['OK', 'Critical', 'Critical', null] as const) {
      const look = await shows(uuid, health);
      await run('power-sync');
      expect(look).toHaveBeenCalledTimes(1);
      expect((await at(uuid)).health).toBe(health);
    }
    const events = (await kit.parts.events.ofNode(uuid, 10)).filter((one) => one.event_type === 'monitoring');
    expect(events.map(({ event }) => event)).toEqual([
      "Node health status changed: health='None' (previously 'Critical')",
      "Node health status changed: health='Critical' (previously 'OK')",
      "Node health status changed: health='OK' (previously 'None')",
    ]);
  });

  it('is not asked for where that is turned off', async () => {
    await kit.stop(null);
    kit = await fakeConductor(database, { settings: { enable_health_monitoring: false } });
    await kit.start(null);
    const uuid = await manageable();
    const look = await shows(uuid, 'Warning');
    await run('power-sync');
    expect(look).not.toHaveBeenCalled();
    expect((await at(uuid)).health).toBeNull();
  });
});

describe('power sync', () => {
  it.each([
    ['the database', new DatabaseAwayError('lost', false)],
    ['the daemon’s own machine', Object.assign(new Error('spawn ipmitool EMFILE'), { code: 'EMFILE' })],
    ['a command that could not be started', new FerricError('command-failed', 'ipmitool is not installed')],
  ])('a failure of %s is none of the BMC', async (_, error) => {
    const uuid = await manageable();
    const asked = await powerThrows(uuid, error);
    for (let n = 0; n < 5; n++)
      await run('power-sync').catch((thrown: unknown) => expect(thrown).toBe(error));
    expect(asked).toHaveBeenCalledTimes(5);
    asked.mockRestore();
    expect(await at(uuid)).toMatchObject({ maintenance: false, fault: null, power_state: 'power off' });
  });

  it('a call that hangs until its limit counts as a read that failed', async () => {
    const uuid = await manageable();
    const asked = await powerThrows(uuid, new DriverCallTimeoutError(60_000));
    for (let n = 0; n < 3; n++) await run('power-sync');
    asked.mockRestore();
    expect(await at(uuid)).toMatchObject({
      maintenance: true,
      fault: 'power failure',
      maintenance_reason: expect.stringContaining('No end after 60 s'),
    });
    await run('power-failure-recovery');
    expect(await at(uuid)).toMatchObject({ maintenance: false, fault: null });
  });

  it('brings a machine back to the recorded state', async () => {
    const uuid = await manageable();
    await record(uuid, 'power on');
    await run('power-sync');
    const node = await at(uuid);
    expect(node.driver_internal_info['fake_power_state'] ?? node.power_state).toBe('power on');
    const events = await kit.parts.events.ofNode(uuid, 1);
    expect(events[0]?.event).toContain('brought back to "power on"');
  });

  it('adopts what the machine says where that is configured, and what nobody recorded', async () => {
    await kit.stop(null);
    kit = await fakeConductor(database, { settings: { force_power_state_during_sync: false } });
    await kit.start(null);
    const uuid = await manageable();
    await record(uuid, 'power on');
    await run('power-sync');
    expect((await at(uuid)).power_state).toBe('power off');
  });

  it('sets maintenance with a fault after three failures, and ends it when the BMC answers', async () => {
    const uuid = await manageable();
    const well = await manageable();
    await kit.conductor.nodes.update(uuid, () => ({ driver_info: { fake_fail_power: 'no answer' } }), BY);
    await run('power-sync');
    await run('power-sync');
    expect((await at(uuid)).maintenance).toBe(false);
    await run('power-sync');
    expect(await at(uuid)).toMatchObject({ maintenance: true, fault: 'power failure', power_state: 'error' });
    expect((await at(uuid)).last_error).toContain('no answer');
    expect((await at(well)).maintenance).toBe(false);

    await run('power-failure-recovery');
    expect((await at(uuid)).maintenance).toBe(true);
    await kit.conductor.nodes.update(uuid, () => ({ driver_info: {} }), BY);
    await run('power-failure-recovery');
    expect(await at(uuid)).toMatchObject({
      maintenance: false,
      fault: null,
      power_state: 'power off',
      last_error: null,
    });
  });

  it('machines that do not answer hold up no other, and go on being waited for over the end of the round', async () => {
    const slow = await Promise.all(Array.from({ length: 20 }, () => manageable()));
    const well = await manageable();
    const mute = { fake_delay_power: 600 };
    for (const uuid of slow) await kit.conductor.nodes.update(uuid, () => ({ driver_info: mute }), BY);
    await record(well, 'power on');
    const abort = new AbortController();
    const task = kit.tasks.find(({ name }) => name === 'power-sync')!;
    await task.run(abort.signal);
    expect((await kit.parts.events.ofNode(well, 1))[0]?.event).toContain('brought back to "power on"');
    abort.abort();
    await task.drain?.();
    for (const uuid of slow) expect((await at(uuid)).maintenance).toBe(false);
  });

  it('leaves alone what it must: maintenance, enroll, held and pending nodes', async () => {
    const enroll = await kit.node({ fake_fail_power: 'must not be asked' });
    const resting = await manageable();
    await kit.conductor.nodes.setMaintenance(resting, true, 'by hand', BY);
    await record(resting, 'power on');
    const pending = await manageable();
    await kit.parts.nodes.update(pending, { power_state: 'power on', target_power_state: 'power on' }, null);
    const held = await manageable();
    await record(held, 'power on');
    await kit.parts.nodes.reservations.reserve(held, 'other', 60);
    for (let i = 0; i < 4; i++) await run('power-sync');
    expect((await at(enroll)).maintenance).toBe(false);
    for (const uuid of [resting, pending, held]) expect((await at(uuid)).power_state).toBe('power on');
    // The operator's own maintenance is never ended by the recovery.
    await run('power-failure-recovery');
    expect((await at(resting)).maintenance).toBe(true);
  });
});

describe('what an operator said while the BMC was read', () => {
  /** Runs `meanwhile` once, when the sync asks for the node's reservation: its read is behind it. */
  const inBetween = (meanwhile: (uuid: string) => Promise<unknown>) => {
    const { reservations } = kit.parts.nodes;
    const reserve = reservations.reserve.bind(reservations);
    let left = 1;
    reservations.reserve = async (uuid, ...rest) => {
      if (left-- > 0) await meanwhile(uuid);
      return reserve(uuid, ...rest);
    };
    return () => {
      reservations.reserve = reserve;
    };
  };
  const byHand = (uuid: string) => kit.conductor.nodes.setMaintenance(uuid, true, 'by hand', BY);
  const dead = (uuid: string) =>
    kit.conductor.nodes.update(uuid, () => ({ driver_info: { fake_fail_power: 'no answer' } }), BY);

  it.each(['reads that fail', 'a power that does not stay'])('stands at the limit of %s', async (what) => {
    const uuid = await manageable();
    if (what === 'reads that fail') await dead(uuid);
    for (let i = 0; i < (what === 'reads that fail' ? 2 : 3); i++) {
      if (what !== 'reads that fail') await record(uuid, 'power on');
      await run('power-sync');
      if (what !== 'reads that fail') {
        // Somebody switches it off behind the conductor's back.
        await kit.conductor.nodes.update(uuid, () => ({ driver_internal_info: {} }), BY);
      }
    }
    const stop = inBetween(byHand);
    await run('power-sync');
    stop();
    const node = await at(uuid);
    expect(node).toMatchObject({ maintenance: true, maintenance_reason: 'by hand', fault: null });
    await kit.conductor.nodes.update(uuid, () => ({ driver_info: {} }), BY);
    await run('power-failure-recovery');
    expect(await at(uuid)).toMatchObject({ maintenance: true, maintenance_reason: 'by hand' });
  });

  it('stands when it comes behind the sync’s own: recovery ends the fault alone', async () => {
    const uuid = await manageable();
    await dead(uuid);
    for (let i = 0; i < 3; i++) await run('power-sync');
    expect(await at(uuid)).toMatchObject({ maintenance: true, fault: 'power failure' });
    await byHand(uuid);
    await kit.conductor.nodes.update(uuid, () => ({ driver_info: {} }), BY);
    await run('power-failure-recovery');
    expect(await at(uuid)).toMatchObject({
      maintenance: true,
      maintenance_reason: 'by hand',
      fault: null,
      power_state: 'power off',
    });
  });

  it('a node that went into a state which is not judged is left alone', async () => {
    const uuid = await manageable();
    await dead(uuid);
    await run('power-sync');
    await run('power-sync');
    const stop = inBetween((held) => kit.parts.nodes.update(held, { provision_state: 'clean wait' }, null));
    await run('power-sync');
    stop();
    expect(await at(uuid)).toMatchObject({ maintenance: false, fault: null });
  });
});

it('a conductor whose host name another process took learns of it', async () => {
  const other = await fakeConductor(database);
  await other.start(null);
  await expect(run('liveness')).rejects.toThrow('replaced');
  await run('liveness', other);
  await other.stop(null);
});
