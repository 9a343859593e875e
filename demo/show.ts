import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LabMachineOptions } from '../lab/lab.js';
import type { NodeEvent, ShownNode } from './bare-metal-api.js';
import { type BuiltImage, type BuiltRamdisk, buildDeployRamdisk, buildImage, cacheUnder } from './parts.js';
import { Rack } from './rack.js';
import type { Screen } from './screen.js';

const MIB = 2 ** 20;
const MINUTES = 60_000;
const DISK = 6 * 2 ** 30;

export interface ShowOptions {
  firmware: 'bios' | 'uefi';
  system: 'debian' | 'tiny';
  /** Folder of labs and built files. */
  root: string;
  /** Preferred port of the API; another one is taken when it is in use. */
  apiPort: number;
}

/** driver_internal_info.deploy_progress: what the agent reports while it writes the image. */
interface WriteProgress {
  phase: string;
  bytes: number;
  total: number | null;
}

/** Early end of the demo: the stage that failed, and the logs to read. */
export class StageFailure extends Error {
  constructor(
    readonly stage: string,
    readonly logs: readonly string[],
    cause: unknown,
  ) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** One run of the demo, from nothing to an installed system that prints its greeting. */
export class Show {
  #stage = 'the start';
  #logs: string[] = [];
  #timesPath: string;
  #shown: WriteProgress | undefined;

  constructor(
    private readonly options: ShowOptions,
    private readonly screen: Screen,
    private readonly signal: AbortSignal,
  ) {
    this.#timesPath = join(options.root, 'demo-times.json');
  }

  /**
   * @param afterwards is called while the rack still runs
   * @throws StageFailure; the abort's reason when interrupted. Everything that was started is ended.
   */
  async run(afterwards: (rack: Rack, uuid: string) => Promise<void>): Promise<void> {
    try {
      const { image, ramdisk } = await this.#prepare();
      this.#enter('the rack: network, BMC, daemon');
      const logFolder = join(this.options.root, 'demo');
      this.#logs = [join(logFolder, 'daemon.log')];
      await using rack = await this.#raise(ramdisk);
      const uuid = await Promise.race([this.#deploy(rack, image), daemonEnded(rack)]);
      await afterwards(rack, uuid);
      this.screen.print();
      this.screen.say('taking the rack down');
    } catch (error) {
      this.screen.endProgress();
      this.signal.throwIfAborted();
      throw new StageFailure(this.#stage, this.#logs.filter(existsSync), error);
    }
  }

  async #prepare(): Promise<{ image: BuiltImage; ramdisk: BuiltRamdisk }> {
    const { screen, signal, options } = this;
    screen.title('What is needed');
    const cache = cacheUnder(options.root);
    this.#enter('building the deploy ramdisk');
    const before = screen.seconds;
    const ramdisk = await this.#unlessAborted(buildDeployRamdisk(cache, (line) => screen.say(`  ${line}`)));
    screen.say(
      `deploy ramdisk: ${ramdisk.cached ? 'reused' : 'built'}, ${mebibytes(ramdisk.size)} with the agent`,
    );
    this.#enter('building the image');
    if (options.system === 'debian')
      screen.say('image: a small Debian 12 (some minutes when it is built anew)');
    const choice =
      options.system === 'debian'
        ? ({ system: 'debian', format: 'qcow2' } as const)
        : ({ system: 'tiny', format: 'raw' } as const);
    const image = await buildImage(cache, choice, signal);
    screen.say(`image: ${image.built > 0 ? 'built' : 'reused'}, ${image.path}, sha256 ${image.sha256}`);
    this.#compare('preparing', screen.seconds - before, image.built > 0 || !ramdisk.cached);
    return { image, ramdisk };
  }

  async #raise(ramdisk: BuiltRamdisk): Promise<Rack> {
    const { screen, options, signal } = this;
    const machine: LabMachineOptions = {
      name: 'demo1',
      firmware: options.firmware,
      disks: [{ bus: 'virtio', size: DISK }],
      nics: [{ model: 'virtio' }],
    };
    const raise = (apiPort: number) =>
      Rack.raise({
        name: 'demo',
        root: options.root,
        machines: [machine],
        ramdisk,
        signal,
        apiPort,
        config: {
          // The conductor itself downloads, checks and caches the image, and serves it unconverted.
          deploy: { image_download_source: 'local' },
          image: { force_raw: false },
          conductor: { deploy_callback_timeout: 900, clean_callback_timeout: 900 },
        },
      });
    screen.title('The rack');
    const rack = await raise((await isFree(options.apiPort)) ? options.apiPort : 0);
    const { lab } = rack;
    const bmc = lab.machine('demo1').address;
    screen.say(
      `a bare machine (${options.firmware.toUpperCase()}, disk empty) behind BMC ${bmc.host}:${bmc.port}`,
    );
    screen.say(`the daemon serves DHCP, TFTP and HTTP on ${lab.network.address}, its API on ${rack.api.url}`);
    return rack;
  }

  async #deploy(rack: Rack, image: BuiltImage): Promise<string> {
    const { screen, options } = this;
    const { api, lab } = rack;
    const machine = lab.machine('demo1');
    const { console: serial } = machine.machine;
    this.#logs = [rack.daemon.logPath, serial.logPath];
    const follow = new AbortController();
    const seen = new Set<string>();
    const following = this.#printEvents(
      await api.events(AbortSignal.any([this.signal, follow.signal])),
      seen,
    );
    try {
      this.#enter('enrolling');
      const uuid = await rack.enrol(machine, { capabilities: `boot_mode:${options.firmware}` });
      screen.title(`Node ${uuid}`);
      screen.say('enroll: created over the REST API, driver ipmi');
      const path = [
        { stage: 'verifying (manage)', verb: 'manage', state: 'manageable', timeout: 1 },
        { stage: 'automated cleaning (provide)', verb: 'provide', state: 'available', timeout: 10 },
      ];
      for (const { stage, verb, state, timeout } of path) {
        this.#enter(stage);
        await api.provision(uuid, verb);
        await api.waitForState(uuid, state, { timeout: timeout * MINUTES });
      }
      this.#enter('deployment (active)');
      await api.patch(uuid, {
        '/instance_info/image_source': rack.publish(image),
        '/instance_info/image_os_hash_algo': 'sha256',
        '/instance_info/image_os_hash_value': image.sha256,
        '/instance_info/image_disk_format': image.format,
      });
      const since = serial.position;
      // A Debian image sets its host name from it, as cloud-init would.
      const meta_data = { uuid, name: machine.name, hostname: machine.name };
      await api.provision(uuid, 'active', { configdrive: { meta_data } });
      await api.waitForState(uuid, 'active', {
        timeout: 20 * MINUTES,
        onLook: (node) => this.#showWrite(node),
      });
      screen.endProgress();
      await sawEvent(seen, 'active');
      this.#enter('the installed system’s start');
      screen.title('The installed system, on its serial console');
      await serial.waitFor(new RegExp(`${image.hello.source}\n`), {
        since,
        timeout: 5 * MINUTES,
        signal: this.signal,
      });
      for (const line of lastWords(serial.text)) screen.print(`  | ${line}`);
      screen.print();
      this.#compare('from nothing to an installed system', screen.seconds, false);
      return uuid;
    } finally {
      follow.abort();
      await following;
    }
  }

  async #printEvents(events: AsyncIterable<NodeEvent>, seen: Set<string>): Promise<void> {
    let last = performance.now();
    for await (const { event_type, from_state, state, event, severity } of events) {
      if (event_type !== 'provision' || state === null) continue;
      const now = performance.now();
      const spent = from_state === null ? '' : `  (${((now - last) / 1000).toFixed(1)} s in ${from_state})`;
      last = now;
      if (state !== from_state && from_state !== null) {
        this.screen.say(`${from_state.padEnd(14)} -> ${state.padEnd(14)}${spent}`);
      }
      if (severity === 'ERROR') this.screen.say(`  ${event}`);
      seen.add(state);
    }
  }

  #showWrite(node: ShownNode): void {
    const { screen } = this;
    const progress = node.driver_internal_info['deploy_progress'] as WriteProgress | undefined;
    const shown = this.#shown;
    // The field disappears when the agent has succeeded: the last poll of it was a moment before.
    const isOver = shown !== undefined && (progress === undefined || progress.phase !== shown.phase);
    if (isOver) {
      const { phase, bytes, total } = shown;
      const whole = node.last_error === null && node.provision_state !== 'deploy failed';
      screen.progress(phase === 'convert' ? 'write' : phase, whole ? (total ?? bytes) : bytes, total);
      screen.endProgress();
    }
    this.#shown = progress;
    if (progress === undefined) return;
    const { phase, bytes, total } = progress;
    screen.progress(phase === 'convert' ? 'write' : phase, bytes, total);
  }

  #enter(stage: string): void {
    this.signal.throwIfAborted();
    this.#stage = stage;
  }

  /** Prints how long a stage took, and beside it the figure of the first run, which had to build everything. */
  #compare(what: string, seconds: number, isFirst: boolean): void {
    const key = `${what} ${this.options.system} ${this.options.firmware}`;
    const times = existsSync(this.#timesPath)
      ? (JSON.parse(readFileSync(this.#timesPath, 'utf8')) as Record<string, number>)
      : {};
    const before = times[key];
    const beside = before === undefined || isFirst ? '' : ` (the first run here: ${before.toFixed(1)} s)`;
    this.screen.say(`${what}: ${seconds.toFixed(1)} s${beside}`);
    if (before !== undefined && !isFirst) return;
    writeFileSync(this.#timesPath, `${JSON.stringify({ ...times, [key]: seconds }, null, 2)}\n`);
  }

  /** For work that cannot be aborted: it is left to end with this process. */
  async #unlessAborted<T>(work: Promise<T>): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>();
    const aborted = () => reject(this.signal.reason);
    this.signal.addEventListener('abort', aborted);
    try {
      return await Promise.race([work, promise]);
    } finally {
      this.signal.removeEventListener('abort', aborted);
    }
  }
}

/** Rejects when the daemon ends before the demo has ended it. */
async function daemonEnded({ daemon }: Rack): Promise<never> {
  const { code, signal } = await daemon.exited;
  throw new Error(`the daemon ended by itself, ${signal === null ? `status ${code}` : `by ${signal}`}`);
}

/** Waits for an event: the stream lags a moment behind the state. */
async function sawEvent(seen: ReadonlySet<string>, state: string): Promise<void> {
  for (let i = 0; i < 40 && !seen.has(state); i++) await sleep(50);
}

/** The console's text since the machine's last power on, without blank lines and the firmware's drawing. */
function lastWords(text: string): string[] {
  const from = text.lastIndexOf('\n--- ');
  return text
    .slice(from)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && /[a-z]/i.test(line))
    .slice(-12);
}

function mebibytes(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`;
}

async function isFree(port: number): Promise<boolean> {
  const { createServer } = await import('node:net');
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
