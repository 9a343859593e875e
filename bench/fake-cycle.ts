import { setTimeout as sleep } from 'node:timers/promises';
import { taken } from './api-node.js';
import { type ApiSide, each, type Json } from './api-side.js';

/** Verbs, and the states they lead to. */
const WAY = [
  ['manage', 'manageable'],
  ['provide', 'available'],
  ['active', 'active'],
] as const;
/** Poll interval, ms. */
const POLL = 100;
const PATIENCE = 300_000;

/**
 * Takes fake nodes from enroll to active, each as fast as it can. Listings show their states: that is less work for a
 * server than a poll of each node.
 * @returns seconds
 */
export async function takeTogether(side: ApiSide, count: number, signal: AbortSignal): Promise<number> {
  const group = `together-${Date.now()}`;
  const names = Array.from({ length: count }, (_, index) => `${group}-${index}`);
  const waiting = new Map<string, (typeof WAY)[number][]>();
  await each(names, 8, async (name) => {
    const { uuid } = await side.call('POST', '/v1/nodes', taken(name, group));
    waiting.set(uuid as string, [...WAY]);
  });
  const started = performance.now();
  const send = (uuids: string[]) =>
    each(uuids, count, (uuid) =>
      side.call('PUT', `/v1/nodes/${uuid}/states/provision`, { target: waiting.get(uuid)![0]![0] }),
    );
  await send([...waiting.keys()]);
  const path = `/v1/nodes?resource_class=${group}&fields=uuid,provision_state,reservation,last_error`;
  while (waiting.size > 0) {
    await sleep(POLL, undefined, { signal });
    const { nodes } = await side.call('GET', path);
    const arrived = (nodes as Json[]).filter((node) => hasArrived(node, waiting.get(node['uuid'] as string)));
    const further = arrived.map(({ uuid }) => uuid as string);
    for (const uuid of further) {
      const way = waiting.get(uuid)!;
      way.shift();
      if (way.length === 0) waiting.delete(uuid);
    }
    await send(further.filter((uuid) => waiting.has(uuid)));
    if (performance.now() - started > PATIENCE)
      throw new Error(`${side.name}: ${waiting.size} did not arrive`);
  }
  return (performance.now() - started) / 1000;
}

/** @throws Error when it has failed for good */
function hasArrived(node: Json, way: (typeof WAY)[number][] | undefined): boolean {
  if (!way) return false;
  const state = node['provision_state'] as string;
  if (/failed|error/.test(state) || node['last_error'] !== null) {
    throw new Error(`a node ended in "${state}": ${String(node['last_error'])}`);
  }
  return state === way[0]![1] && node['reservation'] === null;
}
