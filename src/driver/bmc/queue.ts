import type { IpmiSettings } from '../../config/section/ipmi.js';
import { TurnCancelledError } from '../../domain/errors.js';
import { contained, detached } from '../../platform/boundary.js';

/** How a command ended, as far as the queue distinguishes it. */
export type Verdict = 'answered' | 'silent' | 'busy';

/** What a command needs here: a process, which uses CPU and memory, or a socket that all share. */
export type Means = 'process' | 'socket';

export interface QueueSettings {
  /** Commands started and not yet older than `grace`. */
  maxRunning: number;
  /** In addition: commands to BMCs that were silent last time, and commands that outlived `grace`. */
  maxWaiting: number;
  /** ms; upper bound of the pause between two commands to one BMC. */
  maxInterval: number;
  /** ms; a command that takes longer waits for its BMC and uses no CPU here. Default 250. */
  grace?: number;
  /** Called with each command at its end. */
  observe?: (finished: FinishedTurn) => void;
}

/** For metrics. */
export interface FinishedTurn {
  bmc: string;
  /** ms from the call until the command began; for a cancelled one, until it was cancelled. */
  waited: number;
  /** ms of the command itself. */
  took: number;
  /** `cancelled`: its caller gave up before its turn came. */
  end: Verdict | 'cancelled';
}

export interface QueueDepth {
  /** Running commands in the prompt lane, and in the lane of BMCs that are slow or silent. */
  running: number;
  waiting: number;
  /** Commands that have not started. */
  queued: number;
  /** ms that the oldest queued command has waited; 0: none is queued. */
  longestWait: number;
}

export interface Turn {
  signal: AbortSignal;
  /** Precedes other commands to silent BMCs: an operator waits for it. */
  urgent?: boolean;
  /** Default `process`. */
  means?: Means;
  judge(error: unknown): Verdict;
}

interface Job {
  /** By performance.now(). */
  since: number;
  urgent: boolean;
  means: Means;
  judge: Turn['judge'];
  /** Settles when the command has ended, with the error that it threw. */
  run(): Promise<{ threw: false } | { threw: true; error: unknown }>;
}

interface Bmc {
  readonly key: string;
  jobs: Job[];
  state: 'idle' | 'resting' | 'ready' | 'running';
  /** It did not answer the last command. */
  silent: boolean;
  /** ms between two commands to it. */
  interval: number;
  /** Answers since the interval last changed. */
  calm: number;
}

interface Lane {
  used: number;
  readonly most: number;
  readonly urgent: Bmc[];
  readonly ready: Bmc[];
}

interface Lanes {
  readonly prompt: Lane;
  readonly patient: Lane;
  /** Commands of the prompt lane that outlived their grace while the patient lane was full. */
  readonly overdue: (() => void)[];
}

/** Commands by socket that are under way: a session takes a dozen packets and a few kilobytes. */
const SOCKET_RUNNING = 256;
const SOCKET_WAITING = 4_096;

const FIRST_INTERVAL = 250;
/** Answers in a row after which a BMC's interval is halved. */
const CALM = 8;
const MOST_IDLE = 50_000;

/** Identifies a BMC by its address and port, whatever the protocol and the user. */
export function bmcKey(bmc: { readonly address: string; readonly port: number }): string {
  return `${bmc.address.toLowerCase()} ${bmc.port}`;
}

/** The queue that all protocols share, with the configured limits. */
export function configuredQueue(settings: IpmiSettings, observe?: QueueSettings['observe']): BmcQueue {
  return new BmcQueue({
    maxRunning: settings.max_running,
    maxWaiting: settings.max_waiting,
    maxInterval: settings.max_command_interval * 1000,
    ...(observe ? { observe } : {}),
  });
}

/**
 * One command at a time to each BMC, in order; the number of queued commands is unlimited. Turns go to BMCs, not to
 * commands. Silent BMCs have a lane of their own, so any number of them delays no other BMC: CPU is the scarce
 * resource, and a command that waits for a packet uses none.
 */
export class BmcQueue {
  private readonly bmcs = new Map<string, Bmc>();
  private readonly lanes: Readonly<Record<Means, Lanes>>;
  private readonly grace: number;
  private readonly maxInterval: number;
  private readonly observe: (finished: FinishedTurn) => void;

  constructor(settings: QueueSettings) {
    this.lanes = {
      process: lanesOf(settings.maxRunning, settings.maxWaiting),
      socket: lanesOf(SOCKET_RUNNING, SOCKET_WAITING),
    };
    this.grace = settings.grace ?? 250;
    this.maxInterval = settings.maxInterval;
    this.observe = settings.observe ?? (() => {});
  }

  /**
   * Runs `work` at the BMC's turn.
   * @param key see `bmcKey`
   * @throws TurnCancelledError when the signal fires before; else what `work` throws
   */
  run<T>(key: string, work: () => Promise<T>, turn: Turn): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (turn.signal.aborted) {
        reject(new TurnCancelledError());
        return;
      }
      const bmc = this.bmcOf(key);
      const leave = () => {
        const at = bmc.jobs.indexOf(job);
        if (at < 0) return;
        bmc.jobs.splice(at, 1);
        reject(new TurnCancelledError());
        this.observe({ bmc: key, waited: performance.now() - job.since, took: 0, end: 'cancelled' });
      };
      const cancel = contained('bmc: queue', leave, leave);
      const job: Job = {
        since: performance.now(),
        urgent: turn.urgent ?? false,
        means: turn.means ?? 'process',
        judge: (error) => turn.judge(error),
        run: async () => {
          turn.signal.removeEventListener('abort', cancel);
          try {
            resolve(await work());
            return { threw: false };
          } catch (error) {
            reject(error);
            return { threw: true, error };
          }
        },
      };
      turn.signal.addEventListener('abort', cancel, { once: true });
      bmc.jobs.push(job);
      if (bmc.state === 'idle') this.makeReady(bmc);
    });
  }

  /** For metrics. */
  get depth(): QueueDepth {
    let queued = 0;
    let first = Number.POSITIVE_INFINITY;
    for (const { jobs } of this.bmcs.values()) {
      queued += jobs.length;
      first = Math.min(first, jobs[0]?.since ?? first);
    }
    const longestWait = queued > 0 ? performance.now() - first : 0;
    const { process, socket } = this.lanes;
    const running = process.prompt.used + socket.prompt.used;
    const waiting = process.patient.used + socket.patient.used;
    return { running, waiting, queued, longestWait };
  }

  private bmcOf(key: string): Bmc {
    let bmc = this.bmcs.get(key);
    if (!bmc) {
      bmc = { key, jobs: [], state: 'idle', silent: false, interval: 0, calm: 0 };
      this.bmcs.set(key, bmc);
    }
    return bmc;
  }

  private makeReady(bmc: Bmc): void {
    bmc.state = 'ready';
    const first = bmc.jobs[0];
    const lanes = this.lanes[first?.means ?? 'process'];
    const lane = bmc.silent ? lanes.patient : lanes.prompt;
    (first?.urgent ? lane.urgent : lane.ready).push(bmc);
    this.pump(lanes);
  }

  private pump(lanes: Lanes): void {
    const { prompt, patient, overdue } = lanes;
    while (patient.used < patient.most && overdue.length > 0) overdue.shift()?.();
    for (const lane of [prompt, patient]) {
      while (lane.used < lane.most) {
        const bmc = lane.urgent.shift() ?? lane.ready.shift();
        if (!bmc) break;
        const job = bmc.jobs[0];
        if (job && this.lanes[job.means] !== lanes) {
          this.makeReady(bmc); // the job that it was in line for was cancelled
          continue;
        }
        bmc.jobs.shift();
        if (job) detached('bmc: queue', this.perform(bmc, job, lanes, lane));
        else this.rest(bmc); // all its jobs were cancelled while it was in line
      }
    }
  }

  private async perform(bmc: Bmc, job: Job, lanes: Lanes, first: Lane): Promise<void> {
    bmc.state = 'running';
    const { patient, overdue } = lanes;
    let lane = first;
    lane.used++;
    const move = () => {
      lane.used--;
      lane = patient;
      lane.used++;
    };
    const outlived = setTimeout(
      contained('bmc: queue', () => {
        if (lane === patient) return;
        if (patient.used < patient.most) move();
        else overdue.push(move);
        this.pump(lanes);
      }),
      this.grace,
    );
    const begun = performance.now();
    let verdict: Verdict = 'answered';
    try {
      const end = await job.run();
      if (end.threw) verdict = job.judge(end.error);
    } finally {
      // Whatever threw: the BMC and its place in the lane are free again.
      clearTimeout(outlived);
      const at = overdue.indexOf(move);
      if (at >= 0) overdue.splice(at, 1);
      lane.used--;
      this.learn(bmc, verdict);
      this.rest(bmc);
      this.pump(lanes);
    }
    const took = performance.now() - begun;
    this.observe({ bmc: bmc.key, waited: begun - job.since, took, end: verdict });
  }

  private learn(bmc: Bmc, verdict: Verdict): void {
    bmc.silent = verdict === 'silent';
    if (verdict === 'busy') {
      bmc.interval = Math.min(Math.max(bmc.interval * 2, FIRST_INTERVAL), this.maxInterval);
      bmc.calm = 0;
    } else if (verdict === 'answered' && bmc.interval > 0 && ++bmc.calm >= CALM) {
      bmc.interval = bmc.interval > FIRST_INTERVAL ? bmc.interval / 2 : 0;
      bmc.calm = 0;
    }
  }

  private rest(bmc: Bmc): void {
    if (bmc.interval > 0) {
      bmc.state = 'resting';
      const wake = () => this.wake(bmc);
      setTimeout(contained('bmc: queue', wake, wake), bmc.interval);
    } else this.wake(bmc);
  }

  private wake(bmc: Bmc): void {
    bmc.state = 'idle';
    if (bmc.jobs.length > 0) this.makeReady(bmc);
    else if ((!bmc.silent && bmc.interval === 0) || this.bmcs.size > MOST_IDLE) this.bmcs.delete(bmc.key);
  }
}

function lanesOf(running: number, waiting: number): Lanes {
  return {
    prompt: { used: 0, most: running, urgent: [], ready: [] },
    patient: { used: 0, most: waiting, urgent: [], ready: [] },
    overdue: [],
  };
}
