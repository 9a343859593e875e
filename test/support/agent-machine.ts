import https from 'node:https';
import { makeCertificate, type OwnCertificate } from '../../agent/src/certificate.js';
import { type Command, CommandBoard, type Extension } from '../../agent/src/command-board.js';
import { RestServer } from '../../agent/src/rest-server.js';
import type { BootDevice } from '../../src/domain/node/boot-device.js';
import {
  POWER_TARGETS,
  type PowerState,
  type PowerTarget,
  settledPower,
} from '../../src/domain/power/power.js';
import { AgentRaid } from '../../src/driver/agent/agent-raid.js';
import { bootsInstanceByNetwork } from '../../src/driver/capabilities.js';
import type { BootTarget } from '../../src/driver/contract/boot.js';
import type { Interfaces } from '../../src/driver/contract/interfaces.js';
import type { DriverBench } from './driver-context.js';

export const AGENT_TOKEN = 'canary-agent-token-0123456789abcdef0123456789';

/** A command that the agent received: its name and parameters. */
export interface Heard {
  name: string;
  params: Record<string, unknown>;
}

/**
 * A machine whose firmware boots a ramdisk: the REST server and command board of `agent/`, with a test's own
 * extensions. Power on starts it if the boot device is `target`, and records its lookup and heartbeat; power off
 * ends it.
 */
export class AgentMachine implements AsyncDisposable {
  readonly acts: string[] = [];
  readonly heard: Heard[] = [];
  readonly certificate: OwnCertificate = makeCertificate('127.0.0.1', 'test-agent');
  on = false;
  device: BootDevice = 'disk';
  /** Boot target that the boot interface reports for its ramdisk. */
  target: BootTarget = { device: 'pxe', persistent: false };
  private once = false;
  published: 'ramdisk' | null = null;
  kernelParameters: Readonly<Record<string, string>> = {};
  /** Whether it reports itself once it is up. */
  heartbeats = true;
  /** Whether it obeys standby.power_off. */
  leavesOnRequest = true;
  server: RestServer | undefined;
  board: CommandBoard | undefined;
  port = 0;

  constructor(
    readonly bench: DriverBench,
    private readonly extensions: Record<string, Extension>,
  ) {}

  readonly interfaces = {
    power: {
      name: 'test',
      properties: {},
      targets: POWER_TARGETS,
      validate: async () => {},
      getPowerState: async (): Promise<PowerState> => (this.on ? 'power on' : 'power off'),
      setPowerState: async (_: unknown, target: PowerTarget) => {
        this.acts.push(target);
        await this.stop();
        if (settledPower(target) === 'power on') await this.start();
      },
    },
    management: {
      name: 'test',
      properties: {},
      validate: async () => {},
      supportedBootDevices: () => ['pxe', 'disk'] as const,
      getBootDevice: async () => ({ boot_device: this.device, persistent: true }),
      setBootDevice: async (_: unknown, device: BootDevice, persistent: boolean) => {
        this.acts.push(`${device}${persistent ? ' persistent' : ''}`);
        this.device = device;
        this.once = !persistent;
      },
    },
    raid: new AgentRaid(),
    boot: {
      name: 'test',
      properties: {},
      validate: async () => {},
      prepareRamdisk: async (_: unknown, parameters: Readonly<Record<string, string>>) => {
        this.acts.push('prepare ramdisk');
        this.published = 'ramdisk';
        this.kernelParameters = parameters;
        return this.target;
      },
      managesInspection: () => this.bench.ports.some((port) => port.pxe_enabled),
      cleanUpRamdisk: async () => {
        this.acts.push('clean up ramdisk');
        this.published = null;
      },
      prepareInstance: async () => {
        this.acts.push('prepare instance');
        return {
          device: bootsInstanceByNetwork(this.bench.committed) ? 'pxe' : 'disk',
          persistent: true,
        } as const;
      },
      cleanUpInstance: async () => {
        this.acts.push('clean up instance');
        this.published = null;
      },
    },
  } as unknown as Interfaces;

  /** Number of commands of a name that the agent received. */
  count(name: string): number {
    return this.heard.filter((one) => one.name === name).length;
  }

  /** Sets the fields that lookup and the first heartbeat set in the node. */
  report(): void {
    this.bench.committed = {
      ...this.bench.committed,
      driver_internal_info: {
        ...this.bench.committed.driver_internal_info,
        agent_url: `https://127.0.0.1:${this.port}`,
        agent_verify_ca: this.certificate.certificate,
        agent_secret_token: AGENT_TOKEN,
        agent_last_heartbeat: new Date().toISOString(),
        agent_version: '0.0.0',
      },
    };
  }

  async stop(): Promise<void> {
    this.on = false;
    await this.server?.close();
    this.server = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  private async start(): Promise<void> {
    this.on = true;
    const { device } = this;
    if (this.once) this.device = 'disk'; // firmware consumes a one-shot boot device
    if (this.published !== 'ramdisk' || device !== this.target.device) return;
    const log = { say: () => {} };
    this.board = new CommandBoard({ extensions: this.listening(), log: log as never });
    this.server = new RestServer({
      board: this.board,
      token: () => AGENT_TOKEN,
      version: '0.0.0',
      startedAt: 0,
      log: log as never,
    });
    this.port = await this.server.listen('127.0.0.1', this.port, this.certificate);
    if (this.heartbeats) this.report();
  }

  /** The test's extensions, with each command recorded, and a default standby.power_off. */
  private listening(): Record<string, Extension> {
    const standby: Extension = {
      sync: { kind: 'sync', run: async () => null },
      power_off: {
        kind: 'async',
        run: async () => {
          if (this.leavesOnRequest) setTimeout(() => void this.stop(), 20);
          return null;
        },
      },
      ...this.extensions['standby'],
    };
    const all = { ...this.extensions, standby };
    return Object.fromEntries(
      Object.entries(all).map(([extension, commands]) => [
        extension,
        Object.fromEntries(
          Object.entries(commands).map(([name, command]): [string, Command] => [
            name,
            {
              ...command,
              run: (params, context) => {
                this.heard.push({ name: `${extension}.${name}`, params: params as Record<string, unknown> });
                return command.run(params, context);
              },
            },
          ]),
        ),
      ]),
    );
  }
}

/** An HTTPS server with one response to every request, for impostors and other hostile peers. */
export async function httpsServer(
  own: OwnCertificate,
  answer: (request: { url: string; method: string }, response: import('node:http').ServerResponse) => void,
): Promise<AsyncDisposable & { port: number; seen: string[]; connections: () => number }> {
  const seen: string[] = [];
  let connections = 0;
  const server = https.createServer({ cert: own.certificate, key: own.privateKey }, (request, response) => {
    seen.push(`${request.method} ${request.url}`);
    answer({ url: request.url ?? '', method: request.method ?? '' }, response);
  });
  server.on('connection', () => connections++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as { port: number }).port,
    seen,
    connections: () => connections,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
