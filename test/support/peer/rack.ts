import { copyFileSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFailed } from 'vitest';
import { BareMetalApi } from '../../../demo/bare-metal-api.js';
import type { BuiltImage, BuiltRamdisk } from '../../../demo/parts.js';
import { ImageServer } from '../../../lab/image-server.js';
import { createLab, type Lab, type LabMachine, type LabMachineOptions } from '../../../lab/lab.js';
import { ExchangeRecorder } from './exchange-recorder.js';
import { type IronicPeer, startIronicPeer } from './ironic.js';

const ADDRESS = '10.77.0.1';
const HTTP_PORT = 8080;
const IMAGE_PORT = 8081;
const RECORDER_PORT = 8082;

export interface PeerRackOptions {
  ramdisk: BuiltRamdisk;
  machines: readonly LabMachineOptions[];
  /** Whether a recorder is put between agents and conductor. */
  record?: boolean;
}

/** A rack of the lab under Debian's Ironic; Ferric's daemon does not run. */
export class PeerRack implements AsyncDisposable {
  #words = '';

  private constructor(
    readonly lab: Lab,
    readonly peer: IronicPeer,
    readonly api: BareMetalApi,
    readonly recorder: ExchangeRecorder | undefined,
    readonly images: ImageServer,
    private readonly ramdisk: BuiltRamdisk,
    private readonly parts: AsyncDisposableStack,
  ) {}

  static async raise(options: PeerRackOptions): Promise<PeerRack> {
    const { ramdisk, machines } = options;
    await using parts = new AsyncDisposableStack();
    const root = mkdtempSync(join(tmpdir(), 'ferric-interop-'));
    parts.defer(() => rmSync(root, { recursive: true, force: true }));
    const lab = parts.use(
      await createLab({
        name: 'interop-peer',
        root,
        address: `${ADDRESS}/24`,
        machines,
        handleSignals: false,
      }),
    );
    const { door } = lab.network;
    const images = parts.use(await ImageServer.listen(await door.tcp(ADDRESS, IMAGE_PORT)));
    images.publish('/deploy.ramdisk', ramdisk.ramdisk);
    const recorder = options.record ? await startRecorder(lab) : undefined;
    if (recorder) parts.defer(() => recorder.stop());
    const peer = await startIronicPeer({
      namespace: lab.network.namespace,
      address: ADDRESS,
      config: {
        ...SETTINGS,
        conductor: { file_url_allowed_paths: ramdisk.folder },
        ...(recorder ? { service_catalog: { endpoint_override: recorder.apiUrl } } : {}),
      },
    });
    parts.defer(() => peer.stop());
    if (recorder) recorder.behind = peer.endpoint;
    await serveNetworkBoot(lab, peer.directory);
    const api = new BareMetalApi(await forwarded(lab, peer.endpoint));
    const rack = new PeerRack(lab, peer, api, recorder, images, ramdisk, parts.move());
    onTestFailed(() => console.log(rack.#words));
    return rack;
  }

  /** Enrols a machine as in Ironic's installation guide. @returns the node's UUID */
  async enrol(machine: LabMachine, properties: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const { name, address, users } = machine;
    const node = await this.api.request('POST', '/v1/nodes', {
      name,
      driver: 'ipmi',
      boot_interface: 'ipxe',
      deploy_interface: 'direct',
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

  /** @returns the URL of the image, as Ironic and machines use it */
  publish(image: BuiltImage): string {
    const path = `/${image.system}.${image.format}`;
    this.images.publish(path, image.path);
    return this.images.url(path);
  }

  /** Warnings and worse in Ironic's logs, except those of a deployment with any agent. */
  complaints(): string[] {
    return this.peer
      .log()
      .split('\n')
      .filter((line) => / (WARNING|ERROR|CRITICAL) /.test(line) && !USUAL.test(line));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const consoles = this.lab.machines.map(({ machine }) => machine.console.text.slice(-6_000));
    this.#words = [this.peer.log().split('\n').slice(-80).join('\n'), ...consoles].join(
      '\n--- console ---\n',
    );
    await this.parts.disposeAsync();
  }
}

/**
 * Usual warnings: DHCP without Neutron; and a heartbeat, sent at the end of a command, that meets the lock of the
 * conductor's concurrent poll of the agent.
 */
const USUAL = /IPv6 is enabled and the DHCP driver|is currently locked, skipping heartbeat processing/;

/** @returns the URL by which this process, outside the lab, reaches `url` inside */
async function forwarded(lab: Lab, url: string): Promise<string> {
  const { protocol, hostname: host, port } = new URL(url);
  const forward = await lab.forward({ port: 0, to: { host, port: Number(port) } });
  return `${protocol}//127.0.0.1:${forward.port}`;
}

async function startRecorder(lab: Lab): Promise<ExchangeRecorder> {
  const { door } = lab.network;
  const known = new Map<string, Promise<string>>();
  return ExchangeRecorder.start({
    address: ADDRESS,
    servers: {
      api: await door.tcp(ADDRESS, RECORDER_PORT),
      callback: await door.tcp(ADDRESS, RECORDER_PORT + 1),
    },
    reach: (url) => {
      const found = known.get(url) ?? forwarded(lab, url);
      known.set(url, found);
      return found;
    },
  });
}

/** Settings that a rack needs besides the peer's own; polls may be more frequent in a lab than in a data centre. */
const SETTINGS = {
  deploy: {
    // Overwriting a whole disk proves nothing in a lab and takes minutes under emulation.
    erase_devices_priority: 0,
    erase_devices_metadata_priority: 10,
    http_url: `http://${ADDRESS}:${HTTP_PORT}`,
  },
  pxe: { tftp_server: ADDRESS, kernel_append_params: 'nofb nomodeset vga=normal console=ttyS0 ipa-debug=1' },
  agent: { post_deploy_get_power_state_retry_interval: 1 },
  ipmi: { min_command_interval: 1, command_retry_timeout: 20 },
} as const;

/** Serves DHCP by dnsmasq, TFTP by tftpd-hpa and HTTP by nginx, from Ironic's own directories. */
async function serveNetworkBoot(lab: Lab, directory: string): Promise<void> {
  const boot = join(directory, 'tftpboot');
  for (const file of ['undionly.kpxe', 'snponly.efi'])
    copyFileSync(`/usr/lib/ipxe/${file}`, join(boot, file));
  const log = openSync(join(lab.directory, 'netboot.log'), 'a');
  const start = (file: string, ...args: string[]) => lab.start(file, args, { stdio: ['ignore', log, log] });
  await start(
    '/usr/sbin/dnsmasq',
    '--keep-in-foreground',
    '--conf-file=/dev/null',
    '--user=root',
    '--port=0',
    '--log-dhcp',
    '--interface=br0',
    '--bind-interfaces',
    `--dhcp-leasefile=${join(lab.directory, 'leases')}`,
    `--pid-file=${join(lab.directory, 'dnsmasq.pid')}`,
    '--dhcp-range=10.77.0.100,10.77.0.199,1h',
    '--dhcp-match=set:ipxe,175',
    '--dhcp-match=set:efi,option:client-arch,7',
    `--dhcp-boot=tag:ipxe,http://${ADDRESS}:${HTTP_PORT}/boot.ipxe`,
    `--dhcp-boot=tag:!ipxe,tag:efi,snponly.efi,,${ADDRESS}`,
    `--dhcp-boot=tag:!ipxe,tag:!efi,undionly.kpxe,,${ADDRESS}`,
  );
  await start(
    '/usr/sbin/in.tftpd',
    '--foreground',
    '--address',
    `${ADDRESS}:69`,
    '--secure',
    '--user',
    'root',
    boot,
  );
  const home = join(lab.directory, 'nginx');
  mkdirSync(home);
  const config = join(home, 'nginx.conf');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${home}/${kind};`,
  );
  // Only Ironic's own account can read its files.
  writeFileSync(
    config,
    `user root;\ndaemon off;\nworker_processes 1;\npid ${home}/pid;\nerror_log ${home}/error.log;\nevents {}\n` +
      `http { access_log ${home}/access.log; ${temporary.join(' ')}\n` +
      `  server { listen ${ADDRESS}:${HTTP_PORT}; root ${join(directory, 'httpboot')}; } }\n`,
  );
  await start('/usr/sbin/nginx', '-c', config, '-e', `${home}/error.log`);
}
