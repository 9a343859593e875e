import { existsSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { ImageServer } from '../lab/image-server.js';
import { createLab, type Lab, type LabMachine, type LabMachineOptions, missingForLab } from '../lab/lab.js';
import { BareMetalApi } from './bare-metal-api.js';
import { type BuiltImage, type BuiltRamdisk, cacheUnder } from './parts.js';
import { RackDaemon, sweepDaemon } from './rack-daemon.js';

/** Address of the bridge, on which Ferric serves machines. */
const ADDRESS = '10.77.0.1';
const API_PORT = 6385;
const AGENT_PORT = 6386;
const BOOT_PORT = 8080;
const IMAGE_PORT = 8081;

export interface RackOptions {
  /** Name of the lab; its folder and its namespace have the same name. */
  name: string;
  /** Folder of labs and built files. Default `.lab`. */
  root?: string;
  machines: readonly LabMachineOptions[];
  ramdisk: BuiltRamdisk;
  /** Overrides of the rack's configuration of the daemon. */
  config?: Config;
  /** FERRIC_* variables of the daemon's first start. */
  env?: Readonly<Record<string, string>>;
  /** Port of the API on the host's loopback; 0 (default): any free one. */
  apiPort?: number;
  /** Aborts the waiting; disposal remains the caller's task. */
  signal?: AbortSignal;
}

type Config = Readonly<Record<string, unknown>>;

/**
 * A rack as an operator would set it up: machines behind BMCs, a provisioning network, an image server, and Ferric's
 * daemon. The daemon is accessed over the wire only. Disposal removes everything.
 */
export class Rack implements AsyncDisposable {
  private constructor(
    readonly lab: Lab,
    readonly daemon: RackDaemon,
    readonly images: ImageServer,
    readonly api: BareMetalApi,
    readonly ramdisk: BuiltRamdisk,
    private readonly parts: AsyncDisposableStack,
  ) {}

  /** @throws Error that lists everything this machine lacks */
  static async raise(options: RackOptions): Promise<Rack> {
    const missing = missingForLab();
    if (missing.length > 0) throw new Error(`this machine lacks ${missing.join(', ')}`);
    const root = resolve(options.root ?? '.lab');
    await using parts = new AsyncDisposableStack();
    await sweepDaemon(join(root, options.name));
    const lab = parts.use(
      await createLab({
        name: options.name,
        root,
        address: `${ADDRESS}/24`,
        machines: options.machines,
        handleSignals: false, // the rack decides the order of disposal
      }),
    );
    options.signal?.throwIfAborted();
    const images = parts.use(await ImageServer.listen(await lab.network.door.tcp(ADDRESS, IMAGE_PORT)));
    images.publish('/deploy.ramdisk', options.ramdisk.ramdisk);
    const daemon = new RackDaemon(lab, overlaid(ownConfig(options.ramdisk), options.config ?? {}));
    parts.defer(() => daemon.remove());
    await daemon.start(options.env, options.signal);
    const forward = await lab.forward({
      port: options.apiPort ?? 0,
      to: { host: '127.0.0.1', port: API_PORT },
    });
    const api = new BareMetalApi(`http://127.0.0.1:${forward.port}`, options.signal);
    return new Rack(lab, daemon, images, api, options.ramdisk, parts.move());
  }

  /** Publishes an image on the rack's image server. @returns its URL, as machines and the daemon use it */
  publish(image: BuiltImage): string {
    const path = `/${image.system}.${image.format}`;
    this.images.publish(path, image.path);
    return this.images.url(path);
  }

  /** Paths of the logs to read after a failure. */
  logs(machine: LabMachine): { daemon: string; console: string } {
    return { daemon: this.daemon.logPath, console: machine.machine.console.logPath };
  }

  /**
   * Enrols a machine as an operator does: driver ipmi, its BMC's login, the kernel by file: and the ramdisk by http:.
   * @returns the node's UUID
   */
  async enrol(machine: LabMachine, properties: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const { name, address, users } = machine;
    const node = await this.api.request('POST', '/v1/nodes', {
      name,
      driver: 'ipmi',
      driver_info: {
        ipmi_address: address.host,
        ipmi_port: address.port,
        ipmi_username: users[0]!.name,
        ipmi_password: users[0]!.password,
        deploy_kernel: `file://${this.ramdisk.kernel}`,
        deploy_ramdisk: this.images.url('/deploy.ramdisk'),
      },
      properties,
    });
    const uuid = String(node['uuid']);
    for (const mac of machine.machine.macs) {
      await this.api.request('POST', '/v1/ports', { address: mac, node_uuid: uuid });
    }
    return uuid;
  }

  /**
   * Enrols a machine by its Redfish service, for boot by virtual media or by the URL of UEFI HTTP boot.
   * @param ip_address static address of the machine's first NIC
   * @returns the node's UUID
   */
  async enrolRedfish(
    machine: LabMachine,
    ip_address: string,
    boot_interface: 'redfish-virtual-media' | 'redfish-https' = 'redfish-virtual-media',
  ): Promise<string> {
    const { name, users, redfish } = machine;
    if (!redfish) throw new Error(`${name} has no Redfish service`);
    const authorities = join(this.lab.directory, name, 'redfish.pem');
    writeFileSync(authorities, redfish.certificate);
    const [mac] = machine.machine.macs;
    const node = await this.api.request('POST', '/v1/nodes', {
      name,
      driver: 'redfish',
      boot_interface,
      driver_info: {
        redfish_address: redfish.url,
        redfish_username: users[0]!.name,
        redfish_password: users[0]!.password,
        redfish_verify_ca: authorities,
        deploy_kernel: `file://${this.ramdisk.kernel}`,
        deploy_ramdisk: this.images.url('/deploy.ramdisk'),
        // The system prints nothing on the lab's serial console by itself.
        kernel_append_params: '%default% console=tty0 console=ttyS0,115200',
      },
      properties: { capabilities: 'boot_mode:uefi' },
      network_data: {
        links: [{ id: 'nic0', type: 'phy', ethernet_mac_address: mac }],
        networks: [
          {
            id: 'net0',
            network_id: 'rack',
            link: 'nic0',
            type: 'ipv4',
            ip_address,
            netmask: '255.255.255.0',
          },
        ],
        services: [],
      },
    });
    const uuid = String(node['uuid']);
    for (const each of machine.machine.macs) {
      await this.api.request('POST', '/v1/ports', { address: each, node_uuid: uuid });
    }
    return uuid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.parts.disposeAsync();
  }
}

/** Folder of a test's rack; all racks of this repository share the cache of built files. */
export function sharedRoot(): { root: string; cache: string } {
  for (let at = import.meta.dirname; at !== dirname(at); at = dirname(at)) {
    if (!existsSync(join(at, 'package.json'))) continue;
    const root = join(at, '.lab');
    mkdirSync(root, { recursive: true });
    return { root: realpathSync(root), cache: cacheUnder(root) };
  }
  throw new Error('this program does not stand in its repository');
}

function ownConfig(ramdisk: BuiltRamdisk): Config {
  return {
    api: { listen: { address: '127.0.0.1', port: API_PORT } },
    agent: { listen: { address: ADDRESS, port: AGENT_PORT } },
    conductor: { host: 'rack' },
    netboot: {
      dhcp: {
        interface: 'br0',
        subnets: [{ cidr: '10.77.0.0/24', range_start: '10.77.0.100', range_end: '10.77.0.199' }],
      },
      tftp: { listen: ADDRESS },
      http: { listen: ADDRESS, port: BOOT_PORT },
    },
    image: { allowed_file_paths: [ramdisk.folder] },
    deploy: {
      // Overwriting a whole disk proves nothing in a lab and takes minutes under emulation.
      erase_devices_priority: 0,
      // An agent of the lab answers at once: polls may be more frequent than over a real network.
      command_wait_interval: 1,
      post_deploy_get_power_state_retry_interval: 1,
    },
  };
}

function overlaid(base: Config, over: Config): Config {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const before = merged[key];
    merged[key] = isSection(before) && isSection(value) ? overlaid(before, value) : value;
  }
  return merged;
}

function isSection(value: unknown): value is Config {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
