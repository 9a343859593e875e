// Floods of requests that are not admitted, kind by kind: how long the event loop is blocked, and the latency of a
// polite client of each server during the flood and without it. Runs as root, in two network namespaces.
// After `npm run build`: node dist/bench/attack-bench.js [seconds for each kind] [text in the kinds' names]
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { hashSync } from 'bcryptjs';
import { stringify } from 'yaml';
import { ip, Rack } from '../test/support/netboot/rack.js';
import type { DoorFigures } from './attack-polite.js';
import { BenchDaemon, probeIdle } from './bench-daemon.js';
import { interruptible } from './interruptible.js';
import { memoryOf } from './process-figures.js';

const SECONDS = Number(process.argv[2] ?? 6);
const ONLY = process.argv[3] ?? '';
const SERVER = '10.66.0.1';
/** MAC addresses of the polite client, which takes one after the other: each has a rate of its own. */
const MACS = Array.from({ length: 64 }, (_, n) => `02:00:00:00:01:${n.toString(16).padStart(2, '0')}`);
const DECLINER = '02:00:00:00:00:09';
/** Greatest acceptable blocking of the event loop, ms. */
const GOAL = 50;
const DOORS = ['api', 'agent', 'http', 'tftp', 'dhcp'] as const;
const program = (name: string) => fileURLToPath(new URL(name, import.meta.url));

type Polite = Record<(typeof DOORS)[number], DoorFigures>;

async function bench(signal: AbortSignal): Promise<void> {
  await using parts = new AsyncDisposableStack();
  const rack = new Rack();
  parts.defer(() => rack.stop());
  const [inside, outside] = [rack.add('daemon'), rack.add('clients')];
  rack.wire({ in: inside, as: 'srv', ip: `${SERVER}/16` }, { in: outside, as: 'eth0', ip: '10.66.0.2/16' });
  // The clients own every address of the network but two, since an attacker may use any number of addresses.
  for (const net of ['10.66.64.0/18', '10.66.128.0/17'])
    ip('-n', outside, 'route', 'add', 'local', net, 'dev', 'lo');
  const directory = mkdtempSync(join(tmpdir(), 'ferric-attack-'));
  parts.defer(() => rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));
  chmodSync(directory, 0o755);
  const daemon = parts.use(new BenchDaemon(directory, writeConfig(directory), inside));
  const idle = parts.use(probeIdle(directory));
  await daemon.ready;

  const run = (name: string, ...args: string[]): ChildProcess => {
    const child = spawn('ip', ['netns', 'exec', outside, process.execPath, program(name), ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      signal,
    });
    child.on('error', () => undefined); // the reader of its output gets the error
    parts.defer(() => void child.kill('SIGKILL')); // does nothing to one that has ended
    return child;
  };
  const output = async (child: ChildProcess) => JSON.parse(await text(child.stdout!)) as never;
  const node = enrol(outside);
  const polite = async (): Promise<Polite> =>
    output(run('./attack-polite.js', SERVER, node, MACS.join(), String(SECONDS)));
  const kinds = ((await output(run('./attack-flood.js', SERVER, 'list'))) as string[]).filter((kind) =>
    kind.includes(ONLY),
  );

  console.log(
    `${SECONDS} s a kind; load ${loadavg()[0]!.toFixed(1)} before; ms, p50/p99 of a polite client\n`,
  );
  console.log(
    `${'flood'.padEnd(32)} loop max (own, idle)  p99   RSS MB  ${DOORS.map((door) => door.padStart(13)).join('')}   sent/s, answers`,
  );
  let worst = 0;
  const phase = async (kind: string, floods: readonly string[]): Promise<void> => {
    const running = floods.map((flood) => run('./attack-flood.js', SERVER, flood));
    await sleep(500, undefined, { signal });
    await daemon.figures();
    await idle.figures();
    const seen = await polite();
    const [loop, still] = [await daemon.figures(), await idle.figures()];
    for (const child of running) child.kill('SIGTERM');
    const shots = await Promise.all(running.map(output) as Promise<Shots>[]);
    if (floods.length > 0) worst = Math.max(worst, loop.ownMax);
    const doors = DOORS.map((door) => {
      const { p50, p99, lost, asked } = seen[door];
      const words = p50 === null || p99 === null ? 'none' : `${p50.toFixed(1)}/${p99.toFixed(0)}`;
      return (lost > 0 ? `${words} ${((100 * lost) / asked).toFixed(0)}%!` : words).padStart(13);
    });
    const { anonymous } = memoryOf(daemon.pid);
    const ms = (value: number, width: number) => value.toFixed(1).padStart(width);
    console.log(
      `${kind.padEnd(32)} ${ms(loop.max, 8)} (${ms(loop.ownMax, 5)},${ms(still.max, 5)}) ${ms(loop.p99, 5)} ${anonymous.toFixed(0).padStart(6)}  ${doors.join('')}   ${shots.map(inWords).join('; ')}`,
    );
    // Queued requests must not count for the next measurement.
    await sleep(1_000, undefined, { signal });
  };
  await phase('quiet', []);
  for (const kind of kinds) await phase(kind, [kind]);
  const one = [
    'agent: stranger',
    'api: no login',
    'http: strangers',
    'tftp: no such file',
    'dhcp: strangers',
  ];
  if (ONLY === '') await phase('one of each door together', one);
  await phase('quiet again', []);
  console.log(`\nlongest block of the event loop under a flood ${worst.toFixed(1)} ms (goal ≤ ${GOAL})`);
}

interface Shots {
  sent: number;
  answers: Record<string, number>;
}

function inWords({ sent, answers }: Shots): string {
  const each = Object.entries(answers).map(([answer, count]) => `${answer} ${count}`);
  return `${Math.round(sent / SECONDS)}/s: ${each.join(', ') || 'none'}`;
}

function writeConfig(directory: string): string {
  const [users, small, path] = ['users', 'small', 'ferric.yaml'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(users, `admin:${hashSync('right', 10)}\n`);
  writeFileSync(small, 'x'.repeat(500));
  const listen = (port: number) => ({ listen: { address: SERVER, port } });
  const config = {
    data_dir: join(directory, 'data'),
    auth: { strategy: 'http_basic', http_basic: { user_file: users } },
    api: listen(6385),
    agent: {
      ...listen(6386),
      unleased_networks: ['10.66.0.2/32', '10.66.64.0/18'],
      requests_per_minute: 3_000,
    },
    driver: { enabled_hardware_types: ['fake-hardware'] },
    netboot: {
      files: { small },
      http: { listen: SERVER },
      tftp: { listen: SERVER },
      dhcp: {
        interface: 'srv',
        probe_ms: 0,
        subnets: [
          {
            cidr: '10.66.0.0/16',
            range_start: '10.66.0.100',
            range_end: '10.66.0.250',
            relays: ['10.66.0.2'],
          },
        ],
      },
    },
  };
  writeFileSync(path, stringify(config));
  return path;
}

/** Enrols a node with the ports of both clients. @returns its UUID */
function enrol(namespace: string): string {
  const send = (path: string, body: object) =>
    JSON.parse(
      execFileSync(
        'ip',
        [
          ...['netns', 'exec', namespace, 'curl', '-sSf', '-u', 'admin:right'],
          ...['-H', 'Content-Type: application/json', '-H', 'X-OpenStack-Ironic-API-Version: 1.82'],
          ...['-d', JSON.stringify(body), `http://${SERVER}:6385${path}`],
        ],
        { encoding: 'utf8' },
      ),
    ) as { uuid: string };
  const { uuid } = send('/v1/nodes', { driver: 'fake-hardware', name: 'polite' });
  for (const address of [...MACS, DECLINER]) send('/v1/ports', { node_uuid: uuid, address });
  return uuid;
}

await interruptible(bench);
