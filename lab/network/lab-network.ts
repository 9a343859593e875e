import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { run } from '../../image-build/process/run.js';
import type { Ledger } from '../process/ledger.js';
import { NamespaceDoor } from './namespace-door.js';
import { RouterAdvertiser } from './router-advertisement.js';

export interface NetworkOptions {
  /** The namespace's name. */
  namespace: string;
  ledger: Ledger;
  /** Address of the bridge, where the daemon serves. Default 10.77.0.1/24; other labs cannot reach it. */
  address?: string;
  /** A veth pair between namespace and host: the host's and the namespace's address, as CIDR. */
  host?: { link: string; address: string; inside: string };
}

/**
 * The rack's network: a namespace with a bridge (the provisioning network), a loopback with the BMCs' addresses (the
 * management network), and taps for the machines.
 */
export class LabNetwork {
  readonly bridge = 'br0';
  #taps = 0;
  readonly #segments: { namespace: string; close: () => Promise<void> }[] = [];

  private constructor(
    readonly namespace: string,
    /** Without the prefix length. */
    readonly address: string,
    readonly door: NamespaceDoor,
    private readonly advertiser: RouterAdvertiser | undefined,
    private readonly hostLink: string | undefined,
    private readonly ledger: Ledger,
  ) {}

  /** @throws ExecaError, for instance without the privilege to make a namespace */
  static async create(options: NetworkOptions): Promise<LabNetwork> {
    const { namespace, ledger, address = '10.77.0.1/24', host } = options;
    ledger.addNamespace(namespace); // before it exists, so that a run killed in between is swept as well
    // A namespace of this name is a leftover of this lab: the ledger's directory belongs to one lab.
    if (existsSync(`/run/netns/${namespace}`)) await run('ip', ['netns', 'delete', namespace]);
    await run('ip', ['netns', 'add', namespace]);
    const inside = (...args: string[]) => run('ip', ['-n', namespace, ...args]);
    await inside('link', 'set', 'lo', 'up');
    await inside('link', 'add', 'br0', 'type', 'bridge', 'forward_delay', '0');
    await inside('addr', 'add', address, 'dev', 'br0');
    await inside('link', 'set', 'br0', 'up');
    // Machines that are off give no carrier, and without carrier Node's networkInterfaces() does not list the bridge.
    await inside('link', 'add', 'carrier0', 'type', 'veth', 'peer', 'name', 'carrier1');
    await inside('link', 'set', 'carrier0', 'master', 'br0', 'up');
    await inside('link', 'set', 'carrier1', 'up');
    // The automatic link-local address would appear only once a machine is on, and be tentative at first.
    const withV6 = existsSync('/proc/sys/net/ipv6');
    if (withV6) await inside('addr', 'add', 'fe80::1/64', 'dev', 'br0', 'nodad');
    if (host !== undefined) {
      ledger.addLink(host.link);
      const peer = ['peer', 'name', 'host0', 'netns', namespace];
      await run('ip', ['link', 'add', host.link, 'type', 'veth', ...peer]);
      await run('ip', ['addr', 'add', host.address, 'dev', host.link]);
      await run('ip', ['link', 'set', host.link, 'up']);
      await inside('addr', 'add', host.inside, 'dev', 'host0');
      await inside('link', 'set', 'host0', 'up');
    }
    const door = await NamespaceDoor.open(namespace, ledger);
    const advertiser = withV6 ? await RouterAdvertiser.start(namespace, 'br0', ledger) : undefined;
    return new LabNetwork(namespace, address.split('/')[0]!, door, advertiser, host?.link, ledger);
  }

  /** Adds a tap on the bridge; QEMU opens it by its name. */
  async addTap(): Promise<string> {
    const name = `tap${this.#taps++}`;
    await this.inside('ip', ['tuntap', 'add', 'dev', name, 'mode', 'tap']);
    await this.inside('ip', ['link', 'set', name, 'master', this.bridge, 'up']);
    return name;
  }

  /** Adds an address of the management network, on the namespace's loopback. */
  async addManagementAddress(address: string): Promise<void> {
    await this.inside('ip', ['addr', 'add', `${address}/32`, 'dev', 'lo']);
  }

  /**
   * Adds another namespace on the bridge, for clients that need a DHCP socket of their own, such as udhcpc or simulated
   * machines. Its one link is `eth0`, without an address but with a default route. It is removed with the lab.
   */
  async addSegment(name: string): Promise<{ namespace: string; door: NamespaceDoor }> {
    const namespace = `${this.namespace}-${name}`;
    this.ledger.addNamespace(namespace);
    await run('ip', ['netns', 'add', namespace]);
    this.#segments.push({ namespace, close: async () => undefined });
    await run('ip', ['-n', namespace, 'link', 'set', 'lo', 'up']);
    const peer = ['peer', 'name', 'eth0', 'netns', namespace];
    await this.inside('ip', ['link', 'add', `to-${name}`, 'type', 'veth', ...peer]);
    await this.inside('ip', ['link', 'set', `to-${name}`, 'master', this.bridge, 'up']);
    await run('ip', ['-n', namespace, 'link', 'set', 'eth0', 'up']);
    await run('ip', ['-n', namespace, 'route', 'add', 'default', 'dev', 'eth0']);
    const door = await NamespaceDoor.open(namespace, this.ledger);
    this.#segments.at(-1)!.close = () => door.close();
    return { namespace, door };
  }

  /**
   * Drops this share (0-1) of a machine's packets in each direction at random; 0 ends it.
   * Uses a classic BPF filter, since few kernels of small machines have netem.
   */
  async setLoss(tap: string, share: number): Promise<void> {
    const present = await this.inside('tc', ['qdisc', 'show', 'dev', tap]);
    if (present.includes('clsact')) await this.inside('tc', ['qdisc', 'delete', 'dev', tap, 'clsact']);
    if (share === 0) return;
    await this.inside('tc', ['qdisc', 'add', 'dev', tap, 'clsact']);
    // ld #rand; jge #k, pass, drop; drop: ret 2 (TC_ACT_SHOT); pass: ret 0 (TC_ACT_OK)
    const k = Math.floor(Math.min(share, 1) * 0xffffffff);
    const code = `4,32 0 0 4294963256,53 1 0 ${k},6 0 0 2,6 0 0 0`;
    for (const way of ['ingress', 'egress'])
      await this.inside('tc', ['filter', 'add', 'dev', tap, way, 'bpf', 'da', 'bytecode', code]);
  }

  /** Runs a short program in the namespace. */
  inside(file: string, args: readonly string[]): Promise<string> {
    return run('ip', ['netns', 'exec', this.namespace, file, ...args]);
  }

  async close(): Promise<void> {
    await this.advertiser?.stop();
    await this.door.close();
    if (this.hostLink !== undefined && existsSync(`/sys/class/net/${this.hostLink}`))
      execFileSync('ip', ['link', 'delete', this.hostLink], { stdio: 'pipe' });
    for (const segment of this.#segments) {
      await segment.close();
      await run('ip', ['netns', 'delete', segment.namespace]);
    }
    await run('ip', ['netns', 'delete', this.namespace]);
  }
}
