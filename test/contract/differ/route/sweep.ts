import { type Exchange, NEWEST, NOBODY, post, type Scenario, uuid } from '../scenario.js';
import { SWEPT_ROUTES } from './ferric-routes.js';
import { IRONIC_ROUTES, type Route } from './ironic-routes.js';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];
const NODE = uuid(1);
/** What ramdisks call is on a listener of their own. */
const AGENT = /^\/v1\/(lookup|heartbeat|continue_inspection)/;
/** Its one mistake in writing: an empty body is a chassis. */
const CREATES = 'POST /v1/chassis';

/** Paths with the first version of each, as both route tables have them. The roots have a scenario of their own. */
function pathsOf(routes: readonly Route[]): Map<string, number> {
  const paths = new Map<string, number>();
  for (const { path, since } of routes) {
    if (path === '/' || path === '/v1') continue;
    const named = path.replaceAll(/:\w+/g, (part) =>
      /^:(ident|node|name)$/.test(part) ? ':ident' : ':part',
    );
    paths.set(named, Math.min(since, paths.get(named) ?? since));
  }
  return paths;
}

function bodyFor(method: string): unknown {
  if (method === 'PATCH') return [];
  return method === 'POST' || method === 'PUT' ? {} : undefined;
}

function ask(method: string, path: string, at: readonly number[]): Exchange {
  const body = bodyFor(method);
  return { method, path, at, agent: AGENT.test(path), ...(body === undefined ? {} : { body }) };
}

/** The version before the first one, the first one, and both ends. */
function edges(since: number): number[] {
  return [...new Set([1, since - 1, since, NEWEST])].filter((at) => at >= 1 && at <= NEWEST);
}

const fill = (path: string, ident: string) => path.replace(':ident', ident).replace(':part', 'nosuch');
const PATHS = [...pathsOf([...SWEPT_ROUTES, ...IRONIC_ROUTES])].toSorted(([a], [b]) => (a < b ? -1 : 1));
const isNamed = (path: string) => path.includes(':ident');

/** Whatever can be asked: every path of both route tables, each method, at the edges of its versions. */
export const SWEEP: readonly Scenario[] = [
  {
    name: 'every path and method, of nothing',
    orderless: true,
    steps: PATHS.flatMap(([path, since]) =>
      METHODS.filter((method) => `${method} ${path}` !== CREATES).map((method) =>
        ask(method, fill(path, NOBODY), edges(since)),
      ),
    ),
  },
  {
    name: 'every path by names that are none',
    orderless: true,
    steps: PATHS.filter(([path]) => isNamed(path)).flatMap(([path, since]) =>
      ['nosuch', 'no%20such'].flatMap((ident) => [
        ask('GET', fill(path, ident), [Math.min(since, NEWEST)]),
        ask('DELETE', fill(path, ident), [NEWEST]),
      ]),
    ),
  },
  {
    name: 'every path of a node',
    steps: [
      post('/v1/nodes', { driver: 'fake-hardware', uuid: NODE, name: 'one' }),
      ...PATHS.filter(([path]) => path.startsWith('/v1/nodes/:ident')).flatMap(([path, since]) => [
        ask('GET', fill(path, NODE), edges(since)),
        ask('POST', fill(path, NODE), [NEWEST]),
        ask('GET', fill(path, 'one'), [NEWEST]),
      ]),
    ],
  },
];
