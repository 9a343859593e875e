import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/domain/json.js';
import type { PlannedStep } from '../../../src/domain/step/step.js';
import type { DirectDeploy } from '../../../src/driver/agent/direct-deploy.js';
import type { InstanceImageSource } from '../../../src/driver/agent/instance-image.js';
import { agentImplementations } from '../../../src/driver/composition.js';
import type { DriverNode } from '../../../src/driver/contract/context.js';
import type { StepContext } from '../../../src/driver/contract/step.js';
import { driverConfig } from '../../support/driver-config.js';
import { DriverBench } from '../../support/driver-context.js';
import { readRecording, type Session } from '../../support/interop/recording.js';
import { ReplayedAgent } from '../../support/interop/replayed-agent.js';
import { PublishedInMemory } from '../../support/published.js';

const FIXTURES = join(import.meta.dirname, 'fixtures/upstream-runs');

interface Told {
  name: string;
  params: { node: JsonObject; ports: JsonObject[]; step?: { args: JsonObject } };
}

/** Without what is newer than the recordings: the secret name of an image's folder, and Ferric's rules for fetching. */
function asRecorded<T>(requests: T): T {
  const text = JSON.stringify(requests, (key, value: unknown) =>
    key === 'ferric_fetch_rules' ? undefined : value,
  );
  return JSON.parse(text.replaceAll(/(\/agent_images\/[0-9a-f-]{36})\/[0-9a-f]{40}"/g, '$1"')) as T;
}

/** The commands of a session, in their order. */
const commandsOf = (session: Session) =>
  session.told.filter((one) => one.method === 'POST').map((one) => one.body as Told);

// Whole runs of real agents: what they answered is served, and our driver must ask what it asked then.
describe.each(readdirSync(FIXTURES))('%s', (file) => {
  const recording = readRecording(join(FIXTURES, file));
  const [cleaning, deployment, tearDown] = recording.sessions as [Session, Session, Session];
  const written = commandsOf(deployment).find((one) => one.name === 'deploy.execute_deploy_step')!;
  const { image_info } = written.params.step!.args as { image_info: JsonObject };
  const [url] = image_info['urls'] as [string];
  // An image that the daemon served was named by another URL, and its format was not told.
  const served = url.includes('/agent_images/');

  let directory: string;
  let agent: ReplayedAgent;
  let bench: DriverBench;
  let deploy: DirectDeploy;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'replay-'));
    const { uuid, name, properties } = written.params.node as Pick<
      DriverNode,
      'uuid' | 'name' | 'properties'
    >;
    bench = new DriverBench({
      ...{ uuid, name, properties, driver: 'ipmi' },
      driver_info: { ipmi_password: 'canary', deploy_kernel: 'file:///canary' },
    });
    bench.ports = written.params.ports.map((port) => ({ ...port, extra: {} })) as never;
    agent = await new ReplayedAgent(bench).listen();
    deploy = driver();
  });
  afterEach(async () => {
    await agent[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });

  function driver(): DirectDeploy {
    // As the rack of the lab has it.
    const config = driverConfig(directory, {
      agent: { public_url: 'http://10.77.0.1:6386', callback_ports: [9999] },
      deploy: {
        command_timeout: 5,
        max_command_attempts: 3,
        command_wait_interval: 1,
        erase_devices_priority: 0,
      },
    });
    const images: InstanceImageSource = {
      validate: () => {},
      resolve: (href) => {
        const { disk_format, os_hash_algo, os_hash_value } = image_info as Record<string, string>;
        const checksum = { algo: os_hash_algo!, value: os_hash_value! };
        const told = href === url ? disk_format : undefined;
        return Promise.resolve({ href, size: 1, disk_format: told, checksum, whole_disk: true });
      },
      pathsIn: async () => ({ unseen: 'a recording has no image' }),
      checkKind: async () => {},
      fetchTo: async (_, target) => {
        await mkdir(dirname(target), { recursive: true });
        writeFileSync(target, 'image');
        const { disk_format, os_hash_value } = image_info;
        return { size: 1, sha256: String(os_hash_value), disk_format: String(disk_format) };
      },
    };
    return agentImplementations({ config, images, published: new PublishedInMemory() }).deploy[0];
  }

  const drive = async (step: string, args: JsonObject = {}) => {
    const run = deploy.steps.find((one) => one.name === step)!.run;
    const { outcome } = await bench.drive(agent.interfaces, run, { step, args });
    return outcome as { is: 'done'; insert?: PlannedStep[] };
  };

  /** @returns names of the steps that the agent ran */
  async function clean(session: Session): Promise<string[]> {
    bench.kind = 'clean';
    bench.committed = {
      ...bench.committed,
      provision_state: 'cleaning',
      target_provision_state: 'available',
    };
    agent.play(session);
    await drive('prepare_cleaning');
    const { insert = [] } = await drive('collect_clean_steps');
    for (const { name, args } of insert) {
      const run = (context: StepContext) => deploy.runAgentStep(context);
      await bench.drive(agent.interfaces, run, { step: name, args });
    }
    await drive('tear_down_cleaning');
    return insert.map(({ name }) => name);
  }

  async function install(session: Session): Promise<void> {
    bench.kind = 'deploy';
    bench.committed = {
      ...bench.committed,
      ...{ provision_state: 'deploying', target_provision_state: 'active' },
      instance_info: {
        image_source: served ? `http://10.77.0.1:8081/${String(image_info['id'])}` : url,
        configdrive: { meta_data: { hostname: 'interop' }, user_data: 'of this test' },
      },
    };
    agent.play(session);
    const steps = ['prepare_deploy', 'deploy', 'write_image', 'prepare_instance_boot', 'tear_down_agent'];
    for (const step of [...steps, 'switch_to_tenant_network', 'boot_instance']) await drive(step);
  }

  /** What was said since the last `play` is what was said to the real agent, and nobody else's secrets were. */
  function expectAsRecorded(session: Session): void {
    const requests = session.told.map(({ status: _, answer: __, ...request }) => request);
    expect(asRecorded(agent.heardRequests)).toEqual(requests);
    expect(JSON.stringify(agent.heardRequests)).not.toContain('canary');
    expect(bench.committed.driver_internal_info).not.toHaveProperty('agent_url');
  }

  it('is cleaned, deployed and cleaned again by the same words', async () => {
    expect(await clean(cleaning)).toEqual(['erase_devices_metadata']);
    expectAsRecorded(cleaning);
    await install(deployment);
    expectAsRecorded(deployment);
    expect(agent.acts.at(-1)).toBe('power on');
    await drive('tear_down');
    bench.committed = { ...bench.committed, instance_info: {} };
    expect(await clean(tearDown)).toEqual(['erase_devices_metadata']);
    expectAsRecorded(tearDown);
    expect(agent.on).toBe(false);
  });
});
