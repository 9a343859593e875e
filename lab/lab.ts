import { existsSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { RedfishBmc, type RedfishBmcOptions } from './bmc/redfish/redfish-bmc.js';
import type { BmcUser } from './bmc/user.js';
import { type BmcEvent, VirtualBmc } from './bmc/virtual-bmc.js';
import { LoopbackForward } from './loopback-forward.js';
import { type Accelerator, provenAccelerator } from './machine/accelerator.js';
import { QemuMachine } from './machine/qemu-machine.js';
import type { MachineSpecification } from './machine/specification.js';
import { LabNetwork } from './network/lab-network.js';
import { LabProcess } from './process/lab-process.js';
import { Ledger } from './process/ledger.js';

export interface LabMachineOptions extends MachineSpecification {
  /** Default: one administrator, `admin` with password `lab-<name>`. */
  users?: readonly BmcUser[];
  /** 'namespace' (default): 10.78.0.<10+n>:623 inside the namespace. 'loopback': a free port of 127.0.0.1. */
  bmc?: 'namespace' | 'loopback';
  /** A Redfish service beside IPMI, on port 443 of the same address (loopback: a free port), for the same users. */
  redfish?: Pick<RedfishBmcOptions, 'personality' | 'quirks' | 'restartTime' | 'sessionTimeout'>;
}

export interface LabOptions {
  /** Letters, digits and hyphens, at most 24; names the directory and the namespace. Only one lab may use a name. */
  name: string;
  machines?: readonly LabMachineOptions[];
  /** Folder of the labs' disks, logs and ledgers. Default `.lab` in the current directory. */
  root?: string;
  /** Address of the bridge, where the daemon serves. Default 10.77.0.1/24. */
  address?: string;
  /** Default: KVM where a probe has proved that it works, emulation elsewhere. */
  accelerator?: Accelerator;
  /** A veth pair between host and namespace; default: none. */
  host?: { link: string; address: string; inside: string };
  /** Whether SIGINT and SIGTERM dispose of the lab before they end the process. Default true. */
  handleSignals?: boolean;
  onBmcEvent?: (machine: string, event: BmcEvent) => void;
}

/** One machine of the lab with its BMC, and the values for driver_info. */
export interface LabMachine {
  readonly name: string;
  readonly machine: QemuMachine;
  readonly bmc: VirtualBmc;
  readonly address: { host: string; port: number };
  readonly users: readonly BmcUser[];
  readonly redfish?: RedfishBmc;
}

/**
 * Builds a rack and starts it: network, machines (powered off) and their BMCs (listening).
 *
 *     await using lab = await createLab({ name: 'try', machines: [{ name: 'node1', firmware: 'bios',
 *       disks: [{ bus: 'virtio', size: 2 ** 31 }], nics: [{ model: 'virtio' }] }] });
 *     const daemon = await lab.start('node', ['dist/src/main.js']);      // inside the namespace
 *     const api = await lab.forward({ port: 0, to: { host: '127.0.0.1', port: 6385 } });
 *     await lab.machine('node1').machine.console.waitFor(/hello/);
 *
 * @throws Error when a lab of that name runs, without root privileges, or when a program of the lab is missing
 */
export async function createLab(options: LabOptions): Promise<Lab> {
  const { name } = options;
  if (!/^[a-z0-9][a-z0-9-]{0,23}$/.test(name)) throw new RangeError(`not a lab's name: ${name}`);
  const directory = resolve(options.root ?? '.lab', name);
  const ledger = Ledger.open(directory);
  const onExit = () => ledger.clearNow();
  process.once('exit', onExit);
  try {
    const network = await LabNetwork.create({
      namespace: `${name}-net`,
      ledger,
      ...(options.address === undefined ? {} : { address: options.address }),
      ...(options.host === undefined ? {} : { host: options.host }),
    });
    const lab = new Lab(directory, network, ledger, onExit);
    try {
      const accelerator = options.accelerator ?? (await provenAccelerator());
      for (const machine of options.machines ?? [])
        await lab.addMachine(machine, accelerator, options.onBmcEvent);
      if (options.handleSignals !== false) lab.handleSignals();
      return lab;
    } catch (error) {
      await lab.close();
      throw error;
    }
  } catch (error) {
    process.off('exit', onExit);
    ledger.clearNow();
    throw error;
  }
}

export class Lab implements AsyncDisposable {
  readonly machines: LabMachine[] = [];
  readonly #forwards: LoopbackForward[] = [];
  readonly #started: LabProcess[] = [];
  readonly #signals = new Map<NodeJS.Signals, () => void>();
  #closing: Promise<void> | undefined;

  constructor(
    readonly directory: string,
    readonly network: LabNetwork,
    private readonly ledger: Ledger,
    private readonly onExit: () => void,
  ) {}

  /** @throws Error when no machine has that name */
  machine(name: string): LabMachine {
    const found = this.machines.find((machine) => machine.name === name);
    if (found === undefined) throw new Error(`the lab has no machine ${name}`);
    return found;
  }

  async addMachine(
    options: LabMachineOptions,
    accelerator: Accelerator,
    onBmcEvent?: (machine: string, event: BmcEvent) => void,
  ): Promise<LabMachine> {
    const { name } = options;
    if (!/^[a-z0-9][a-z0-9-]*$/i.test(name)) throw new RangeError(`not a machine's name: ${name}`);
    if (this.machines.some((machine) => machine.name === name)) throw new Error(`two machines named ${name}`);
    const taps: string[] = [];
    for (const _ of options.nics) taps.push(await this.network.addTap());
    const machine = new QemuMachine({
      specification: options,
      directory: join(this.directory, name),
      namespace: this.network.namespace,
      taps,
      ledger: this.ledger,
      accelerator,
    });
    const users = options.users ?? [
      { name: 'admin', password: `lab-${name}`.slice(0, 20), privilege: 'administrator' },
    ];
    const guid = Buffer.from(machine.uuid.replaceAll('-', ''), 'hex');
    const bmc = new VirtualBmc({
      machine,
      users,
      guid,
      ...(onBmcEvent ? { onEvent: (event: BmcEvent) => onBmcEvent(name, event) } : {}),
    });
    const address = await this.#listen(bmc, options.bmc ?? 'namespace');
    const redfish = options.redfish && (await this.#redfish(machine, options, users, address.host));
    const made: LabMachine = { name, machine, bmc, address, users, ...(redfish ? { redfish } : {}) };
    this.machines.push(made);
    return made;
  }

  /** Starts a program inside the namespace, such as the daemon; it ends with the lab at the latest. */
  async start(
    file: string,
    args: readonly string[],
    options: { env?: NodeJS.ProcessEnv; stdio?: import('node:child_process').StdioOptions } = {},
  ): Promise<LabProcess> {
    const { env, stdio = ['ignore', 'inherit', 'inherit'] } = options;
    const { namespace } = this.network;
    const started = await LabProcess.start({
      file,
      args,
      namespace,
      stdio,
      ledger: this.ledger,
      ...(env ? { env } : {}),
    });
    this.#started.push(started);
    return started;
  }

  /** Forwards a port of the host's loopback (0: a free one) to a TCP port inside the namespace. */
  async forward(options: { port: number; to: { host: string; port: number } }): Promise<LoopbackForward> {
    const path = join(this.directory, `forward-${this.#forwards.length}.sock`);
    const { port, to } = options;
    const forward = await LoopbackForward.open({ door: this.network.door, path, listen: { port }, to });
    this.#forwards.push(forward);
    return forward;
  }

  handleSignals(): void {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      const handler = () => {
        void this.close().finally(() => process.kill(process.pid, signal));
      };
      this.#signals.set(signal, handler);
      process.once(signal, handler);
    }
  }

  /** Ends everything that the lab has started; a second call awaits the first. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    const steps: (() => Promise<unknown>)[] = [
      () => Promise.all(this.#forwards.map((forward) => forward.close())),
      () => Promise.all(this.#started.map((started) => started.end(5_000))),
      () =>
        Promise.all(
          this.machines.flatMap(({ bmc, redfish }) => [bmc.close(), ...(redfish ? [redfish.close()] : [])]),
        ),
      () => Promise.all(this.machines.map(({ machine }) => machine.close())),
      () => this.network.close(),
    ];
    const failures: unknown[] = [];
    for (const step of steps) await step().catch((error: unknown) => failures.push(error));
    for (const [signal, handler] of this.#signals) process.off(signal, handler);
    process.off('exit', this.onExit);
    this.ledger.clearNow();
    if (failures.length > 0) throw new AggregateError(failures, 'the lab did not come down cleanly');
  }

  async #redfish(
    machine: QemuMachine,
    { bmc: where, name, redfish }: LabMachineOptions,
    users: readonly BmcUser[],
    host: string,
  ): Promise<RedfishBmc> {
    const directory = join(this.directory, name);
    const ways = new Map<string, Promise<string>>();
    const inside = async (target: string, port: number) => {
      const path = join(directory, `way-${ways.size}.sock`);
      rmSync(path, { force: true });
      await this.network.door.forward(path, target, port, host);
      return path;
    };
    const route = (target: string, port: number) => {
      const key = `${target} ${port}`;
      const way = ways.get(key) ?? inside(target, port);
      ways.set(key, way);
      return way;
    };
    const bmc = new RedfishBmc({
      machine,
      users: users.map((user) => ({ name: user.name, password: user.password })),
      directory,
      ...(where === 'loopback' ? {} : { route }),
      ...redfish,
    });
    if (where === 'loopback') await bmc.listen(0);
    else await bmc.attach(await this.network.door.tcp(host, 443));
    return bmc;
  }

  async #listen(bmc: VirtualBmc, where: 'namespace' | 'loopback'): Promise<{ host: string; port: number }> {
    let bound: AddressInfo;
    if (where === 'loopback') bound = await bmc.listen(0);
    else {
      const host = `10.78.0.${10 + this.machines.length}`;
      await this.network.addManagementAddress(host);
      bound = bmc.attach(await this.network.door.udp(host, 623));
    }
    return { host: bound.address, port: bound.port };
  }
}

/** What this machine lacks for a lab, one line for each missing thing. */
export function missingForLab(): string[] {
  const programs: Record<string, string> = {
    'qemu-system-x86_64': 'qemu-system-x86',
    ip: 'iproute2',
    tc: 'iproute2',
    socat: 'socat',
    setpriv: 'util-linux',
  };
  const files: Record<string, string> = {
    '/usr/share/OVMF/OVMF_CODE_4M.fd': 'ovmf',
    '/usr/share/seabios/bios.bin': 'seabios',
    '/usr/lib/ipxe/qemu/efi-virtio.rom': 'ipxe-qemu',
  };
  const path = (process.env['PATH'] ?? '').split(':').concat('/usr/sbin', '/sbin');
  const missing = Object.entries(programs)
    .filter(([program]) => !path.some((directory) => existsSync(join(directory, program))))
    .map(([program, pkg]) => `${program} (package ${pkg})`);
  for (const [file, pkg] of Object.entries(files))
    if (!existsSync(file)) missing.push(`${file} (package ${pkg})`);
  if (process.getuid?.() !== 0) missing.push('the rights of root, for network namespaces and taps');
  if (!existsSync('/dev/net/tun')) missing.push('/dev/net/tun');
  return missing;
}
