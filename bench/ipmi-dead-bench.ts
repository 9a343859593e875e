// A round of power reads of many BMCs of which some are dead: in lanes, as the daemon does it, and sequentially, as it
// did before. After `npm run build`: node dist/bench/ipmi-dead-bench.js [BMCs] [dead]
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { PollLanes } from '../src/conductor/periodic/poll-lanes.js';
import { ipmiSection } from '../src/config/section/ipmi.js';
import { powerStatus } from '../src/driver/ipmi/commands.js';
import { Ipmitool } from '../src/driver/ipmi/ipmitool.js';
import { callOf } from '../src/driver/ipmi/link.js';
import { CommandProcess } from '../src/platform/command-process.js';
import { DriverBench } from '../test/support/driver-context.js';
import { Rack } from '../test/support/paper-rack.js';
import { interruptible } from './interruptible.js';

const COUNT = Number(process.argv[2] ?? 300);
const DEAD = Number(process.argv[3] ?? 60);
const WORKERS = 8;

interface Bmc {
  uuid: string;
  updated_at: null;
  port: number;
}

async function bench(signal: AbortSignal): Promise<void> {
  await using parts = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), 'ferric-bench-'));
  parts.defer(() => rmSync(directory, { recursive: true }));
  const commands = new CommandProcess();
  parts.defer(() => commands.close());
  const deaf = createSocket('udp4');
  parts.defer(() => void deaf.close());
  deaf.bind(0, '0.0.0.0'); // receives on every loopback address
  await once(deaf, 'listening');
  const racks: Rack[] = [];
  for (let i = 0; i < COUNT - DEAD; i++) racks.push(parts.use(await Rack.up()));
  const living = racks.map(({ port }, i): Bmc => ({ uuid: `127.0.0.1 ${i}`, updated_at: null, port }));
  const all = Array.from({ length: COUNT }, (_, i): Bmc => {
    const dead = (i * DEAD) % COUNT < DEAD;
    return dead
      ? {
          uuid: `127.0.${1 + Math.floor(i / 250)}.${1 + (i % 250)}`,
          updated_at: null,
          port: deaf.address().port,
        }
      : living.pop()!;
  });

  const reader = async () => {
    const settings = ipmiSection.parse({});
    const run = commands.run.bind(commands);
    const ipmitool = new Ipmitool({ settings, runtimeDirectory: directory, run });
    await ipmitool.start();
    const read = new Map<string, number>();
    const look = async ({ port, uuid }: Bmc): Promise<boolean> => {
      const node = new DriverBench(loginOf(port, uuid));
      node.attended = false;
      try {
        await ipmitool.execute({ ...callOf(node.context()), command: powerStatus });
        read.set(uuid, performance.now());
        return true;
      } catch {
        return false; // expected for dead BMCs
      }
    };
    return { look, read };
  };

  console.log(`${COUNT} BMCs, ${DEAD} of them dead; load ${loadavg()[0]!.toFixed(1)}\n`);
  console.log('                              round s   healthy read');
  const row = (name: string, started: number, read: ReadonlyMap<string, number>) => {
    const last = Math.max(...read.values());
    console.log(
      `${name.padEnd(30)} ${seconds(performance.now() - started)} ${seconds(last - started)} (${read.size})`,
    );
  };
  const lanes = () =>
    new PollLanes<Bmc>({
      workers: WORKERS,
      slow: 64,
      grace: 500,
      mostRest: 0,
      failed: ({ uuid }, error) => console.error(uuid, error),
    });
  {
    const { look, read } = await reader();
    const healthy = all.filter(({ port }) => port !== deaf.address().port);
    const started = performance.now();
    await lanes().round(healthy, look, signal);
    row('none dead (usual)', started, read);
  }
  {
    const { look, read } = await reader();
    const rounds = lanes();
    for (const name of ['in lanes, first round', 'in lanes, second round', 'in lanes, third round']) {
      read.clear();
      const started = performance.now();
      await rounds.round(all, look, signal);
      row(name, started, read);
      await rounds.drain();
    }
  }
  {
    const { look, read } = await reader();
    const queue = [...all];
    const worker = async () => {
      for (let bmc = queue.shift(); bmc && !signal.aborted; bmc = queue.shift()) await look(bmc);
    };
    const started = performance.now();
    await Promise.all(Array.from({ length: WORKERS }, worker));
    row('in line', started, read);
  }
}

function loginOf(port: number, address: string) {
  return {
    driver_info: {
      ipmi_address: address.split(' ')[0]!,
      ipmi_port: port,
      ipmi_username: 'admin',
      ipmi_password: 'canary-bmc-pw',
    },
  };
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1).padStart(8);
}

await interruptible(bench);
