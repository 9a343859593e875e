// The API beside an earlier build of Ferric: requests per second, and fake nodes taken to active concurrently.
// After `npm run build` here and in the other checkout, as root: node dist/bench/api-earlier.js CHECKOUT [nodes]
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { freePort } from '../test/support/free-port.js';
import { CASES, enrol } from './api-cases.js';
import { ApiSide, VERSION_HEADERS } from './api-side.js';
import { BenchDaemon } from './bench-daemon.js';
import { takeTogether } from './fake-cycle.js';
import { type LoadFigures, LoadGenerator, middle } from './http-load.js';
import { interruptible } from './interruptible.js';
import { median } from './median.js';

const COUNT = Number(process.argv[3] ?? 1000);
/** Rounds in which both run one after the other, in alternating order; the figures are the medians. */
const ROUNDS = 5;
/** Seconds of load for each of them. */
const SECONDS = 4;
const TOGETHER = 50;

async function bench(signal: AbortSignal): Promise<void> {
  const main = resolve(process.argv[2] ?? '', 'dist/src/main.js');
  if (process.argv[2] === undefined || !existsSync(main)) {
    throw new Error(`usage: api-earlier.js CHECKOUT [nodes]; there is no ${main}`);
  }
  await using parts = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), 'ferric-earlier-'));
  parts.defer(() => rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));
  chmodSync(directory, 0o755);
  const start = async (name: string, program?: string) => {
    const home = join(directory, name);
    mkdirSync(home, { mode: 0o755 });
    const api = await freePort();
    const path = join(home, 'ferric.yaml');
    const config = {
      data_dir: join(home, 'data'),
      api: { listen: { port: api } },
      agent: { listen: { port: await freePort() } },
      netboot: { http: { port: await freePort() } },
    };
    writeFileSync(path, stringify(config));
    const daemon = parts.use(new BenchDaemon(home, path, undefined, program));
    await daemon.ready;
    const side = new ApiSide(name, `http://127.0.0.1:${api}`, signal);
    parts.defer(() => side.close());
    await enrol(side, COUNT);
    return side;
  };
  const both = [await start('now'), await start('earlier', main)] as const;
  const generator = new LoadGenerator(directory);
  const inTurn = (round: number) => (round % 2 === 0 ? both : both.toReversed());

  console.log(`${COUNT} nodes with a port each; load ${loadavg()[0]!.toFixed(1)}\n`);
  console.log('                                  conn       now/s     p99 ms  earlier/s     p99 ms   ratio');
  for (const [index, one] of CASES.entries()) {
    for (const connections of one.connections) {
      const figures = new Map<ApiSide, LoadFigures[]>(both.map((side) => [side, []]));
      for (let round = 0; round < ROUNDS; round++) {
        for (const side of inTurn(round)) {
          const load = one.load(side, `m${index}-${connections}-${round}`);
          const common = { base: side.base, headers: VERSION_HEADERS, connections, duration: SECONDS };
          figures.get(side)!.push(await generator.run({ ...common, ...load }, signal));
        }
      }
      const [now, earlier] = both.map((side) => middle(figures.get(side)!));
      console.log(row(one.name, connections, now!, earlier!));
    }
  }
  const seconds = new Map<ApiSide, number[]>(both.map((side) => [side, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const side of inTurn(round)) seconds.get(side)!.push(await takeTogether(side, TOGETHER, signal));
  }
  const [now, earlier] = both.map((side) => median(seconds.get(side)!));
  console.log(`
${TOGETHER} fake machines together, enroll to active: now ${now!.toFixed(2)} s, earlier ${earlier!.toFixed(2)} s, ratio ${(earlier! / now!).toFixed(2)}`);
}

function row(name: string, connections: number, now: LoadFigures, earlier: LoadFigures): string {
  const cell = (value: number) => value.toFixed(value < 100 ? 1 : 0).padStart(10);
  const figures = ({ rate, p99 }: LoadFigures) => `${cell(rate)} ${cell(p99)}`;
  const ratio = (now.rate / earlier.rate).toFixed(2).padStart(7);
  return `${name.padEnd(33)} ${String(connections).padStart(4)}  ${figures(now)} ${figures(earlier)} ${ratio}`;
}

await interruptible(bench);
