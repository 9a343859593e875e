import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent } from '../../../agent/src/agent.js';
import type { CommandRecord } from '../../../src/protocol/agent/command.js';
import { agentSettings, parseKernelCommandLine } from '../../../src/protocol/agent/kernel-parameters.js';
import { FakeConductor, TOKEN } from './fake-conductor.js';
import { FileMachine } from './file-machine.js';

export interface CurlAnswer {
  status: number;
  body: unknown;
}

/** The agent with a fake conductor. Its client is curl, which trusts only the heartbeat's certificate. */
export class AgentUnderTest implements AsyncDisposable {
  readonly dir = mkdtempSync(join(tmpdir(), 'agent-'));
  readonly machine = new FileMachine();
  readonly lines: string[] = [];
  /** PEM, of the ramdisk's configuration. */
  authorities: string | undefined;
  conductor!: FakeConductor;
  private agent: Agent | undefined;

  static async prepare(scheme?: 'http' | 'https'): Promise<AgentUnderTest> {
    const test = new AgentUnderTest();
    test.conductor = await FakeConductor.start(scheme);
    return test;
  }

  /** @param line additional kernel parameters */
  async start(line = ''): Promise<void> {
    const base = `ipa-api-url=${this.conductor.url} ipa-insecure=1 ipa-listen-host=127.0.0.1 ipa-listen-port=0 ipa-disk-wait-delay=0`;
    const retry = 'ipa-image-download-connection-retry-interval=0 ipa-image-download-connection-retries=2';
    this.agent = new Agent({
      settings: agentSettings(parseKernelCommandLine(`${base} ${retry} ${line}`)),
      authorities: this.authorities,
      machine: this.machine,
      log: { say: (text) => void this.lines.push(text), detail: () => undefined },
      scratchDir: this.dir,
      stateDir: join(this.dir, 'state'),
    });
    const heartbeat = this.conductor.nextHeartbeat();
    // A failed start must reject here, and not only as a missing heartbeat.
    await Promise.race([heartbeat, this.agent.start().then(() => heartbeat)]);
    writeFileSync(join(this.dir, 'ca.pem'), this.conductor.heartbeats.at(-1)!.body.agent_verify_ca ?? '');
  }

  async restart(): Promise<void> {
    await this.agent?.stop();
    await this.start();
  }

  async stop(): Promise<void> {
    await this.agent?.stop();
    await this.conductor.stop();
    rmSync(this.dir, { recursive: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** callback_url of the last heartbeat. */
  get callback(): string {
    return this.conductor.heartbeats.at(-1)!.body.callback_url;
  }

  async curl(path: string, ...args: string[]): Promise<CurlAnswer> {
    const text = await new Promise<string>((resolve, reject) => {
      execFile(
        'curl',
        [
          '-sS',
          '--max-time',
          '60',
          '--cacert',
          join(this.dir, 'ca.pem'),
          '-w',
          '\n%{http_code}',
          ...args,
          this.callback + path,
        ],
        { maxBuffer: 2 ** 27 },
        (error, stdout, stderr) => (error ? reject(new Error(stderr || error.message)) : resolve(stdout)),
      );
    });
    const end = text.lastIndexOf('\n');
    const body = text.slice(0, end);
    return { status: Number(text.slice(end + 1)), body: body === '' ? undefined : JSON.parse(body) };
  }

  async get(path: string): Promise<CurlAnswer> {
    return this.curl(`${path}?agent_token=${TOKEN}`);
  }

  async post(name: string, params: object = {}, wait = false): Promise<CurlAnswer> {
    const file = join(this.dir, 'body.json');
    writeFileSync(file, JSON.stringify({ name, params }));
    return this.curl(
      `/v1/commands/?agent_token=${TOKEN}${wait ? '&wait=true' : ''}`,
      '--data-binary',
      `@${file}`,
    );
  }

  /** Starts a command and waits until it has ended. */
  async run(name: string, params: object = {}): Promise<CommandRecord> {
    const { status, body } = await this.post(name, params, true);
    if (status !== 200) throw new Error(`${name}: ${status} ${JSON.stringify(body)}`);
    return body as CommandRecord;
  }

  /** Runs write_image as a conductor requests it. */
  async writeImage(image: object, configdrive?: string): Promise<CommandRecord> {
    return this.run('deploy.execute_deploy_step', {
      step: {
        step: 'write_image',
        interface: 'deploy',
        priority: 80,
        args: { image_info: image, configdrive: configdrive ?? null },
      },
      node: this.conductor.node,
      ports: [],
    });
  }

  async cleanStep(step: string): Promise<CommandRecord> {
    return this.run('clean.execute_clean_step', {
      step: { step, interface: 'deploy', priority: 10 },
      node: this.conductor.node,
      ports: [],
    });
  }
}
