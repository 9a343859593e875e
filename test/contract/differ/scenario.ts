/** What is asked of both servers, as data. Versions are the N of 1.N; null sends no version header. */

export type Version = number | string | null;

export interface Exchange {
  method: string;
  /** `{name}` is replaced by what an earlier `save` of the scenario kept. */
  path: string;
  /** A string goes as it is, anything else as JSON. */
  body?: unknown;
  headers?: Record<string, string>;
  /** What ramdisks ask: of Ironic on the same port, of Ferric on the agents' listener. */
  agent?: boolean;
  /** The same request at each of these. */
  at: readonly Version[];
  /** Names for values of the answer, by their path in it: `{ port: 'ports[0].uuid' }`. */
  save?: Record<string, string>;
}

/** Waits, uncounted, until the node is in the state and nobody holds it. */
export interface Settled {
  settled: string;
  state: string;
}

/** Waits, uncounted, until a node was looked for: the allocation is in the state. */
export interface Decided {
  decided: string;
  state: string;
}

export type Step = Exchange | Settled | Decided;

/** Starts on servers without a node, chassis, allocation or template, and is cleaned up after. */
export interface Scenario {
  name: string;
  steps: readonly Step[];
  /** Nothing that it asks for does anything: all of it goes in any order. */
  orderless?: boolean;
}

/** Newest version that Debian's Ironic speaks. */
export const NEWEST = 82;
export const EVERY: readonly number[] = Array.from({ length: NEWEST }, (_, index) => index + 1);

/** Versions around those that changed what listings show: for what costs more than one object does. */
export const EDGES: readonly number[] = [
  1, 2, 4, 5, 7, 18, 19, 23, 24, 30, 31, 34, 43, 48, 52, 53, 60, 75, 82,
];

interface Extra {
  at?: Version | readonly Version[];
  headers?: Record<string, string>;
  save?: Record<string, string>;
}

function exchange(method: string, path: string, body: unknown, { at = NEWEST, ...extra }: Extra): Exchange {
  const versions = Array.isArray(at) ? (at as readonly Version[]) : [at as Version];
  return { method, path, ...(body === undefined ? {} : { body }), at: versions, ...extra };
}

export const get = (path: string, extra: Extra = {}) => exchange('GET', path, undefined, extra);
export const post = (path: string, body: unknown, extra: Extra = {}) => exchange('POST', path, body, extra);
export const put = (path: string, body: unknown, extra: Extra = {}) => exchange('PUT', path, body, extra);
export const patch = (path: string, body: unknown, extra: Extra = {}) => exchange('PATCH', path, body, extra);
export const remove = (path: string, extra: Extra = {}) => exchange('DELETE', path, undefined, extra);
export const settled = (node: string, state: string): Settled => ({ settled: node, state });

/** The version before a boundary and the boundary itself. */
export const around = (...boundaries: number[]): number[] => boundaries.flatMap((at) => [at - 1, at]);

/** A UUID that both servers are given: the normaliser leaves it as it is. */
export const uuid = (number: number): string => `d1ffe700-0000-4000-8000-${String(number).padStart(12, '0')}`;
/** One that nothing has. */
export const NOBODY = uuid(999_999);

/** The steps that take a new fake node to `manageable` and on to `available`. */
export const manageable = (node: string): Step[] => [
  put(`/v1/nodes/${node}/states/provision`, { target: 'manage' }),
  settled(node, 'manageable'),
];
export const available = (node: string): Step[] => [
  ...manageable(node),
  put(`/v1/nodes/${node}/states/provision`, { target: 'provide' }),
  settled(node, 'available'),
];
export const active = (node: string): Step[] => [
  ...available(node),
  put(`/v1/nodes/${node}/states/provision`, { target: 'active' }),
  settled(node, 'active'),
];
export const replace = (path: string, value: unknown) => ({ op: 'replace', path, value });
export const add = (path: string, value: unknown) => ({ op: 'add', path, value });
export const drop = (path: string) => ({ op: 'remove', path });
