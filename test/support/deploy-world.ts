import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { expect } from 'vitest';
import type { Extension } from '../../agent/src/command-board.js';
import { AgentError } from '../../agent/src/error.js';
import type { StepOutcome, Wake } from '../../src/domain/step/step.js';
import type { DirectDeploy } from '../../src/driver/agent/direct-deploy.js';
import type { InstanceImageSource } from '../../src/driver/agent/instance-image.js';
import { agentImplementations } from '../../src/driver/composition.js';
import type { DriverNode } from '../../src/driver/contract/context.js';
import { AgentMachine } from './agent-machine.js';
import { driverConfig } from './driver-config.js';
import { DriverBench } from './driver-context.js';
import { PublishedInMemory } from './published.js';

export const SHA = 'a'.repeat(64);
export const IMAGE = {
  image_source: 'http://images/debian.raw',
  image_os_hash_algo: 'sha256',
  image_os_hash_value: SHA,
};
/** PEM. */
export const PRIVATE_AUTHORITY = `${rootCertificates[0]}\n`;
export const BMC_CANARY = 'canary-bmc-password';

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

export interface Bed extends AsyncDisposable {
  bench: DriverBench;
  machine: AgentMachine;
  write: Write;
  deploy: DirectDeploy;
  enter(name: string, wake: Wake, args?: object): Promise<StepOutcome>;
  drive(name: string, args?: object): Promise<StepOutcome>;
}

/** What surrounds the deploy interface; new for each test. */
export class DeployWorld {
  readonly directory = mkdtempSync(join(tmpdir(), 'direct-'));
  readonly published = new PublishedInMemory();
  /** Images that the conductor fetched. */
  readonly fetched: string[] = [];
  /** The proxies of each request for an image. */
  readonly proxies: unknown[] = [];
  /** Images whose first bytes were checked. */
  readonly looked: object[] = [];
  /** What the check of an image throws. */
  fault: Error | undefined;
  readonly inImage = { found: new Set(['/usr/sbin/grub-install', '/usr/lib/grub/i386-pc']) };

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  bed(
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
    writeFileSync(join(this.directory, 'ca.pem'), PRIVATE_AUTHORITY);
    const { deploy: implementations } = agentImplementations({
      config: driverConfig(this.directory, {
        deploy: {
          post_deploy_get_power_state_retries: 3,
          deploy_logs_max_bytes: 2_048,
          ...settings,
        },
        image: { refused_networks: ['10.9.0.0/16'], ca_file: join(this.directory, 'ca.pem') },
      }),
      images: this.#images(),
      published: this.published,
    });
    const [deploy] = implementations;
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

  #images(): InstanceImageSource {
    return {
      validate: () => {},
      resolve: async (href, info, { proxy }) => {
        this.proxies.push(proxy);
        return {
          href,
          size: href.endsWith('length-unknown') ? undefined : 1024,
          disk_format: info['image_disk_format'] as string | undefined,
          checksum: { algo: 'sha256', value: SHA },
          whole_disk: info['kernel'] === undefined,
        };
      },
      checkKind: async (ref, { signal: _, proxy, ...options }) => {
        this.proxies.push(proxy);
        this.looked.push({ ref, ...options });
        if (this.fault) throw this.fault;
      },
      fetchTo: async (ref, target, { proxy }) => {
        this.proxies.push(proxy);
        this.fetched.push(ref);
        await mkdir(dirname(target), { recursive: true });
        writeFileSync(target, 'image');
        return { size: 5, sha256: 'b'.repeat(64), disk_format: ref.endsWith('.iso') ? 'iso' : 'raw' };
      },
      pathsIn: async () => this.inImage,
    };
  }

  /** As far as the agent being there, ready to write. */
  async ready(...parts: Parameters<DeployWorld['bed']>): Promise<Bed> {
    const made = this.bed(...parts);
    await made.drive('prepare_deploy');
    await made.enter('deploy', 'start');
    expect(await made.enter('deploy', 'heartbeat')).toEqual({ is: 'done' });
    return made;
  }
}
