import { mkdirSync, readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import type { BmcUser } from '../bmc/user.js';
import { VirtualBmc } from '../bmc/virtual-bmc.js';
import { macFor, uuidFor } from '../machine/specification.js';
import { makeFleetKey } from './certificate.js';
import { type BootSource, type SimulatedEvent, SimulatedMachine } from './simulated-machine.js';

export interface FleetOptions {
  count: number;
  /** Names are `<prefix>-<n>`, from 0. Default `sim`. */
  prefix?: string;
  /** Folder of the disks; created if needed, and removed with the fleet if empty. */
  directory: string;
  /** Source of the machines' boot script: `directBoot(url)` or `dhcpBoot(...)`. */
  boot: BootSource;
  firmware?: 'bios' | 'uefi';
  /** First address; each machine has its own, for BMC and agent. Default 127.64.0.1: all of 127/8 is local. */
  firstAddress?: string;
  /** Port of each BMC, on the machine's address. Default 623. */
  bmcPort?: number;
  /** Port of each agent. Default 9999, as upstream. */
  agentPort?: number;
  /** Bytes of each disk, sparse. Default 1 GiB. */
  diskSize?: number;
  /** Default: `admin` with password `simulated`, administrator. */
  users?: readonly BmcUser[];
  /** Durations, ms. */
  timing?: Partial<SimulatedMachine['options']['timing']>;
  onEvent?: (machine: string, event: SimulatedEvent) => void;
}

export interface SimulatedNode {
  readonly name: string;
  readonly uuid: string;
  readonly mac: string;
  readonly address: { host: string; port: number };
  readonly users: readonly BmcUser[];
  readonly machine: SimulatedMachine;
  readonly bmc: VirtualBmc;
}

/** The simplest boot source: every machine runs the same script, as iPXE does after DHCP. */
export function directBoot(scriptUrl: string): BootSource {
  return async () => ({ scriptUrl, settings: {} });
}

/**
 * Simulated machines in one process, each with a BMC on its own address, and an agent while it runs the ramdisk.
 *
 *     await using fleet = await createFleet({ count: 1000, directory: '.lab/fleet',
 *       boot: directBoot('http://127.0.0.1:8080/boot.ipxe') });
 *     for (const node of fleet.nodes) enrol(node.address, node.users[0], node.mac);
 *
 * @throws Error when an address is in use
 */
export async function createFleet(options: FleetOptions): Promise<Fleet> {
  const { count, prefix = 'sim', directory, firmware = 'uefi', firstAddress = '127.64.0.1' } = options;
  const { bmcPort = 623, agentPort = 9999, diskSize = 2 ** 30, timing, onEvent } = options;
  const users = options.users ?? [{ name: 'admin', password: 'simulated', privilege: 'administrator' }];
  mkdirSync(directory, { recursive: true });
  const key = makeFleetKey();
  const nodes: SimulatedNode[] = [];
  const fleet = new Fleet(nodes, directory);
  try {
    for (let index = 0; index < count; index++) {
      const name = `${prefix}-${index}`;
      const host = addressAt(firstAddress, index);
      const [uuid, mac] = [uuidFor(name), macFor(name, 0)];
      const machine = new SimulatedMachine({
        name,
        uuid,
        mac,
        firmware,
        address: host,
        bindAddress: true,
        agentPort,
        diskPath: join(directory, `${name}.raw`),
        diskSize,
        boot: options.boot,
        key,
        timing: { firmware: 0, shutdown: 20, lookupRetry: 1_000, heartbeatGap: 1_000, ...timing },
        ...(onEvent ? { onEvent: (event: SimulatedEvent) => onEvent(name, event) } : {}),
      });
      const bmc = new VirtualBmc({ machine, users, guid: Buffer.from(uuid.replaceAll('-', ''), 'hex') });
      nodes.push({ name, uuid, mac, address: { host, port: bmcPort }, users, machine, bmc });
      await bmc.listen(bmcPort, host);
    }
    return fleet;
  } catch (error) {
    await fleet.close();
    throw error;
  }
}

export class Fleet implements AsyncDisposable {
  constructor(
    readonly nodes: readonly SimulatedNode[],
    private readonly directory: string,
  ) {}

  /** @throws Error when no machine has that name */
  node(name: string): SimulatedNode {
    const found = this.nodes.find((node) => node.name === name);
    if (found === undefined) throw new Error(`the fleet has no machine ${name}`);
    return found;
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map(({ bmc }) => bmc.close()));
    await Promise.all(this.nodes.map(({ machine }) => machine.off()));
    await Promise.all(this.nodes.map(({ machine }) => machine.disk.erase()));
    if (readdirSync(this.directory).length === 0) rmdirSync(this.directory);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

export function addressAt(first: string, index: number): string {
  const start = first.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0) + index;
  return [24, 16, 8, 0].map((shift) => Math.floor(start / 2 ** shift) % 256).join('.');
}
