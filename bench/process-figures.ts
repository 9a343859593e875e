import { readdirSync, readFileSync } from 'node:fs';

const TICKS = 100; // sysconf(_SC_CLK_TCK) on Linux

/** CPU seconds, user and system, of one process. */
export interface CpuFigures {
  /** Main thread: in Node.js the event loop. */
  main: number;
  /** Other threads that still run: garbage collection, libuv, workers. */
  threads: number;
  /** Seconds in which the main thread was runnable but had no processor. */
  waited: number;
}

export function cpuOf(pid: number): CpuFigures {
  const whole = statOf(`/proc/${pid}`)!;
  const main = statOf(`/proc/${pid}/task/${pid}`)!;
  const waited = Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1e9;
  return { main: main.own, threads: whole.own - main.own, waited };
}

/** CPU seconds of a process and all its descendants, ended ones included; 0 when it is gone. */
export function cpuOfTree(pid: number): number {
  const parents = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const parent = statOf(`/proc/${entry}`)?.parent;
    if (parent !== undefined) parents.set(parent, [...(parents.get(parent) ?? []), Number(entry)]);
  }
  const sum = (at: number): number => {
    const stat = statOf(`/proc/${at}`);
    const below = (parents.get(at) ?? []).reduce((total, child) => total + sum(child), 0);
    return stat === null ? below : stat.own + stat.children + below;
  };
  return sum(pid);
}

/** Children of a process whose command line matches. */
export function childrenOf(pid: number, command: RegExp): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && statOf(`/proc/${entry}`)?.parent === pid)
    .filter((entry) => command.test(peek(`/proc/${entry}/cmdline`) ?? ''))
    .map(Number);
}

/** Memory of a process, MiB. */
export interface MemoryFigures {
  /** Peak. */
  peak: number;
  /** Present private memory: heaps and stacks. */
  anonymous: number;
  /** Present file-backed memory: touched pages of the program and its libraries, shared with other processes of it. */
  file: number;
}

export function memoryOf(pid: number): MemoryFigures {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(text)![1]) / 1024;
  return { peak: field('VmHWM'), anonymous: field('RssAnon'), file: field('RssFile') };
}

/** proc(5), /proc/PID/stat: the program's name may contain spaces and parentheses. */
function statOf(path: string): { parent: number; own: number; children: number } | null {
  const text = peek(`${path}/stat`);
  if (text === null) return null;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [utime, stime, cutime, cstime] = fields.slice(11, 15).map((ticks) => Number(ticks) / TICKS);
  return { parent: Number(fields[1]), own: utime! + stime!, children: cutime! + cstime! };
}

/** Null when the process has ended meanwhile. */
function peek(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
}
