import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { enrolled } from './api-node.js';
import { type ApiSide, each, VERSION_HEADERS } from './api-side.js';
import { type LoadFigures, type LoadGenerator } from './http-load.js';
import { median } from './median.js';

/** Interval of samples, ms. */
const EVERY = 500;

/**
 * Loads a daemon with listings, reads of single nodes, and nodes that are created and deleted, and samples its memory.
 * @param seconds of load
 * @returns text with the medians of the quarters
 */
export async function watchMemory(
  pid: number,
  side: ApiSide,
  generator: LoadGenerator,
  seconds: number,
  signal: AbortSignal,
): Promise<string> {
  const samples: number[] = [];
  const watch = setInterval(() => samples.push(residentOf(pid)), EVERY);
  const done = { made: 0, over: false };
  const turns: LoadFigures[] = [];
  const churn = comeAndGo(side, done, signal);
  try {
    const common = { base: side.base, method: 'GET', headers: VERSION_HEADERS, connections: 4, duration: 5 };
    for (let turn = 0; turn < seconds / 10; turn++) {
      const list = turn % 2 === 0 ? '/v1/nodes/detail?limit=1000' : '/v1/nodes?limit=1000';
      turns.push(await generator.run({ ...common, paths: [list] }, signal));
      const paths = side.uuids.map((uuid) => `/v1/nodes/${uuid}`);
      turns.push(await generator.run({ ...common, paths }, signal));
    }
  } finally {
    clearInterval(watch);
    done.over = true;
    await churn;
  }
  const requests = turns.reduce((sum, { requests: some }) => sum + some, 0);
  const quarter = Math.ceil(samples.length / 4);
  const quarters = [0, 1, 2, 3].map((at) => median(samples.slice(at * quarter, (at + 1) * quarter)));
  const [first, , , last] = quarters as [number, number, number, number];
  return `
memory over ${seconds} s of ${requests} GETs and ${done.made} nodes that were made and deleted, MB of the daemon:
quarters ${quarters.map((value) => value.toFixed(0)).join(', ')}; last beside first ${(last / first).toFixed(2)}; the most ${Math.max(...samples).toFixed(0)}`;
}

async function comeAndGo(
  side: ApiSide,
  done: { made: number; over: boolean },
  signal: AbortSignal,
): Promise<void> {
  const lanes = Array.from({ length: 4 }, (_, lane) => lane);
  await each(lanes, lanes.length, async (lane) => {
    while (!done.over) {
      const { uuid } = await side.call('POST', '/v1/nodes', enrolled(`goes-${lane}-${done.made}`));
      await side.call('DELETE', `/v1/nodes/${uuid as string}`);
      done.made += 1;
      await sleep(5, undefined, { signal });
    }
  });
}

/** Resident memory now, MB. */
function residentOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  return (Number(/VmRSS:\s+(\d+)/.exec(text)![1]) * 1024) / 1e6;
}
