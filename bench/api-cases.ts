import { enrolled } from './api-node.js';
import { type ApiSide, each } from './api-side.js';
import type { Load } from './http-load.js';

/** One kind of request to an API, under load. */
export interface ApiCase {
  name: string;
  goal: number;
  /** Numbers of connections. */
  connections: readonly number[];
  /** Seconds of load for each number of connections, for Ferric and the reference. */
  seconds: readonly [number, number];
  /** Rounds in which both run one after the other; the figures are the medians. */
  rounds: number;
  load: (side: ApiSide, mark: string) => Pick<Load, 'method' | 'paths' | 'body'>;
}

const list =
  (path: string): ApiCase['load'] =>
  () => ({ method: 'GET', paths: [path] });
const FEW = { connections: [1, 4], seconds: [3, 8], rounds: 3 } as const;
const MANY = { connections: [1, 8, 32], seconds: [4, 4], rounds: 3 } as const;
export const CASES: readonly ApiCase[] = [
  { name: 'GET /v1/nodes/detail?limit=1000', goal: 20, ...FEW, load: list('/v1/nodes/detail?limit=1000') },
  { name: 'GET /v1/nodes?limit=1000', goal: 20, ...FEW, load: list('/v1/nodes?limit=1000') },
  {
    name: 'GET /v1/nodes/{uuid}',
    goal: 10,
    ...MANY,
    load: ({ uuids }) => ({ method: 'GET', paths: uuids.map((uuid) => `/v1/nodes/${uuid}`) }),
  },
  {
    name: 'PATCH /v1/nodes/{uuid}',
    goal: 10,
    ...MANY,
    load: ({ uuids }, mark) => ({
      method: 'PATCH',
      paths: uuids.map((uuid) => `/v1/nodes/${uuid}`),
      body: JSON.stringify([{ op: 'add', path: '/extra/note', value: `${mark} %d` }]),
    }),
  },
  {
    name: 'POST /v1/nodes',
    goal: 10,
    ...MANY,
    load: (_side, mark) => ({
      method: 'POST',
      paths: ['/v1/nodes'],
      body: JSON.stringify(enrolled(`${mark}-%d`)),
    }),
  },
];

/** Makes nodes with a port each. */
export async function enrol(side: ApiSide, count: number): Promise<void> {
  const names = Array.from({ length: count }, (_, index) => `node-${index}`);
  await each(names, 8, async (name, index) => {
    const { uuid } = await side.call('POST', '/v1/nodes', enrolled(name, index));
    const hex = (byte: number) => (byte & 255).toString(16).padStart(2, '0');
    const address = `52:54:00:00:${hex(index >> 8)}:${hex(index)}`;
    await side.call('POST', '/v1/ports', { node_uuid: uuid, address, physical_network: 'provisioning' });
    side.uuids.push(uuid as string);
  });
}
