import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Extension } from '../../../agent/src/command-board.js';
import { AgentError } from '../../../agent/src/error.js';
import { type PlannedStep, type Wake } from '../../../src/domain/step/step.js';
import type { BootTarget } from '../../../src/driver/contract/boot.js';
import { type Bed, DeployWorld, IMAGE } from '../../support/deploy-world.js';
import { NODE_UUID } from '../../support/driver-context.js';

let world: DeployWorld;
beforeEach(() => {
  world = new DeployWorld();
});
afterEach(() => world.remove());

describe('cleaning', () => {
  /** The one key that has disks overwritten. */
  const FULL = { erase_devices_priority: 10 };
  const step = (name: string, priority: number, extra = {}) => ({
    step: name,
    interface: 'deploy',
    priority,
    reboot_requested: false,
    abortable: true,
    ...extra,
  });
  const clean = (
    versions: string[],
    steps = [step('erase_devices', 10), step('erase_devices_metadata', 99)],
  ) => {
    const ran: string[] = [];
    const extension: Extension = {
      get_clean_steps: {
        kind: 'sync',
        run: async () => ({ clean_steps: { m: steps }, hardware_manager_version: { m: versions[0]! } }),
      },
      execute_clean_step: {
        kind: 'async',
        run: async (params) => {
          const { clean_version, step: given } = params as {
            clean_version: { m: string };
            step: { step: string };
          };
          if (versions.length > 1 && clean_version.m === versions[0]) {
            versions.shift();
            throw new AgentError('VersionMismatch', 409, 'mismatch', 'x');
          }
          ran.push(given.step);
          return { clean_step: given as never, clean_result: null };
        },
      },
    };
    return { extension, ran };
  };
  /** Plays the journal: collected steps go in behind the one that collected them. */
  async function play(at: Bed, args = {}): Promise<string[]> {
    const names: string[] = [];
    await at.enter('prepare_cleaning', 'start');
    expect(await at.enter('prepare_cleaning', 'heartbeat')).toEqual({ is: 'done' });
    const queue: Pick<PlannedStep, 'name' | 'agent' | 'args'>[] = [
      { name: 'collect_clean_steps', agent: false, args },
    ];
    for (let next = queue.shift(); next; next = queue.shift()) {
      names.push(next.name);
      const { agent, name, args: given } = next;
      const outcome = agent
        ? (
            await at.bench.drive(at.machine.interfaces, (context) => at.deploy.runAgentStep(context), {
              step: name,
              args: given,
            })
          ).outcome
        : await at.drive(name, given);
      if (outcome.is === 'done') queue.unshift(...(outcome.insert ?? []));
    }
    expect(await at.drive('tear_down_cleaning')).toEqual({ is: 'done' });
    return names;
  }
  const cleaning = (extension: Extension, settings = {}, fields = {}) => {
    const at = world.bed({ target_provision_state: 'available', ...fields }, { clean: extension }, settings);
    at.bench.kind = 'clean';
    return at;
  };

  it('runs what the agent offers, by its priorities, then switches off and forgets', async () => {
    const { extension, ran } = clean(['1']);
    await using at = cleaning(extension, FULL);
    await play(at);
    expect(ran).toEqual(['erase_devices_metadata', 'erase_devices']);
    expect(at.machine.on).toBe(false);
    expect(at.machine.acts.at(-1)).toBe('clean up ramdisk');
    const given = at.machine.heard.find((one) => one.name === 'clean.execute_clean_step')!.params;
    expect(given).toMatchObject({
      clean_version: { m: '1' },
      node: { uuid: NODE_UUID, driver_internal_info: { agent_erase_devices_iterations: 1 } },
      ports: [{ address: '52:54:00:00:00:01' }],
    });
    expect(JSON.stringify(at.machine.heard)).not.toContain('canary');
    expect(
      Object.keys(at.bench.committed.driver_internal_info).filter((key) => /token|url|cached/.test(key)),
    ).toEqual([]);
  });

  it('overwrites no disk unless it is told to, and says so where it is', async () => {
    const { extension, ran } = clean(
      ['1'],
      [step('erase_devices', 10), step('erase_devices_metadata', 99), step('erase_devices_express', 0)],
    );
    await using at = cleaning(extension);
    await play(at);
    expect(ran).toEqual(['erase_devices_metadata', 'erase_devices_express']);
    expect(at.deploy.notice()).toBeUndefined();
    await using full = cleaning(extension, FULL);
    expect(full.deploy.notice()).toMatch(/overwrites every byte .* 30 hours for 8 TB/);
  });

  it('shows in the API how far a step is, and what time is left', async () => {
    let end = () => {};
    const erasing: Extension = {
      execute_clean_step: {
        kind: 'async',
        run: (_params, context) => {
          context.progress({ phase: 'erase', bytes: 4e12, total: 16e12, seconds_left: 80_000 });
          return new Promise((resolve) => {
            end = () => resolve({ clean_result: null });
          });
        },
      },
    };
    await using at = cleaning(erasing, FULL);
    await at.enter('prepare_cleaning', 'start');
    await at.enter('prepare_cleaning', 'heartbeat');
    const enter = async (wake: Wake) => {
      const context = at.bench.context(at.machine.interfaces, { step: 'erase_devices', wake });
      const outcome = await at.deploy.runAgentStep(context);
      if (outcome.is === 'wait' && outcome.checkpoint !== undefined) at.bench.saved = outcome.checkpoint;
      return outcome;
    };
    at.bench.saved = null;
    await enter('start');
    expect(await enter('poll')).toMatchObject({ is: 'wait' });
    expect(at.bench.committed.driver_internal_info['clean_progress']).toEqual({
      phase: 'erase',
      bytes: 4e12,
      total: 16e12,
      seconds_left: 80_000,
    });
    end();
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(await enter('heartbeat')).toEqual({ is: 'done' });
    expect(at.bench.committed.driver_internal_info).not.toHaveProperty('clean_progress');
  });

  it('heeds configured priorities, and an operator’s list', async () => {
    const automatic = clean(['1']);
    await using one = cleaning(automatic.extension, { erase_devices_priority: 0 });
    await play(one);
    expect(automatic.ran).toEqual(['erase_devices_metadata']);
    const manual = clean(['1'], [step('burnin_cpu', 0)]);
    await using two = cleaning(manual.extension);
    await play(two, { requested: [{ interface: 'deploy', step: 'burnin_cpu' }] });
    expect(manual.ran).toEqual(['burnin_cpu']);
  });

  it.each<BootTarget>([
    { device: 'pxe', persistent: false },
    { device: 'cdrom', persistent: false, mode: 'uefi' },
    { device: 'uefihttp', persistent: false, uri: 'http://10.77.0.1/boot.iso' },
  ])('boots the ramdisk anew where a step asks for it, from $device too', async (target) => {
    const { extension, ran } = clean(
      ['1'],
      [step('flash', 50, { reboot_requested: true }), step('after', 10)],
    );
    await using at = cleaning(extension);
    at.machine.target = target;
    await play(at);
    expect(ran).toEqual(['flash', 'after']);
    const { device } = target;
    const acts = at.machine.acts.filter((act) => act === 'power on' || act === device);
    expect(acts).toEqual([device, 'power on', device, 'power on']);
    expect(at.machine.acts.filter((act) => act === 'prepare ramdisk')).toHaveLength(1);
    expect(at.bench.committed.driver_internal_info).not.toHaveProperty('ramdisk_boot');
  });

  it('begins anew when the agent’s hardware managers changed, and runs no step twice over', async () => {
    const { extension, ran } = clean(['1', '2']);
    await using at = cleaning(extension, FULL);
    const names = await play(at);
    expect(ran).toEqual(['erase_devices_metadata', 'erase_devices']);
    expect(names.filter((name) => name === 'collect_clean_steps')).toHaveLength(2);
  });

  it('does not guess in manual cleaning what changed hardware managers mean', async () => {
    const { extension } = clean(['1', '2']);
    await using at = cleaning(extension, {}, { target_provision_state: 'manageable' });
    await expect(play(at, { requested: [{ interface: 'deploy', step: 'erase_devices' }] })).rejects.toThrow(
      'hardware managers changed during manual cleaning',
    );
  });

  it('leaves nothing of an instance behind in tear-down, twice without harm', async () => {
    await using at = await world.ready({ instance_info: { ...IMAGE, image_source: 'file:///images/x' } });
    for (const _ of [1, 2]) expect(await at.drive('tear_down')).toEqual({ is: 'done' });
    expect(at.machine.on).toBe(false);
    expect(existsSync(join(world.directory, 'http/agent_images', NODE_UUID))).toBe(false);
    expect(at.bench.committed.driver_internal_info).toEqual({});
  });
});

describe('service', () => {
  const serving = (fail = false) => {
    const ran: string[] = [];
    const extension: Extension = {
      get_service_steps: {
        kind: 'sync',
        run: async () => ({
          service_steps: {
            m: [
              {
                step: 'burnin_cpu',
                interface: 'deploy',
                priority: 0,
                reboot_requested: false,
                abortable: true,
              },
            ],
          },
          hardware_manager_version: { m: '1' },
        }),
      },
      execute_service_step: {
        kind: 'async',
        run: async (params) => {
          if (fail) throw new AgentError('Broken', 500, 'Broken', 'on fire');
          const { step: given, service_version } = params as {
            step: { step: string };
            service_version: object;
          };
          ran.push(`${given.step} ${JSON.stringify(service_version)}`);
          return { service_step: given as never, service_result: null };
        },
      },
    };
    const at = world.bed({ provision_state: 'servicing' }, { service: extension });
    at.bench.kind = 'service';
    return { at, ran };
  };
  const run = async (at: Bed) => {
    await at.enter('prepare_service', 'start');
    expect(await at.enter('prepare_service', 'heartbeat')).toEqual({ is: 'done' });
    const requested = [{ interface: 'deploy', step: 'burnin_cpu' }];
    const collected = await at.drive('collect_service_steps', { requested });
    const [planned] = collected.is === 'done' ? (collected.insert ?? []) : [];
    expect(planned).toMatchObject({ name: 'burnin_cpu', agent: true });
    await at.bench.drive(at.machine.interfaces, (context) => at.deploy.runAgentStep(context), {
      step: 'burnin_cpu',
    });
  };

  it('runs the agent’s steps that were asked for, and starts the instance again', async () => {
    const { at, ran } = serving();
    await using _at = at;
    await run(at);
    expect(ran).toEqual(['burnin_cpu {"m":"1"}']);
    expect(await at.drive('tear_down_service')).toEqual({ is: 'done' });
    expect(at.machine.acts.slice(-4)).toEqual([
      'clean up ramdisk',
      'prepare instance',
      'disk persistent',
      'power on',
    ]);
    const internal = Object.keys(at.bench.committed.driver_internal_info);
    expect(internal.filter((key) => /agent_|service/.test(key))).toEqual([]);
    // Without the ramdisk there is nothing to come back from.
    const acts = at.machine.acts.length;
    await at.drive('tear_down_service');
    expect(at.machine.acts.length).toBe(acts);
  });

  it('fails in the agent’s words; an abort brings the instance back', async () => {
    const { at } = serving(true);
    await using _at = at;
    await expect(run(at)).rejects.toThrow('on fire');
    const context = at.bench.context(at.machine.interfaces);
    await at.deploy.cleanUpFailure(context, { uuid: 'u', kind: 'service', reason: 'aborted', aborted: true });
    expect(at.machine.acts.slice(-2)).toEqual(['disk persistent', 'power on']);
    expect(at.bench.committed.driver_internal_info['service_ramdisk']).toBeUndefined();
  });
});
