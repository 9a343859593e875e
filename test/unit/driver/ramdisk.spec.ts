import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { StepOutcome, Wake } from '../../../src/domain/step/step.js';
import { AgentClient } from '../../../src/driver/agent/client.js';
import { Ramdisk } from '../../../src/driver/agent/ramdisk.js';
import type { BootTarget } from '../../../src/driver/contract/boot.js';
import type { Interfaces } from '../../../src/driver/contract/interfaces.js';
import type { ManagementInterface } from '../../../src/driver/contract/management.js';
import type { StepContext } from '../../../src/driver/contract/step.js';
import { DriverBench } from '../../support/driver-context.js';

type SetBootDevice = Parameters<ManagementInterface['setBootDevice']>;

/** A machine whose changes of power are kept. */
function machine() {
  const acts: string[] = [];
  let state = 'power on';
  const interfaces = {
    power: {
      getPowerState: async () => state,
      setPowerState: async (_context: StepContext, target: string) => {
        acts.push(target);
        state = target === 'power off' ? 'power off' : 'power on';
      },
    },
    management: {
      setBootDevice: async (...[_context, device, persistent, uri]: SetBootDevice) =>
        void acts.push([device, ...(persistent ? ['persistent'] : []), ...(uri ? [uri] : [])].join(' ')),
    },
    boot: {},
  } as unknown as Interfaces;
  return { acts, interfaces };
}

const PXE: BootTarget = { device: 'pxe', persistent: false };

const client = new AgentClient({ timeout: 1, attempts: 1, requireTls: true, ports: [] });
const enter = async (
  bench: DriverBench,
  interfaces: Interfaces,
  ramdisk: Ramdisk,
  wake: Wake,
  target: BootTarget | null = PXE,
): Promise<StepOutcome | undefined> => {
  const context = bench.context(interfaces, { wake });
  const outcome = ramdisk.isBooting(bench.saved)
    ? await ramdisk.arrival(context)
    : await ramdisk.launch(context, async () => target);
  if (outcome?.is === 'wait' && outcome.checkpoint !== undefined) bench.saved = outcome.checkpoint;
  return outcome;
};
const fresh = { is: 'wait', for: 'heartbeat', timeout: 'anew' };

describe('a machine whose ramdisk does not call back', () => {
  it('is started once more at its deadline, told in the history, and then given up', async () => {
    const { acts, interfaces } = machine();
    const bench = new DriverBench();
    const ramdisk = new Ramdisk(client);
    expect(await enter(bench, interfaces, ramdisk, 'start')).toMatchObject(fresh);
    expect(acts).toEqual(['power off', 'pxe', 'power on']);
    const driver_internal_info = {
      agent_secret_token: 'given to a ramdisk that died',
      agent_cached_clean_steps: { deploy: [] },
      ramdisk_boot: { ...PXE },
    };
    bench.committed = { ...bench.committed, driver_internal_info };
    expect(await enter(bench, interfaces, ramdisk, 'deadline')).toMatchObject(fresh);
    expect(acts.slice(3)).toEqual(['power off', 'pxe', 'power on']);
    expect(bench.told).toEqual([
      'The ramdisk did not call back in time: the machine is started again (1 of 1).',
    ]);
    expect(bench.committed.driver_internal_info).toEqual({
      agent_cached_clean_steps: { deploy: [] },
      ramdisk_boot: PXE,
    });
    // No new time is named: the step fails.
    expect(await enter(bench, interfaces, ramdisk, 'deadline')).toEqual({ is: 'wait', for: 'heartbeat' });
    expect(acts).toHaveLength(6);
  });

  it('is not started again by a poll, a heartbeat of nobody, or where the key says never', async () => {
    const { acts, interfaces } = machine();
    const bench = new DriverBench();
    await enter(bench, interfaces, new Ramdisk(client, 0), 'start');
    for (const wake of ['poll', 'heartbeat', 'deadline'] as const) {
      expect(await enter(bench, interfaces, new Ramdisk(client, 0), wake)).toEqual({
        is: 'wait',
        for: 'heartbeat',
      });
    }
    expect(acts).toHaveLength(3);
  });

  it('counts over a conductor that died: behind it the second start has its whole time', async () => {
    const { acts, interfaces } = machine();
    const bench = new DriverBench();
    const ramdisk = new Ramdisk(client);
    await enter(bench, interfaces, ramdisk, 'start');
    await enter(bench, interfaces, ramdisk, 'deadline');
    const before = acts.length;
    expect(await enter(bench, interfaces, ramdisk, 'restart')).toMatchObject(fresh);
    expect(acts).toHaveLength(before);
    expect(await enter(bench, interfaces, ramdisk, 'deadline')).toEqual({ is: 'wait', for: 'heartbeat' });
  });

  it('must not lose power and was reset: it is not reset again behind a conductor that died, but at its deadline', async () => {
    const { acts, interfaces } = machine();
    const bench = new DriverBench({ disable_power_off: true });
    const ramdisk = new Ramdisk(client);
    await ramdisk.launch(bench.context(interfaces, { wake: 'start' }), async () => PXE);
    expect(acts).toEqual(['pxe', 'rebooting']);
    // The outcome was not committed: `saved` is the checkpoint of the reset.
    expect(await enter(bench, interfaces, ramdisk, 'restart')).toMatchObject(fresh);
    expect(acts).toEqual(['pxe', 'rebooting', 'pxe']);
    expect(bench.told).toEqual([expect.stringMatching(/is not reset a second time/)]);
    bench.saved = { phase: 'booting', boots: 1 };
    await enter(bench, interfaces, ramdisk, 'deadline');
    expect(acts.slice(3)).toEqual(['pxe', 'rebooting']);
  });

  it('is started twice where a conductor of before left no number', async () => {
    const { interfaces } = machine();
    const bench = new DriverBench();
    bench.saved = { phase: 'booting' };
    expect(await enter(bench, interfaces, new Ramdisk(client), 'deadline')).toMatchObject({
      checkpoint: { boots: 2 },
    });
  });

  it('is started again from what its boot interface named, also by another conductor', async () => {
    const { acts, interfaces } = machine();
    const bench = new DriverBench();
    const ramdisk = new Ramdisk(client);
    const target: BootTarget = { device: 'uefihttp', persistent: false, uri: 'http://10.77.0.1/boot.iso' };
    const start = ['power off', 'uefihttp http://10.77.0.1/boot.iso', 'power on'];
    await enter(bench, interfaces, ramdisk, 'start', target);
    expect(acts).toEqual(start);
    await enter(bench, interfaces, ramdisk, 'deadline');
    expect(acts.slice(3)).toEqual(start);
    await interfaces.power.setPowerState(bench.context(interfaces), 'power off', 1);
    acts.length = 0;
    await enter(bench, interfaces, ramdisk, 'restart'); // its conductor had died before the power-on
    expect(acts).toEqual(start.slice(1));
  });

  it('starts as its firmware is set where the boot interface names nothing', async () => {
    const { acts, interfaces } = machine();
    const bench = new DriverBench();
    await enter(bench, interfaces, new Ramdisk(client), 'start', null);
    await enter(bench, interfaces, new Ramdisk(client), 'deadline');
    expect(acts).toEqual(['power off', 'power on', 'power off', 'power on']);
  });

  it('is started from the network where a conductor of before, which knew nothing else, has left nothing', async () => {
    const { acts, interfaces } = machine();
    const bench = new DriverBench({ driver_info: { force_persistent_boot_device: 'Always' } });
    bench.saved = { phase: 'booting', boots: 1 };
    await enter(bench, interfaces, new Ramdisk(client), 'deadline');
    expect(acts).toEqual(['power off', 'pxe persistent', 'power on']);
  });
});

describe('a ramdisk that has its token from its medium', () => {
  const target: BootTarget = { device: 'cdrom', persistent: false, agentToken: 'of the disc' };
  const token = { agent_secret_token: 'of the disc', agent_secret_token_pregenerated: true };

  it('is known by it, also when it is started again, and it does not stay for the next one', async () => {
    const { acts, interfaces } = machine();
    const bench = new DriverBench();
    const ramdisk = new Ramdisk(client);
    await enter(bench, interfaces, ramdisk, 'start', target);
    expect(bench.committed.driver_internal_info).toEqual({
      ...token,
      ramdisk_boot: { device: 'cdrom', persistent: false },
    });
    await enter(bench, interfaces, ramdisk, 'deadline');
    expect(acts).toEqual(['power off', 'cdrom', 'power on', 'power off', 'cdrom', 'power on']);
    expect(bench.committed.driver_internal_info).toMatchObject(token);
    await ramdisk.relaunch(bench.context(interfaces, {}), {});
    expect(bench.committed.driver_internal_info).toMatchObject(token);
    await ramdisk.launch(bench.context(interfaces, {}), async () => PXE);
    expect(bench.committed.driver_internal_info).toEqual({ ramdisk_boot: PXE });
  });
});

describe('a machine whose disc was never fetched', () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ['Date'] }));
  afterEach(() => vi.useRealTimers());
  const launched = async (fault: string | undefined) => {
    const { acts, interfaces } = machine();
    const boot = { fetching: { timeout: 7_000, fault: async () => fault } };
    const bench = new DriverBench();
    const all = { ...interfaces, boot } as unknown as Interfaces;
    const ramdisk = new Ramdisk(client);
    const first = await enter(bench, all, ramdisk, 'start');
    return { acts, first, again: (wake: Wake) => enter(bench, all, ramdisk, wake) };
  };

  it('fails at the first look and at the deadline, and is not started again', async () => {
    const { acts, first, again } = await launched('nothing of the disc was ever read');
    expect(first).toMatchObject({ ...fresh, pollAfter: 7_000 });
    vi.advanceTimersByTime(7_000);
    await expect(again('poll')).rejects.toThrow('nothing of the disc was ever read');
    await expect(again('deadline')).rejects.toThrow('nothing of the disc was ever read');
    expect(await again('heartbeat')).toEqual({ is: 'wait', for: 'heartbeat' });
    expect(acts).toEqual(['power off', 'pxe', 'power on']);
  });

  it.each<Wake>(['poll', 'restart', 'heartbeat'])('is not judged early: %s', async (wake) => {
    const { acts, again } = await launched('nothing of the disc was ever read');
    vi.advanceTimersByTime(3_000);
    expect(await again(wake)).toMatchObject({ is: 'wait', for: 'heartbeat', pollAfter: 4_000 });
    expect(acts).toEqual(['power off', 'pxe', 'power on']);
    vi.advanceTimersByTime(4_000);
    await expect(again('poll')).rejects.toThrow('nothing of the disc was ever read');
  });

  it('is waited for, and started again, where it was fetched', async () => {
    const { acts, again } = await launched(undefined);
    vi.advanceTimersByTime(7_000);
    expect(await again('poll')).toEqual({ is: 'wait', for: 'heartbeat' });
    expect(await again('deadline')).toMatchObject(fresh);
    expect(acts).toHaveLength(6);
  });
});
