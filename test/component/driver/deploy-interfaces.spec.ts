import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Extension } from '../../../agent/src/command-board.js';
import type { Json, JsonObject } from '../../../src/domain/json.js';
import type { PlannedStep, StepOutcome, Wake } from '../../../src/domain/step/step.js';
import { AgentRaid } from '../../../src/driver/agent/agent-raid.js';
import { agentImplementations } from '../../../src/driver/composition.js';
import type { DriverNode } from '../../../src/driver/contract/context.js';
import { memoryInstance } from '../../../src/driver/pxe/memory-boot.js';
import { AgentMachine } from '../../support/agent-machine.js';
import { driverConfig } from '../../support/driver-config.js';
import { DriverBench } from '../../support/driver-context.js';
import { PublishedInMemory } from '../../support/published.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'deploy-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const never = () => Promise.reject(new Error('no image is asked for'));

/** What the agent lists, runs and returns. */
class Offer {
  steps: JsonObject[] = [];
  result: Json = null;
  readonly extension = (kind: 'deploy' | 'clean'): Extension => ({
    [`get_${kind}_steps`]: {
      kind: 'sync',
      run: async () => ({ [`${kind}_steps`]: { m: this.steps }, hardware_manager_version: { m: '1' } }),
    },
    [`execute_${kind}_step`]: {
      kind: 'async',
      run: async () => ({ [`${kind}_result`]: this.result }),
    },
  });
}

function bed(name: 'ramdisk' | 'custom-agent', fields: Partial<DriverNode>) {
  const bench = new DriverBench(fields);
  bench.ports = [{ uuid: 'p', address: '52:54:00:00:00:01', pxe_enabled: true, extra: {} }];
  const offer = new Offer();
  const machine = new AgentMachine(bench, {
    deploy: offer.extension('deploy'),
    clean: offer.extension('clean'),
  });
  Object.assign(machine.interfaces.boot, {
    inMemory: {
      validate: async ({ node }: { node: DriverNode }) => void memoryInstance(node),
      parts: async ({ node }: { node: DriverNode }) => memoryInstance(node),
    },
  });
  const [, ramdisk, custom] = agentImplementations({
    config: driverConfig(directory),
    images: {
      validate: () => void never(),
      resolve: never,
      checkKind: never,
      fetchTo: never,
      pathsIn: never,
    },
    published: new PublishedInMemory(),
  }).deploy;
  const deploy = { ramdisk, 'custom-agent': custom }[name];
  const context = (name: string, wake: Wake, args: JsonObject = {}, owner = 'deploy') => {
    if (wake === 'start') bench.saved = null;
    const made = bench.context(machine.interfaces, { step: name, wake, args });
    return Object.assign(made, { step: { ...made.step, interface: owner } });
  };
  const kept = (outcome: StepOutcome) => {
    if (outcome.is === 'wait' && outcome.checkpoint !== undefined) bench.saved = outcome.checkpoint;
    return outcome;
  };
  const runOf = (name: string) => deploy.steps.find((step) => step.name === name)!.run;
  return {
    bench,
    machine,
    offer,
    deploy,
    context,
    /** One entry. */
    enter: async (name: string, wake: Wake = 'start', args: JsonObject = {}) =>
      kept(await runOf(name)(context(name, wake, args))),
    /** To its end. */
    drive: async (name: string) =>
      (await bench.drive(machine.interfaces, runOf(name), { step: name })).outcome,
    agentStep: async (owner: string, name: string, args: JsonObject = {}) => {
      let outcome = kept(await deploy.runAgentStep(context(name, 'start', args, owner)));
      while (outcome.is === 'wait') {
        await new Promise((resolve) => setTimeout(resolve, 20));
        outcome = kept(await deploy.runAgentStep(context(name, 'poll', args, owner)));
      }
      return outcome;
    },
    [Symbol.asyncDispose]: () => machine[Symbol.asyncDispose](),
  };
}

describe('deploy interface ramdisk', () => {
  const PARTS = { kernel: 'http://images/k', ramdisk: 'http://images/r' };
  const ramdisk = (instance_info: JsonObject, fields: Partial<DriverNode> = {}) =>
    bed('ramdisk', { instance_info, ...fields });

  it.each([[PARTS], [{ boot_iso: 'http://images/live.iso' }]])(
    'starts %j from the network for good; no agent, no image, no disk',
    async (info) => {
      await using at = ramdisk({ ...info, configdrive: 'H4sI' });
      at.machine.on = true;
      expect(at.deploy.steps.filter((step) => step.kind === 'deploy').map((step) => step.name)).toEqual([
        'prepare_deploy',
        'deploy',
      ]);
      expect(await at.drive('prepare_deploy')).toEqual({ is: 'done' });
      expect(await at.drive('deploy')).toEqual({ is: 'done' });
      expect(at.machine.acts).toEqual(['power off', 'prepare instance', 'pxe persistent', 'power on']);
      expect(at.machine.heard).toEqual([]);
      expect(at.bench.committed.driver_internal_info['instance_boot']).toEqual({ ...info, in_memory: true });
      expect(at.bench.lines.join()).toContain('the config drive is left out');
    },
  );

  it('is rebuilt with what is asked for now, and forgets all of it at the tear-down', async () => {
    await using at = ramdisk(PARTS, {
      driver_internal_info: { is_whole_disk_image: false, root_uuid_or_disk_id: 'u', deployed_layout: {} },
    });
    await at.drive('prepare_deploy');
    expect(Object.keys(at.bench.committed.driver_internal_info)).toEqual(['instance_boot']);
    at.bench.committed = { ...at.bench.committed, instance_info: { boot_iso: 'http://images/new.iso' } };
    await at.drive('prepare_deploy');
    expect(at.bench.committed.driver_internal_info['instance_boot']).toEqual({
      boot_iso: 'http://images/new.iso',
      in_memory: true,
    });
    await at.drive('tear_down');
    expect(at.bench.committed.driver_internal_info).toEqual({});
    expect(at.machine.acts).toContain('clean up instance');
  });

  it('is adopted: what its next boot needs stands ready', async () => {
    await using at = ramdisk(PARTS);
    expect(await at.drive('take_over')).toEqual({ is: 'done' });
    expect(at.machine.acts).toEqual(['prepare instance']);
    expect(at.bench.committed.driver_internal_info['instance_boot']).toMatchObject(PARTS);
  });

  it('is refused with a boot interface that cannot, and without anything to start', async () => {
    await using at = ramdisk({});
    await expect(at.deploy.validate(at.context('', 'start'))).rejects.toThrow(
      "Missing are: ['instance_info.kernel', 'instance_info.ramdisk']",
    );
    Object.assign(at.machine.interfaces.boot, { inMemory: undefined });
    await expect(at.deploy.validate(at.context('', 'start'))).rejects.toThrow('`ramdisk_boot` capability');
  });
});

describe('deploy interface custom-agent', () => {
  const INSTALL = { step: 'install_coreos', interface: 'deploy', priority: 80, reboot_requested: false };
  const INFO = {
    image_source: 'http://images/coreos',
    configdrive: { user_data: '{}' },
    rescue_password: 'x',
  };
  const custom = (fields: Partial<DriverNode> = {}) =>
    bed('custom-agent', { instance_info: INFO, ...fields });

  it('runs what its agent offers, which sees the instance, and writes no image', async () => {
    await using at = custom();
    at.offer.steps = [
      INSTALL,
      { ...INSTALL, step: 'tear_down_agent', priority: 50 },
      { ...INSTALL, step: 'off', priority: 0 },
    ];
    expect(await at.enter('prepare_deploy')).toEqual({ is: 'done' });
    await at.enter('deploy');
    const booted = await at.enter('deploy', 'heartbeat');
    const { merge } = booted as { merge: PlannedStep[] };
    expect(merge).toMatchObject([{ interface: 'deploy', name: 'install_coreos', priority: 80, agent: true }]);
    expect(await at.agentStep('deploy', 'install_coreos')).toEqual({ is: 'done' });
    const { params } = at.machine.heard.find((one) => one.name === 'deploy.execute_deploy_step')!;
    const { rescue_password: _secret, ...shown } = INFO;
    expect(params).toMatchObject({
      step: { interface: 'deploy', step: 'install_coreos' },
      node: { instance_info: shown },
      deploy_version: { m: '1' },
    });
    expect(JSON.stringify(params)).not.toContain('rescue_password');
    expect(await at.drive('prepare_instance_boot')).toEqual({ is: 'done' });
    expect(at.machine.acts.slice(-3)).toEqual(['clean up ramdisk', 'prepare instance', 'disk persistent']);
    expect(at.deploy.steps.map((step) => step.name)).not.toContain('write_image');
  });

  it('judges the steps that a user asked for once the agent has listed its own', async () => {
    await using at = custom();
    at.offer.steps = [{ ...INSTALL, argsinfo: { image: { description: 'x', required: true } } }];
    const asked = (step: JsonObject) => ({
      requested: [{ interface: 'deploy', step: 'install_coreos', ...step }],
    });
    const boot = async (args: JsonObject) => {
      await at.enter('deploy', 'start', args);
      return at.enter('deploy', 'heartbeat', args);
    };
    expect(await boot(asked({ args: { image: 'i' }, priority: 90 }))).toMatchObject({
      merge: [{ name: 'install_coreos', priority: 90, args: { image: 'i' } }],
    });
    expect(await boot(asked({ args: { image: 'i' }, priority: 0 }))).toEqual({ is: 'done' });
    await expect(boot(asked({ args: {}, priority: 90 }))).rejects.toThrow(
      'is missing these required arguments: image',
    );
    await expect(boot(asked({ step: 'nosuch', priority: 90 }))).rejects.toThrow(
      "node does not support this deploy step: {'interface': 'deploy', 'step': 'nosuch'}",
    );
    await expect(boot(asked({ args: { image: 'i' }, priority: 30 }))).rejects.toThrow(
      'must have a higher one',
    );
  });

  it('needs a boot interface and sound fields, and no image', async () => {
    await using at = custom({ instance_info: {}, properties: { root_device: { nosuch: 1 } } });
    await expect(at.deploy.validate(at.context('', 'start'))).rejects.toThrow('nosuch');
    at.bench.committed = { ...at.bench.committed, properties: {} };
    await expect(at.deploy.validate(at.context('', 'start'))).resolves.toBeUndefined();
  });
});

describe('raid interface agent', () => {
  const DISKS: JsonObject[] = [
    { raid_level: '1', size_gb: 20, controller: 'software', is_root_volume: true },
    { raid_level: '0', size_gb: 'MAX', controller: 'software' },
  ];
  const CREATE = { step: 'create_configuration', interface: 'raid', priority: 0, reboot_requested: false };

  const there = async (fields: Partial<DriverNode> = {}) => {
    const at = bed('custom-agent', {
      target_raid_config: { logical_disks: DISKS },
      properties: { capabilities: 'boot_mode:uefi', root_device: { name: '/dev/sda' } },
      ...fields,
    });
    at.bench.kind = 'clean';
    at.offer.steps = [CREATE, { ...CREATE, step: 'delete_configuration' }];
    await at.enter('prepare_cleaning');
    await at.enter('prepare_cleaning', 'heartbeat');
    return at;
  };

  it('has arrays made of the target, and keeps what was made and how it is found', async () => {
    await using at = await there();
    at.offer.result = {
      logical_disks: DISKS.map((disk) =>
        disk['is_root_volume'] ? { ...disk, root_device_hint: { serial: 'u' } } : disk,
      ),
    };
    await at.agentStep('raid', 'create_configuration');
    const { params } = at.machine.heard.find((one) => one.name === 'clean.execute_clean_step')!;
    expect(params).toMatchObject({
      node: { target_raid_config: { logical_disks: DISKS } },
      step: { args: {} },
    });
    const { raid_config, properties } = at.bench.committed as DriverNode & { raid_config: JsonObject };
    expect(raid_config).toMatchObject({
      logical_disks: [{ raid_level: '1' }, {}],
      last_updated: expect.any(String),
    });
    expect(properties).toEqual({
      capabilities: 'boot_mode:uefi,raid_level:1',
      local_gb: 20,
      root_device: { serial: 'u' },
    });
  });

  it('tells the agent only the volumes that were asked for', async () => {
    await using at = await there();
    at.offer.result = { logical_disks: [DISKS[1]!] };
    await at.agentStep('raid', 'create_configuration', { create_root_volume: false });
    const { params } = at.machine.heard.find((one) => one.name === 'clean.execute_clean_step')!;
    expect(params).toMatchObject({ node: { target_raid_config: { logical_disks: [DISKS[1]] } } });
    await expect(
      at.agentStep('raid', 'create_configuration', {
        create_root_volume: false,
        create_nonroot_volumes: false,
      }),
    ).rejects.toThrow('empty target RAID configuration');
  });

  it('forgets what was deleted', async () => {
    await using at = await there();
    await at.agentStep('raid', 'delete_configuration');
    expect(at.bench.committed).toMatchObject({
      raid_config: {},
      properties: { capabilities: 'boot_mode:uefi' },
    });
    expect(at.bench.committed.properties).not.toHaveProperty('root_device');
  });

  it('does not take silence for an array', async () => {
    await using at = await there();
    at.offer.result = {};
    await expect(at.agentStep('raid', 'create_configuration')).rejects.toThrow(
      'did not return the configuration',
    );
  });

  it('offers the agent’s RAID steps to this interface alone', async () => {
    await using at = await there();
    const args = { requested: [{ interface: 'raid', step: 'delete_configuration' }] };
    expect(await at.enter('collect_clean_steps', 'start', args)).toMatchObject({
      insert: [{ interface: 'raid', name: 'delete_configuration' }],
    });
    Object.assign(at.machine.interfaces, { raid: {} });
    await expect(at.enter('collect_clean_steps', 'start', args)).rejects.toThrow(
      'does not support this clean step',
    );
  });

  it.each<[JsonObject, string | null]>([
    [{ logical_disks: DISKS }, null],
    // A hardware manager's own controller.
    [{ logical_disks: [{ raid_level: '5+0', size_gb: 10 }] }, null],
    [{ logical_disks: [DISKS[1]!] }, 'requires RAID-1 for the first logical disk'],
    [{ logical_disks: [DISKS[0]!, { ...DISKS[1]!, raid_level: '2' }] }, 'does not support RAID level 2'],
    [
      { logical_disks: [DISKS[0]!, { raid_level: '0', size_gb: 1 }] },
      "requires all logical disks to have 'controller'",
    ],
    [{ logical_disks: [] }, 'RAID config validation error'],
  ])('judges %j before a machine is booted', async (target_raid_config, fault) => {
    const judged = new AgentRaid().validate(new DriverBench({ target_raid_config }).context());
    if (fault === null) await expect(judged).resolves.toBeUndefined();
    else await expect(judged).rejects.toThrow(fault);
  });
});
