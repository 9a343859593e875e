import { describe, expect, it } from 'vitest';
import type { StepOutcome, Wake } from '../../../src/domain/step/step.js';
import { AgentClient } from '../../../src/driver/agent/client.js';
import { Ramdisk } from '../../../src/driver/agent/ramdisk.js';
import type { Interfaces } from '../../../src/driver/contract/interfaces.js';
import type { StepContext } from '../../../src/driver/contract/step.js';
import { DriverBench } from '../../support/driver-context.js';

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
    management: { setBootDevice: async (_context: StepContext, device: string) => void acts.push(device) },
  } as unknown as Interfaces;
  return { acts, interfaces };
}

const client = new AgentClient({ timeout: 1, attempts: 1, requireTls: true, ports: [] });
const enter = async (
  bench: DriverBench,
  interfaces: Interfaces,
  ramdisk: Ramdisk,
  wake: Wake,
): Promise<StepOutcome | undefined> => {
  const context = bench.context(interfaces, { wake });
  const outcome = ramdisk.isBooting(bench.saved)
    ? await ramdisk.arrival(context)
    : await ramdisk.launch(context, async () => {});
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
    };
    bench.committed = { ...bench.committed, driver_internal_info };
    expect(await enter(bench, interfaces, ramdisk, 'deadline')).toMatchObject(fresh);
    expect(acts.slice(3)).toEqual(['power off', 'pxe', 'power on']);
    expect(bench.told).toEqual([
      'The ramdisk did not call back in time: the machine is started again (1 of 1).',
    ]);
    expect(bench.committed.driver_internal_info).toEqual({ agent_cached_clean_steps: { deploy: [] } });
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

  it('is started twice where a conductor of before left no number', async () => {
    const { interfaces } = machine();
    const bench = new DriverBench();
    bench.saved = { phase: 'booting' };
    expect(await enter(bench, interfaces, new Ramdisk(client), 'deadline')).toMatchObject({
      checkpoint: { boots: 2 },
    });
  });
});
