// The API beside Debian's Ironic: requests per second, fake nodes taken to active concurrently, memory under load; and
// Ferric with the metrics listener beside Ferric without it.
// After `npm run build`, as root: node dist/bench/api-bench.js [nodes]
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { freePort } from '../test/support/free-port.js';
import { startIronicPeer } from '../test/support/peer/ironic.js';
import { type ApiCase, CASES, enrol } from './api-cases.js';
import { watchMemory } from './api-memory.js';
import { metricsCost } from './api-metrics.js';
import { enrolled } from './api-node.js';
import { demandAlike } from './api-shape.js';
import { ApiSide, type Json, VERSION_HEADERS } from './api-side.js';
import { BenchDaemon } from './bench-daemon.js';
import { takeTogether } from './fake-cycle.js';
import { type LoadFigures, LoadGenerator, middle } from './http-load.js';
import { interruptible } from './interruptible.js';
import { median } from './median.js';

const COUNT = Number(process.argv[2] ?? 1000);
/** Nodes taken to active concurrently. */
const TOGETHER = 50;
const TOGETHER_ROUNDS = 3;
/** Duration of the load, seconds. */
const MEMORY_SECONDS = 120;
/** Fields that each server fills in its own way. */
const FREE = [
  'driver_internal_info',
  'reservation',
  'updated_at',
  'links',
  'ports',
  'portgroups',
  'states',
  'volume',
];

async function bench(signal: AbortSignal): Promise<void> {
  await using parts = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), 'ferric-api-'));
  parts.defer(() => rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));
  chmodSync(directory, 0o755);
  const ports = { api: await freePort(), agent: await freePort(), http: await freePort() };
  const daemon = parts.use(new BenchDaemon(directory, writeConfig(directory, ports)));
  const workers = cpus().length;
  const starting = startIronicPeer({ config: { api: { api_workers: workers } } });
  let peerStopped = false;
  const stopPeer = async () => {
    if (!peerStopped) await (await starting).stop();
    peerStopped = true;
  };
  parts.defer(stopPeer);
  const [peer] = await Promise.all([starting, daemon.ready]);
  const ours = new ApiSide('Ferric', `http://127.0.0.1:${ports.api}`, signal);
  const theirs = new ApiSide('Ironic', peer.endpoint, signal);
  parts.defer(() => {
    ours.close();
    theirs.close();
  });
  const generator = new LoadGenerator(directory);

  console.log(
    `${COUNT} nodes with a port each; Ironic with ${workers} API workers; load ${loadavg()[0]!.toFixed(1)}\n`,
  );
  for (const side of [theirs, ours]) {
    const seconds = await timed(() => enrol(side, COUNT));
    console.log(`enrolled in ${side.name}: ${seconds.toFixed(1)} s`);
  }
  await compare(ours, theirs);
  console.log('answers are alike in shape and count\n');

  console.log(HEADER);
  for (const [index, one] of CASES.entries()) {
    for (const connections of one.connections) {
      const measure = (side: ApiSide, duration: number, round: number) => {
        const load = one.load(side, `m${index}-${connections}-${round}`);
        const common = { base: side.base, headers: VERSION_HEADERS, connections, duration };
        return generator.run({ ...common, ...load }, signal);
      };
      const figures: LoadFigures[] = [];
      const peerFigures: LoadFigures[] = [];
      for (let round = 0; round < one.rounds; round++) {
        peerFigures.push(await measure(theirs, one.seconds[1], round));
        figures.push(await measure(ours, one.seconds[0], round));
      }
      console.log(row(one, connections, middle(figures), middle(peerFigures)));
    }
  }

  const slow: number[] = [];
  const quick: number[] = [];
  for (let round = 0; round < TOGETHER_ROUNDS; round++) {
    slow.push(await takeTogether(theirs, TOGETHER, signal));
    quick.push(await takeTogether(ours, TOGETHER, signal));
  }
  const seconds = (values: readonly number[], digits: number) =>
    `${median(values).toFixed(digits)} s (${values.map((value) => value.toFixed(digits)).join(', ')})`;
  console.log(`
${TOGETHER} fake machines together, enroll to active: Ferric ${seconds(quick, 2)}, Ironic ${seconds(slow, 1)}, ratio ${(median(slow) / median(quick)).toFixed(1)} (goal 10)`);
  await stopPeer();
  console.log(await watchMemory(daemon.pid, ours, generator, MEMORY_SECONDS, signal));
  console.log(await metricsCost(directory, generator, signal));
}

/** @returns the path of the configuration */
function writeConfig(directory: string, ports: { api: number; agent: number; http: number }): string {
  const path = join(directory, 'ferric.yaml');
  const config = {
    data_dir: join(directory, 'data'),
    api: { listen: { port: ports.api } },
    agent: { listen: { port: ports.agent } },
    netboot: { http: { port: ports.http } },
  };
  writeFileSync(path, stringify(config));
  return path;
}

/** Checks that both servers respond alike to every request of the bench. */
async function compare(ours: ApiSide, theirs: ApiSide): Promise<void> {
  const both = async (what: string, ask: (side: ApiSide) => Promise<Json>) => {
    const [mine, yours] = [await ask(ours), await ask(theirs)];
    demandAlike(what, mine, yours, FREE);
    return [mine, yours];
  };
  for (const path of ['/v1/nodes/detail?limit=1000', '/v1/nodes?limit=1000']) {
    for (const { nodes } of await both(path, (side) => side.call('GET', path))) {
      const { length } = nodes as Json[];
      if (length !== Math.min(COUNT, 1000)) throw new Error(`${path}: ${length} nodes`);
    }
  }
  await both('GET', (side) => side.call('GET', `/v1/nodes/${side.uuids[0]}`));
  await both('PATCH', (side) =>
    side.call('PATCH', `/v1/nodes/${side.uuids[0]}`, [{ op: 'add', path: '/extra/note', value: 'x' }]),
  );
  await both('POST', async (side) => {
    const made = await side.call('POST', '/v1/nodes', enrolled('compared'));
    await side.call('DELETE', `/v1/nodes/${made['uuid'] as string}`);
    return made;
  });
  for (const side of [ours, theirs]) {
    const path = `/v1/nodes/${side.uuids[0]}`;
    await side.call('PATCH', path, [{ op: 'remove', path: '/extra/note' }]);
  }
}

async function timed(work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

const HEADER =
  '                                  conn    Ferric/s     p50     p99 ms   Ironic/s     p50     p99 ms    ratio (goal)   KiB, Ironic';

function row({ name, goal }: ApiCase, connections: number, ours: LoadFigures, theirs: LoadFigures): string {
  const cell = (value: number, width: number) => value.toFixed(value < 100 ? 1 : 0).padStart(width);
  const figures = ({ rate, p50, p99 }: LoadFigures) => `${cell(rate, 10)} ${cell(p50, 7)} ${cell(p99, 7)}   `;
  return [
    name.padEnd(33),
    String(connections).padStart(4),
    ` ${figures(ours)}`,
    figures(theirs),
    `${cell(ours.rate / theirs.rate, 6)} (${goal})`,
    `${cell(ours.size / 1024, 10)} ${cell(theirs.size / 1024, 7)}`,
  ].join(' ');
}

await interruptible(bench);
