import { loadavg } from 'node:os';
import type { BenchDaemon, ProbedProcess } from './bench-daemon.js';
import {
  type CpuFigures,
  childrenOf,
  cpuOf,
  cpuOfTree,
  type MemoryFigures,
  memoryOf,
} from './process-figures.js';

export interface PhaseFigures {
  /** Seconds. */
  wall: number;
  /** Delay of the daemon's event loop, and of an idle process's at the same time, ms. */
  p99: number;
  max: number;
  /** Part of p99 in which the loop ran, ms; for the rest it waited for a processor. */
  own: number;
  idleP99: number;
  idleMax: number;
  /** Share of the time in which the daemon's loop was active. */
  busy: number;
  /** Heap at the end, MiB. */
  heap: number;
  /** CPU seconds. */
  cpu: CpuFigures & { ipmitool: number; postgres: number; bench: number };
  load: number;
}

/** Measures phases of work: the daemon's memory, event loop and CPU, and other load at the same time. */
export class Meter {
  static readonly HEADER =
    '              wall   loop p99 (own, idle)    max (idle)   busy   RSS  heap   CPU s: loop (waited) threads ipmitool postgres bench   load';

  readonly #postgres: number;
  /** Process id of the helper that starts ipmitool. */
  readonly #commands: number;
  #anonymous = 0;
  #file = 0;
  #peak = 0;

  constructor(
    private readonly daemon: BenchDaemon,
    private readonly idle: ProbedProcess,
  ) {
    this.#postgres = childrenOf(daemon.pid, /postgres/)[0]!;
    this.#commands = childrenOf(daemon.pid, /command-server/)[0]!;
  }

  async phase(work: () => Promise<void>): Promise<PhaseFigures> {
    const [, , before] = [await this.daemon.figures(), await this.idle.figures(), this.#cpu()];
    const started = performance.now();
    const watch = setInterval(() => this.memory(), 250);
    try {
      await work();
    } finally {
      clearInterval(watch);
    }
    const wall = (performance.now() - started) / 1000;
    const after = this.#cpu();
    const [own, idle] = [await this.daemon.figures(), await this.idle.figures()];
    this.memory();
    const cpu = { ...after };
    for (const key of Object.keys(cpu) as (keyof typeof cpu)[]) cpu[key] -= before[key];
    return {
      wall,
      p99: own.p99,
      max: own.max,
      own: own.own,
      idleP99: idle.p99,
      idleMax: idle.max,
      busy: own.busy,
      heap: own.heapUsed / 2 ** 20,
      cpu,
      load: loadavg()[0]!,
    };
  }

  /** Peak memory so far. */
  memory(): MemoryFigures & { helper: number } {
    const { peak, anonymous, file } = memoryOf(this.daemon.pid);
    this.#peak = peak;
    this.#anonymous = Math.max(this.#anonymous, anonymous);
    this.#file = Math.max(this.#file, file);
    return { peak, anonymous: this.#anonymous, file: this.#file, helper: memoryOf(this.#commands).peak };
  }

  row(name: string, { wall, p99, own, max, idleP99, idleMax, busy, heap, cpu, load }: PhaseFigures): string {
    const ms = (value: number, width: number) => value.toFixed(1).padStart(width);
    const cell = (value: number, width: number) => value.toFixed(1).padStart(width);
    return [
      name.padEnd(10),
      `${cell(wall, 6)} s`,
      `${ms(p99, 8)} (${ms(own, 5)},${ms(idleP99, 5)})`,
      `${ms(max, 8)} (${ms(idleMax, 5)})`,
      `${(busy * 100).toFixed(0).padStart(4)} %`,
      `${this.#peak.toFixed(0).padStart(4)}`,
      `${heap.toFixed(0).padStart(5)}`,
      `${cell(cpu.main, 13)} (${cell(cpu.waited, 5)})`,
      `${cell(cpu.threads, 7)}`,
      `${cell(cpu.ipmitool, 8)}`,
      `${cell(cpu.postgres, 8)}`,
      `${cell(cpu.bench, 6)}`,
      `${cell(load, 6)}`,
    ].join(' ');
  }

  #cpu(): PhaseFigures['cpu'] {
    const { user, system } = process.cpuUsage();
    const { main, threads, waited } = cpuOf(this.daemon.pid);
    return {
      main,
      threads,
      waited,
      ipmitool: cpuOfTree(this.#commands),
      postgres: cpuOfTree(this.#postgres),
      bench: (user + system) / 1e6,
    };
  }
}
