import { setTimeout as sleep } from 'node:timers/promises';
import type { BootDevice } from '../../src/protocol/ipmi/boot-flags.js';
import { BootRegister } from '../bmc/boot-register.js';
import type { Machine } from '../bmc/machine.js';
import type { CommandContext } from './agent-command.js';
import type { FleetKey } from './certificate.js';
import { type NodeFault, NodeFaults } from './fault.js';
import { drain, fetchText } from './http-client.js';
import { type IpxeOutcome, runIpxe } from './ipxe-interpreter.js';
import { type AgentEvent, type AgentTiming, runAgent } from './simulated-agent.js';
import { SparseDisk } from './sparse-disk.js';

/** Phase of the machine; 'stuck': powered on without anything to boot. */
export type Phase = 'off' | 'firmware' | 'loading' | 'agent' | 'system' | 'stuck';

export type SimulatedEvent =
  | { kind: 'phase'; phase: Phase; why?: string }
  | { kind: 'loaded'; url: string; bytes: number }
  | AgentEvent;

/** Source of the firmware's boot script: fixed, or by DHCP (see dhcp-boot.ts). */
export type BootSource = (
  machine: { mac: string; uuid: string; firmware: 'bios' | 'uefi' },
  signal: AbortSignal,
) => Promise<{ scriptUrl: string; settings: Readonly<Record<string, string>> }>;

export interface SimulatedMachineOptions {
  name: string;
  uuid: string;
  mac: string;
  firmware: 'bios' | 'uefi';
  /** Address of the agent, and source of the machine's requests. */
  address: string;
  bindAddress: boolean;
  agentPort: number;
  diskPath: string;
  /** Bytes of the disk. */
  diskSize: number;
  boot: BootSource;
  key: FleetKey;
  timing: AgentTiming & { firmware: number; shutdown: number };
  onEvent?: (event: SimulatedEvent) => void;
}

/** A machine that behaves like a real one on the wire, without an emulated processor. */
export class SimulatedMachine implements Machine {
  readonly name: string;
  readonly bootDevices: readonly BootDevice[] = ['pxe', 'disk'];
  readonly boot = new BootRegister();
  readonly faults = new NodeFaults();
  readonly disk: SparseDisk;
  /** Steps that the agent has executed, over all boots. */
  readonly done: string[] = [];
  #phase: Phase = 'off';
  /** Aborts the current boot; one for each boot. */
  #running: AbortController | undefined;

  constructor(readonly options: SimulatedMachineOptions) {
    this.name = options.name;
    this.disk = new SparseDisk(options.diskPath, options.diskSize);
  }

  get phase(): Phase {
    return this.#phase;
  }

  setFaults(...faults: readonly NodeFault[]): void {
    this.faults.set(faults);
  }

  isOn(): boolean {
    return this.#phase !== 'off';
  }

  async on(): Promise<void> {
    if (!this.isOn()) this.#start();
  }

  async off(): Promise<void> {
    this.#running?.abort();
    this.#running = undefined;
    if (this.isOn()) this.#enter('off');
  }

  async reset(): Promise<void> {
    if (!this.isOn()) return;
    this.#running?.abort();
    this.#start();
  }

  async soft(): Promise<void> {
    const running = this.#running;
    // Firmware ignores the power button.
    if (running === undefined || (this.#phase !== 'system' && this.#phase !== 'agent')) return;
    setTimeout(() => {
      if (this.#running === running) void this.off();
    }, this.options.timing.shutdown).unref();
  }

  #start(): void {
    const running = new AbortController();
    this.#running = running;
    this.#run(running.signal).catch((error: unknown) => {
      if (running.signal.aborted) return; // the power is off
      this.#enter('stuck', error instanceof Error ? error.message : String(error));
    });
  }

  async #run(signal: AbortSignal): Promise<void> {
    this.#enter('firmware');
    const selection = this.boot.take();
    await sleep(this.options.timing.firmware, undefined, { signal, ref: false });
    const order =
      selection?.device === 'pxe' ? [this.#fromNetwork, this.#fromDisk] : [this.#fromDisk, this.#fromNetwork];
    let failure = '';
    for (const attempt of order) {
      failure = await attempt.call(this, signal);
      signal.throwIfAborted();
      if (failure === '') return;
    }
    this.#enter('stuck', failure);
  }

  /** @returns the reason of a failure; empty once something runs */
  async #fromDisk(): Promise<string> {
    if (!(await this.disk.bootable())) return 'nothing to boot on the disk';
    this.#enter('system');
    return '';
  }

  async #fromNetwork(signal: AbortSignal): Promise<string> {
    const { mac, uuid, firmware } = this.options;
    let outcome: IpxeOutcome;
    try {
      const { scriptUrl, settings } = await this.options.boot({ mac, uuid, firmware }, signal);
      const script = await fetchText(scriptUrl, this.#from(signal));
      outcome = await runIpxe(script, scriptUrl, {
        settings: {
          'net0/mac': mac,
          mac,
          uuid,
          buildarch: 'x86_64',
          platform: firmware === 'bios' ? 'pcbios' : 'efi',
          ...settings,
        },
        fetch: (url) => fetchText(url, this.#from(signal)),
      });
      if (outcome.kind === 'local') return 'the boot script left it to the next device';
      if (outcome.kind === 'poweroff') {
        void this.off();
        return '';
      }
      if (outcome.kind === 'reboot') {
        this.#enter('stuck', 'the boot script reboots');
        // The prompt before a script's reboot lasts some seconds; without a pause the reboots would loop at full speed.
        await sleep(5_000, undefined, { signal, ref: false });
        void this.reset();
        return '';
      }
      this.#enter('loading');
      for (const url of [outcome.kernel, ...outcome.initrds])
        this.#emit({ kind: 'loaded', url, bytes: await drain(url, this.#from(signal)) });
    } catch (error) {
      signal.throwIfAborted();
      return error instanceof Error ? error.message : String(error);
    }
    const parameters = new Map(
      outcome.args.split(/\s+/).map((word) => {
        const [key, ...value] = word.split('=');
        return [key!, value.join('=')];
      }),
    );
    // An instance that boots from the network, with its root on the disk.
    if (parameters.has('root') && !parameters.has('ipa-api-url')) {
      this.#enter('system');
      return '';
    }
    this.#enter('agent');
    await runAgent({
      macs: [mac],
      address: this.options.address,
      bindAddress: this.options.bindAddress,
      port: this.options.agentPort,
      parameters,
      key: this.options.key,
      context: this.#context(signal),
      timing: this.options.timing,
      onEvent: (event) => this.#emit(event),
    });
    return '';
  }

  #context(signal: AbortSignal): CommandContext {
    const later = (action: () => Promise<void>) => () => {
      // After the response has been sent, as by a shutdown of the system.
      setTimeout(() => {
        if (!signal.aborted) void action();
      }, this.options.timing.shutdown).unref();
    };
    return {
      disk: this.disk,
      faults: this.faults,
      localAddress: this.options.bindAddress ? this.options.address : undefined,
      signal,
      done: this.done,
      partitions: {},
      // Only the program ends: the power stays on.
      vanish: () => {
        this.#running?.abort();
        this.#enter('stuck', 'the agent vanished');
      },
      powerOff: later(() => this.off()),
      reboot: later(() => this.reset()),
    };
  }

  #from(signal: AbortSignal): { signal: AbortSignal; localAddress?: string } {
    return { signal, ...(this.options.bindAddress ? { localAddress: this.options.address } : {}) };
  }

  #enter(phase: Phase, why?: string): void {
    this.#phase = phase;
    this.#emit({ kind: 'phase', phase, ...(why === undefined ? {} : { why }) });
  }

  #emit(event: SimulatedEvent): void {
    this.options.onEvent?.(event);
  }
}
