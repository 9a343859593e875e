import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { freePort } from '../test/support/free-port.js';
import { enrolled } from './api-node.js';
import { ApiSide, each, VERSION_HEADERS } from './api-side.js';
import { BenchDaemon } from './bench-daemon.js';
import type { LoadGenerator } from './http-load.js';
import { median } from './median.js';

const NODES = 100;
const CONNECTIONS = 8;
/** Seconds of load for each daemon and round. */
const SECONDS = 4;
const ROUNDS = 5;

/**
 * What the meter costs: two daemons, one with the metrics listener and a scrape a second, under the same load in turn.
 * @returns lines for the report
 */
export async function metricsCost(
  parent: string,
  generator: LoadGenerator,
  signal: AbortSignal,
): Promise<string> {
  await using parts = new AsyncDisposableStack();
  const start = async (name: string, metrics: object) => {
    const directory = join(parent, name);
    mkdirSync(directory, { mode: 0o755 });
    const config = join(directory, 'ferric.yaml');
    const [api, agent, http] = [await freePort(), await freePort(), await freePort()];
    const listen = { api: { listen: { port: api } }, agent: { listen: { port: agent } } };
    const rest = { data_dir: join(directory, 'data'), netboot: { http: { port: http } }, metrics };
    writeFileSync(config, stringify({ ...listen, ...rest }));
    const daemon = parts.use(new BenchDaemon(directory, config));
    await daemon.ready;
    const side = new ApiSide(name, `http://127.0.0.1:${api}`, signal);
    parts.defer(() => side.close());
    const names = Array.from({ length: NODES }, (_, index) => `node-${index}`);
    await each(names, 8, async (node, index) => {
      const { uuid } = await side.call('POST', '/v1/nodes', enrolled(node, index));
      side.uuids.push(uuid as string);
    });
    return side;
  };
  const port = await freePort();
  const off = await start('unmeasured', {});
  const on = await start('measured', { listen: '127.0.0.1', port });
  const scrapes: number[] = [];
  let size = 0;
  let done = false;
  const scrape = async () => {
    for (; !done; await sleep(1_000)) {
      const since = performance.now();
      size = (await (await fetch(`http://127.0.0.1:${port}/metrics`, { signal })).text()).length;
      scrapes.push(performance.now() - since);
    }
  };
  const scraping = scrape();
  try {
    const lines: string[] = [];
    for (const method of ['GET', 'PATCH'] as const) {
      const rates: Record<'off' | 'on', number[]> = { off: [], on: [] };
      for (let round = 0; round < ROUNDS; round++) {
        for (const [name, side] of [['off', off] as const, ['on', on] as const]) {
          const paths = side.uuids.map((uuid) => `/v1/nodes/${uuid}`);
          const note = [{ op: 'add', path: '/extra/note', value: `${round} %d` }];
          const load = { method, paths, ...(method === 'PATCH' ? { body: JSON.stringify(note) } : {}) };
          const common = { base: side.base, headers: VERSION_HEADERS, connections: CONNECTIONS };
          rates[name].push((await generator.run({ ...common, ...load, duration: SECONDS }, signal)).rate);
        }
      }
      const [without, measured] = [median(rates.off), median(rates.on)];
      const cost = (100 * (1 - measured / without)).toFixed(1);
      const row = `metrics off ${without.toFixed(0)}/s, on ${measured.toFixed(0)}/s, cost ${cost} %`;
      lines.push(`${method} /v1/nodes/{uuid}, ${CONNECTIONS} connections: ${row}`);
    }
    const scraped = `${median(scrapes).toFixed(1)} ms, ${(size / 1024).toFixed(0)} KiB`;
    return [...lines, `a scrape under that load: ${scraped}`].join('\n');
  } finally {
    done = true;
    await scraping;
  }
}
