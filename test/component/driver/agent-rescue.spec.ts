import { afterEach, describe, expect, it } from 'vitest';
import type { Extension } from '../../../agent/src/command-board.js';
import type { StepOutcome, Wake } from '../../../src/domain/step/step.js';
import type { InstanceImageSource } from '../../../src/driver/agent/instance-image.js';
import { agentImplementations } from '../../../src/driver/composition.js';
import { shaCrypt } from '../../../src/driver/sha-crypt.js';
import { AgentMachine } from '../../support/agent-machine.js';
import { driverConfig } from '../../support/driver-config.js';
import { DriverBench } from '../../support/driver-context.js';
import { PublishedInMemory } from '../../support/published.js';

const PASSWORD = 'canary-rescue';
let machine: AgentMachine;
afterEach(() => machine[Symbol.asyncDispose]());

function bed(instance_info: object = { rescue_password: PASSWORD, image_source: 'x' }) {
  const bench = new DriverBench({ instance_info: instance_info as never, provision_state: 'rescuing' });
  bench.ports = [{ uuid: 'p', address: '52:54:00:00:00:01', pxe_enabled: true, extra: {} }];
  const rescue: Extension = {
    finalize_rescue: {
      kind: 'sync',
      run: async () => {
        // As upstream's agent does, and ours: with the answer the API ends.
        const { server } = machine;
        setTimeout(() => void server?.close(), 20);
        return null;
      },
    },
  };
  machine = new AgentMachine(bench, { rescue });
  const parts = { images: {} as InstanceImageSource, published: new PublishedInMemory() };
  const deploy = { command_timeout: 20, max_command_attempts: 1, command_wait_interval: 0.1 };
  const conductor = { rescue_password_hash_algorithm: 'sha512' };
  const config = driverConfig('/nonexistent', { deploy, conductor });
  const [driver] = agentImplementations({ ...parts, config }).rescue;
  const enter = async (name: string, wake: Wake): Promise<StepOutcome> => {
    if (wake === 'start') bench.saved = null;
    const { run } = driver.steps.find((step) => step.name === name)!;
    const outcome = await run(bench.context(machine.interfaces, { step: name, wake }));
    if (outcome.is === 'wait' && outcome.checkpoint !== undefined) bench.saved = outcome.checkpoint;
    return outcome;
  };
  return { bench, driver, enter };
}

describe('agent rescue', () => {
  it('boots the rescue ramdisk, gives it the hashed password and forgets both', async () => {
    const { bench, enter } = bed();
    expect(await enter('rescue', 'start')).toMatchObject({ is: 'wait', for: 'heartbeat' });
    expect(machine.kernelParameters).toEqual({ 'ipa-api-url': 'http://10.77.0.1:6386' });
    expect(await enter('rescue', 'heartbeat')).toEqual({ is: 'done' });
    const { params } = machine.heard[0]!;
    const hash = String(params['rescue_password']);
    expect(params).toEqual({ rescue_password: hash, hashed: true });
    expect(shaCrypt(PASSWORD, 'sha512', hash.split('$')[2])).toBe(hash);
    expect(bench.committed.instance_info).toEqual({ image_source: 'x' });
    expect(bench.committed.driver_internal_info).toEqual({});
    expect(machine.acts).toEqual([
      'clean up instance',
      'prepare ramdisk',
      'pxe',
      'power on',
      'clean up ramdisk',
    ]);
    expect(machine.on).toBe(true);

    expect(await enter('unrescue', 'start')).toEqual({ is: 'done' });
    expect(machine.acts.slice(5)).toEqual([
      'power off',
      'clean up ramdisk',
      'prepare instance',
      'disk persistent',
      'power on',
    ]);
    expect(bench.lines.join()).not.toContain('canary');
  });
  it('knows after its own death that the agent has heard it', async () => {
    const { bench, enter } = bed();
    await enter('rescue', 'start');
    expect(await enter('rescue', 'heartbeat')).toEqual({ is: 'done' });
    // The answer came, the commit did not: the password is still there, the agent's API is gone.
    bench.committed = { ...bench.committed, instance_info: { rescue_password: PASSWORD } };
    machine.report();
    bench.saved = 'finalizing';
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(await enter('rescue', 'restart')).toEqual({ is: 'done' });
    expect(machine.count('rescue.finalize_rescue')).toBe(1);
    expect(bench.committed.instance_info).toEqual({});
  });
  it('does not take an agent that is away for one that has heard it', async () => {
    const { bench, enter } = bed();
    await enter('rescue', 'start');
    await machine.server!.close();
    expect(await enter('rescue', 'heartbeat')).toMatchObject({
      is: 'wait',
      for: 'poll',
      checkpoint: 'asking',
    });
    expect(await enter('rescue', 'poll')).toMatchObject({ is: 'wait', checkpoint: 'asking' });
    expect(bench.committed.instance_info).toHaveProperty('rescue_password');
  });
  it('cleans up: no password, no ramdisk, no power', async () => {
    const { bench, driver, enter } = bed();
    await enter('rescue', 'start');
    await driver.cleanUp(bench.context(machine.interfaces));
    expect(bench.committed.instance_info).toEqual({ image_source: 'x' });
    expect(machine.acts.slice(-2)).toEqual(['power off', 'clean up ramdisk']);
  });
  it.each([
    [{}, "is missing 'instance_info/rescue_password'"],
    [{ rescue_password: ' ' }, 'is an empty string'],
  ])('refuses %j', async (info, fault) => {
    const { bench, driver } = bed(info);
    await expect(driver.validate(bench.context(machine.interfaces))).rejects.toThrow(fault);
  });
});
