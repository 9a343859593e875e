import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Extension } from '../../../agent/src/command-board.js';
import { AgentError } from '../../../agent/src/error.js';
import { deploySection } from '../../../src/config/section/deploy.js';
import { FerricError } from '../../../src/domain/errors.js';
import { type PlannedStep, type StepOutcome, type Wake } from '../../../src/domain/step/step.js';
import { AgentWork } from '../../../src/driver/agent/agent-work.js';
import { AgentClient } from '../../../src/driver/agent/client.js';
import { DirectDeploy } from '../../../src/driver/agent/direct-deploy.js';
import { InstanceImage } from '../../../src/driver/agent/instance-image.js';
import { RamdiskLogs } from '../../../src/driver/agent/ramdisk-logs.js';
import type { BootTarget } from '../../../src/driver/contract/boot.js';
import type { DriverNode } from '../../../src/driver/contract/context.js';
import { AGENT_TOKEN, AgentMachine } from '../../support/agent-machine.js';
import { DriverBench, NODE_UUID } from '../../support/driver-context.js';
import { onDisk, PublishedInMemory } from '../../support/published.js';

const SHA = 'a'.repeat(64);
const IMAGE = {
  image_source: 'http://images/debian.raw',
  image_os_hash_algo: 'sha256',
  image_os_hash_value: SHA,
};
const BMC_CANARY = 'canary-bmc-password';

let directory: string;
let published: PublishedInMemory;
let fetched: string[];
const proxies: unknown[] = [];
let looked: object[];
let fault: Error | undefined;
let inImage: { found: ReadonlySet<string> } | { unseen: string };

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'direct-'));
  published = new PublishedInMemory();
  fetched = [];
  looked = [];
  fault = undefined;
  inImage = { found: new Set(['/usr/sbin/grub-install', '/usr/lib/grub/i386-pc']) };
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** What runs inside of write_image until the test lets it end. */
class Write {
  runs = 0;
  end: (error?: AgentError) => void = () => {};
  readonly extension: Extension = {
    get_deploy_steps: {
      kind: 'sync',
      run: async () => ({ deploy_steps: { m: [] }, hardware_manager_version: { m: '1' } }),
    },
    execute_deploy_step: {
      kind: 'async',
      run: (_, context) => {
        this.runs++;
        context.progress({ phase: 'download', bytes: 512, total: 1024 });
        return new Promise((resolve, reject) => {
          this.end = (error) => (error ? reject(error) : resolve({ result: 'written' }));
        });
      },
    },
  };
}

interface Bed extends AsyncDisposable {
  bench: DriverBench;
  machine: AgentMachine;
  write: Write;
  deploy: DirectDeploy;
  enter(name: string, wake: Wake, args?: object): Promise<StepOutcome>;
  drive(name: string, args?: object): Promise<StepOutcome>;
}

function bed(
  fields: Partial<DriverNode> = {},
  extensions: Record<string, Extension> = {},
  settings: object = {},
): Bed {
  const bench = new DriverBench({
    instance_info: IMAGE,
    driver_info: { ipmi_address: '10.9.8.7', ipmi_password: BMC_CANARY },
    ...fields,
  });
  bench.ports = [{ uuid: 'p', address: '52:54:00:00:00:01', pxe_enabled: true, extra: {} }];
  const write = new Write();
  const machine = new AgentMachine(bench, {
    deploy: write.extension,
    image: { install_bootloader: { kind: 'async', run: async () => null } },
    ...extensions,
  });
  const config = deploySection.parse({
    command_wait_interval: 0.1,
    post_deploy_get_power_state_retry_interval: 0.1,
    post_deploy_get_power_state_retries: 3,
    deploy_logs_max_bytes: 2_048,
    ...settings,
  });
  const client = new AgentClient({ timeout: 2_000, attempts: 2, requireTls: true, ports: [] });
  const image = new InstanceImage({
    images: {
      validate: () => {},
      resolve: async (href, info, { proxy }) => {
        proxies.push(proxy);
        return {
          href,
          size: href.endsWith('length-unknown') ? undefined : 1024,
          disk_format: info['image_disk_format'] as string | undefined,
          checksum: { algo: 'sha256', value: SHA },
          whole_disk: info['kernel'] === undefined,
        };
      },
      checkKind: async (ref, { signal: _, proxy, ...options }) => {
        proxies.push(proxy);
        looked.push({ ref, ...options });
        if (fault) throw fault;
      },
      fetchTo: async (ref, target, { proxy }) => {
        proxies.push(proxy);
        fetched.push(ref);
        await mkdir(dirname(target), { recursive: true });
        writeFileSync(target, 'image');
        return { size: 5, sha256: 'b'.repeat(64), disk_format: ref.endsWith('.iso') ? 'iso' : 'raw' };
      },
      pathsIn: async () => inImage,
    },
    published,
    host: 'conductor-1',
    settings: config,
    httpRoot: join(directory, 'http'),
    httpUrl: () => 'http://10.77.0.1:8080/',
    addresses: () => ({ allowedNetworks: [], refusedNetworks: ['10.9.0.0/16'], ownEndpoints: [] }),
    authorities: 'PEM of private authorities',
  });
  const deploy = new DirectDeploy(
    new AgentWork({
      client,
      image,
      logs: new RamdiskLogs({
        client,
        directory: join(directory, 'logs'),
        maxBytes: config.deploy_logs_max_bytes,
      }),
      settings: config,
      apiUrl: () => 'http://10.77.0.1:6386',
      inactivityTimeout: { deploy: 60_000, clean: 30_000, service: 30_000 },
    }),
  );
  const runOf = (name: string) => deploy.steps.find((step) => step.name === name)!.run;
  return {
    bench,
    machine,
    write,
    deploy,
    enter: async (name, wake, args = {}) => {
      if (wake === 'start') bench.saved = null;
      const outcome = await runOf(name)(
        bench.context(machine.interfaces, { step: name, wake, args: args as never }),
      );
      if (outcome.is === 'wait' && outcome.checkpoint !== undefined) bench.saved = outcome.checkpoint;
      return outcome;
    },
    drive: async (name, args = {}) =>
      (await bench.drive(machine.interfaces, runOf(name), { step: name, args: args as never })).outcome,
    [Symbol.asyncDispose]: () => machine[Symbol.asyncDispose](),
  };
}

/** As far as the agent being there, ready to write. */
async function ready(...parts: Parameters<typeof bed>): Promise<Bed> {
  const made = bed(...parts);
  await made.drive('prepare_deploy');
  await made.enter('deploy', 'start');
  expect(await made.enter('deploy', 'heartbeat')).toEqual({ is: 'done' });
  return made;
}

describe('direct deploy', () => {
  it('deploys an image that the agent fetches from its own URL', async () => {
    await using at = bed({ instance_info: { ...IMAGE, image_disk_format: 'raw' } });
    const { bench, machine, write } = at;
    expect(await at.drive('prepare_deploy')).toEqual({ is: 'done' });
    expect(fetched).toEqual([]);
    expect(await at.enter('deploy', 'start')).toMatchObject({ is: 'wait', for: 'heartbeat' });
    expect(machine.kernelParameters).toEqual({ 'ipa-api-url': 'http://10.77.0.1:6386' });
    expect(await at.enter('deploy', 'heartbeat')).toEqual({ is: 'done' });

    expect(await at.enter('write_image', 'start')).toMatchObject({
      is: 'wait',
      for: 'poll',
      timeout: 60_000,
    });
    expect(await at.enter('write_image', 'poll')).toMatchObject({ is: 'wait' });
    expect(bench.committed.driver_internal_info['deploy_progress']).toEqual({
      phase: 'download',
      bytes: 512,
      total: 1024,
    });
    write.end();
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(await at.enter('write_image', 'heartbeat')).toEqual({ is: 'done' });
    const { params } = machine.heard.find((one) => one.name === 'deploy.execute_deploy_step')!;
    expect(params).toMatchObject({
      deploy_version: { m: '1' },
      step: {
        interface: 'deploy',
        step: 'write_image',
        args: {
          image_info: {
            id: 'debian.raw',
            urls: ['http://images/debian.raw'],
            disk_format: 'raw',
            container_format: 'bare',
            os_hash_algo: 'sha256',
            os_hash_value: SHA,
            stream_raw_images: true,
            node_uuid: NODE_UUID,
          },
          configdrive: null,
        },
      },
    });

    for (const name of [
      'prepare_instance_boot',
      'tear_down_agent',
      'switch_to_tenant_network',
      'boot_instance',
    ]) {
      expect(await at.drive(name), name).toEqual({ is: 'done' });
    }
    expect(machine.acts).toEqual([
      'prepare ramdisk',
      'pxe',
      'power on',
      'clean up ramdisk',
      'prepare instance',
      'disk persistent',
      'power on',
    ]);
    expect(machine.heard.map((one) => one.name)).toEqual([
      'deploy.get_deploy_steps',
      'deploy.execute_deploy_step',
      'image.install_bootloader',
      'standby.sync',
      'standby.power_off',
    ]);
    expect(JSON.stringify(machine.heard)).not.toMatch(/canary|10\.9\.8\.7/);
    const internal = Object.keys(bench.committed.driver_internal_info);
    expect(internal.filter((key) => key.startsWith('agent_') || key === 'deploy_progress')).toEqual([]);
    expect(bench.fences.length).toBeGreaterThan(5);
  });

  const names = new Set<string>();
  it.each([
    ['file:///images/debian.qcow2', {}],
    ['7daa1a92-c3d7-4add-aaed-66fcbba58912', {}],
    ['http://images/x.raw', { image_disk_format: 'raw', image_download_source: 'local' }],
    ['http://images/format-unknown', {}],
    ['http://images/length-unknown', { image_disk_format: 'raw' }],
    ['http://images/x.vmdk', { image_disk_format: 'vmdk' }],
    ['http://images/x.iso', { image_disk_format: 'iso', image_download_source: 'local' }],
  ])('serves %s %j itself, and only while it is needed', async (image_source, info) => {
    await using at = await ready({ instance_info: { ...IMAGE, image_source, ...info } });
    expect(fetched).toEqual([image_source]);
    const { life, files } = published.publications[0]!;
    const { name } = files[0]!;
    const path = join(directory, 'http', name);
    expect({ life, files }).toEqual({ life: 'operation', files: [onDisk('http', name, path)] });
    // Nobody guesses it, and it is another one each time.
    expect(name).toMatch(new RegExp(`^agent_images/${NODE_UUID}/[0-9a-f]{40}$`));
    expect(names.has(name)).toBe(false);
    names.add(name);
    expect(at.bench.committed.instance_info['image_url']).toBe(`http://10.77.0.1:8080/${name}`);
    expect(at.bench.committed.instance_info['image_os_hash_value']).toBe(SHA); // the user's own words stay
    await at.enter('write_image', 'start');
    expect(at.machine.heard.at(-1)?.params).toMatchObject({
      step: {
        args: { image_info: { disk_format: 'raw', os_hash_algo: 'sha256', os_hash_value: 'b'.repeat(64) } },
      },
    });
    expect(existsSync(path)).toBe(true);
    at.write.end();
    await at.drive('prepare_instance_boot');
    expect(existsSync(path)).toBe(false);
  });

  it.each(['http', 'local'])('reaches the image through the proxies of the node: %s', async (source) => {
    const driver_info = { image_http_proxy: 'http://p:3128', image_no_proxy: '.lan' };
    const instance_info = { ...IMAGE, image_disk_format: 'raw', image_download_source: source };
    proxies.length = 0;
    await using _at = await ready({ instance_info, driver_info });
    const own = { http: 'http://p:3128', no: '.lan' };
    expect(proxies).toEqual([own, own]);
  });

  it('tells the agent which addresses it may fetch from, and whom it trusts', async () => {
    await using at = await ready({ instance_info: { ...IMAGE, image_disk_format: 'raw' } });
    await at.enter('write_image', 'start');
    expect(at.machine.heard.at(-1)?.params).toMatchObject({
      step: {
        args: {
          image_info: {
            ferric_fetch_rules: {
              refused_networks: ['10.9.0.0/16'],
              trusted_urls: [],
              authorities: 'PEM of private authorities',
            },
          },
        },
      },
    });
  });

  it.each(['iso', 'gpt', 'qcow2'])('tells the agent what it can write: %s', async (image_disk_format) => {
    await using at = await ready({ instance_info: { ...IMAGE, image_disk_format } });
    expect(looked.at(-1)).toMatchObject({ disk_format: image_disk_format });
    await at.enter('write_image', 'start');
    const disk_format = image_disk_format === 'qcow2' ? 'qcow2' : 'raw';
    expect(at.machine.heard.at(-1)?.params).toMatchObject({
      step: { args: { image_info: { disk_format } } },
    });
  });

  it('looks at the first bytes of what the agent fetches itself before a machine is touched', async () => {
    const info = { ...IMAGE, image_disk_format: 'qcow2' };
    await using good = await ready({ instance_info: info });
    const look = { ref: IMAGE.image_source, size: 1024, disk_format: 'qcow2', kind: 'whole-disk' };
    expect([fetched, looked]).toEqual([[], [look]]);
    expect(good.machine.acts).not.toEqual([]);
    fault = new FerricError('image-refused', 'The image is told to be a whole-disk image, but');
    await using at = bed({ instance_info: info });
    await expect(at.enter('prepare_deploy', 'start')).rejects.toThrow('told to be a whole-disk image');
    expect(at.machine.acts).toEqual([]);
  });

  it('names the faults of the node', async () => {
    const at = bed({
      instance_info: { ...IMAGE, image_download_source: 'swift', root_device: { size: 'x' } },
      driver_info: {
        agent_verify_ca: '/etc/shadow',
        deploy_forces_oob_reboot: 'perhaps',
        image_http_proxy: 'p:3128',
        image_https_proxy: 'gopher://p',
      },
    });
    const error: unknown = await at.deploy.validate(at.bench.context()).catch((e: unknown) => e);
    for (const text of [
      'image_download_source',
      'agent_verify_ca',
      'driver_info.image_http_proxy: must be an http or https URL',
      'driver_info.image_https_proxy',
      'deploy_forces_oob_reboot',
      'root_device',
    ]) {
      expect((error as Error).message).toContain(text.replace('root_device', 'size'));
    }
    const empty = bed({ instance_info: {} });
    await expect(empty.deploy.validate(empty.bench.context())).rejects.toThrow(
      `Node ${NODE_UUID} failed to validate deploy image info. Some parameters were missing. Missing are: ['instance_info.image_source']`,
    );
  });
});

describe('a conductor that dies', () => {
  it.each([
    'before the checkpoint',
    'before the command',
    'after the command',
    'while it runs',
    'after its end',
  ])('%s writes the disk once', async (when) => {
    await using at = await ready();
    const { machine, write, bench } = at;
    if (when === 'before the command') {
      // The checkpoint of what the agent had is committed, the command was never sent.
      bench.saved = { phase: 'issuing', known: machine.board!.list().map(({ id }) => id) };
    } else if (when !== 'before the checkpoint') {
      const outcome = await at.enter('write_image', 'start');
      // Its outcome was never committed: only what checkpoint() wrote is there.
      if (when === 'after the command') {
        bench.saved = {
          phase: 'issuing',
          known: machine
            .board!.list()
            .slice(0, -1)
            .map(({ id }) => id),
        };
      } else expect(outcome).toMatchObject({ checkpoint: { phase: 'running' } });
      if (when === 'after its end') {
        write.end();
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
    if (when === 'before the checkpoint') bench.saved = null;
    const again = await at.enter('write_image', 'restart');
    expect(again.is).toBe(when === 'after its end' ? 'done' : 'wait');
    if (again.is === 'wait') {
      write.end();
      await new Promise((resolve) => setTimeout(resolve, 10));
      expect(await at.enter('write_image', 'poll')).toEqual({ is: 'done' });
    }
    expect(write.runs).toBe(1);
    expect(machine.count('deploy.execute_deploy_step')).toBe(1);
  });

  it('finds a command that was heard although its answer was lost', async () => {
    await using at = await ready();
    const { machine, write } = at;
    // The answer is cut off: the agent's server dies right behind the command, and comes back with its memory.
    const board = machine.board!;
    const execute = board.execute.bind(board);
    board.execute = async (name, params) => {
      await execute(name, params);
      board.execute = execute;
      return new Promise(() => {}); // no answer ever
    };
    const outcome = await at.enter('write_image', 'start');
    expect(outcome).toMatchObject({ is: 'wait', checkpoint: { phase: 'issuing' } });
    expect(outcome).not.toHaveProperty('timeout'); // silence does not renew the step's clock
    expect(await at.enter('write_image', 'poll')).toMatchObject({
      is: 'wait',
      checkpoint: { phase: 'running' },
    });
    expect(write.runs).toBe(1);
  });

  it.each([
    ['the machine was started', true, 0],
    ['the machine was not started yet', false, 1],
  ])('right behind the checkpoint of the boot: %s', async (_, started, starts) => {
    await using at = bed();
    await at.drive('prepare_deploy');
    at.machine.heartbeats = false;
    await at.enter('deploy', 'start');
    if (!started) await at.machine.stop();
    at.machine.acts.length = 0;
    expect(await at.enter('deploy', 'restart')).toMatchObject({ is: 'wait', for: 'heartbeat' });
    expect(at.machine.acts.filter((act) => act === 'power on')).toHaveLength(starts);
    at.machine.report();
    expect(await at.enter('deploy', 'heartbeat')).toEqual({ is: 'done' });
  });

  it('before that checkpoint begins anew, and does not take the former ramdisk for the new one', async () => {
    await using at = bed();
    await at.drive('prepare_deploy');
    at.machine.report(); // a stale agent, from a cleaning
    expect(await at.enter('deploy', 'restart')).toMatchObject({ is: 'wait', for: 'heartbeat' });
    expect(at.machine.acts).toContain('power on');
  });
});

describe('an agent that fails', () => {
  it('fails the step in its own words', async () => {
    await using at = await ready();
    await at.enter('write_image', 'start');
    at.write.end(
      new AgentError('ImageChecksumError', 500, 'Error verifying image checksum', 'does not match\nreally'),
    );
    await new Promise((resolve) => setTimeout(resolve, 10));
    await expect(at.enter('write_image', 'poll')).rejects.toMatchObject({
      code: 'agent-failed',
      message: 'Agent command execute_deploy_step failed: does not match really',
    });
  });

  it('that is gone is waited for until the deadline, no longer', async () => {
    await using at = await ready();
    await at.enter('write_image', 'start');
    await at.machine.stop();
    const outcome = await at.enter('write_image', 'poll');
    expect(outcome).toMatchObject({ is: 'wait', for: 'poll' });
    expect(outcome).not.toHaveProperty('timeout');
  });

  it('that was started anew in the middle of it fails the step', async () => {
    await using at = await ready();
    await at.enter('write_image', 'start');
    at.bench.saved = { phase: 'running', id: 'of-another-life', polls: 1 };
    await expect(at.enter('write_image', 'poll')).rejects.toThrow('was started anew while it executed');
    expect(at.write.runs).toBe(1);
  });

  it('that does not power off is switched off', async () => {
    await using at = await ready();
    at.machine.leavesOnRequest = false;
    at.machine.acts.length = 0;
    expect(await at.drive('tear_down_agent')).toEqual({ is: 'done' });
    expect(at.machine.acts).toEqual(['power off']);
    expect(at.bench.committed.driver_internal_info).not.toHaveProperty('agent_secret_token');
  });

  it('leaves its logs, is switched off and forgotten', async () => {
    const archive = Buffer.from('tar.gz of a hostile machine');
    const log: Extension = {
      collect_system_logs: { kind: 'sync', run: async () => ({ system_logs: archive.toString('base64') }) },
    };
    await using at = await ready({}, { log });
    await at.deploy.cleanUpFailure(at.bench.context(at.machine.interfaces), {
      uuid: at.bench.operation,
      kind: 'deploy',
      reason: 'test',
    });
    const [name] = readdirSync(join(directory, 'logs'));
    expect(name).toMatch(new RegExp(`^${NODE_UUID}_deploy_\\d{8}T\\d{6}Z\\.tar\\.gz$`));
    expect(readFileSync(join(directory, 'logs', name!))).toEqual(archive);
    expect(statSync(join(directory, 'logs', name!)).mode & 0o777).toBe(0o600);
    expect(at.machine.on).toBe(false);
    expect(at.machine.published).toBeNull();
    expect(at.bench.committed.driver_internal_info).not.toHaveProperty('agent_secret_token');
    expect(at.bench.lines.join('')).not.toContain(AGENT_TOKEN);
  });

  it.each([
    ['too large', Buffer.alloc(3_000).toString('base64')],
    ['endless', 'x'.repeat(100_000)],
    ['none', 7],
  ])('whose logs are %s leaves none, and the rest is cleaned up', async (_, system_logs) => {
    const log: Extension = { collect_system_logs: { kind: 'sync', run: async () => ({ system_logs }) } };
    await using at = await ready({}, { log });
    await at.deploy.cleanUpFailure(at.bench.context(at.machine.interfaces), {
      uuid: at.bench.operation,
      kind: 'deploy',
      reason: 'test',
    });
    expect(existsSync(join(directory, 'logs'))).toBe(false);
    expect(at.machine.on).toBe(false);
    expect(at.bench.lines.join('')).toContain('logs could not be fetched');
  });
});

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
    const at = bed({ target_provision_state: 'available', ...fields }, { clean: extension }, settings);
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
    await using at = await ready({ instance_info: { ...IMAGE, image_source: 'file:///images/x' } });
    for (const _ of [1, 2]) expect(await at.drive('tear_down')).toEqual({ is: 'done' });
    expect(at.machine.on).toBe(false);
    expect(existsSync(join(directory, 'http/agent_images', NODE_UUID))).toBe(false);
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
    const at = bed({ provision_state: 'servicing' }, { service: extension });
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

describe('config drives', () => {
  const given = async (configdrive: unknown) => {
    await using at = await ready({ instance_info: { ...IMAGE, configdrive: configdrive as never } });
    await at.enter('write_image', 'start');
    at.write.end();
    const { step } = at.machine.heard.at(-1)!.params as { step: { args: { configdrive: string } } };
    return step.args.configdrive;
  };

  it('builds an object into a volume that others read', async () => {
    const text = await given({ meta_data: { hostname: 'm1' }, user_data: '#cloud-config\n' });
    const volume = gunzipSync(Buffer.from(text, 'base64')).toString('latin1');
    expect(volume.slice(0x8001, 0x8006)).toBe('CD001'); // ECMA-119 §8.4: identifier and volume label
    expect(volume.slice(0x8028, 0x8048).trim()).toBe('config-2');
    expect(volume).toContain('"hostname":"m1"');
  });

  it('passes a finished volume and a URL on as they are', async () => {
    expect(await given('H4sIAAAA')).toBe('H4sIAAAA');
    expect(await given('https://config/drive')).toBe('https://config/drive');
    const at = bed({ instance_info: { ...IMAGE, configdrive: { nonsense: 1 } } });
    await expect(at.deploy.validate(at.bench.context())).rejects.toThrow('configdrive has no nonsense');
  });
});
