import 'reflect-metadata';
import { AGENT_CONTROLLERS } from '../../../../src/api/agent-api.js';
import { OPERATOR_CONTROLLERS } from '../../../../src/api/operator-api.js';
import { declaredRoutes } from '../../../../src/api/routes.js';
import type { Route } from './ironic-routes.js';

/** These have no counterpart in Ironic; they are asked for with their own tests and swept here. */
const EXTENSIONS = [
  'DELETE /v1/image_cache/images/:id',
  'DELETE /v1/image_cache/images/:id/pin',
  'GET /v1/image_cache',
  'GET /v1/nodes/:ident/actions',
  'GET /v1/nodes/:ident/attempts',
  'GET /v1/nodes/:ident/attempts/:attempt',
  'GET /v1/nodes/:ident/why',
  'GET /v1/summary',
  'POST /v1/continue_inspection/:secret',
  'POST /v1/image_cache/images/:id/pin',
  'POST /v1/image_cache/prefetches',
];

/** Ours alone: what the API is, the state of the daemon, and its live events. */
const OWN = [
  '/healthcheck',
  '/healthcheck/live',
  '/healthcheck/ready',
  '/v1/events/stream',
  '/v1/openapi',
  '/v1/openapi.json',
  '/v1/openapi.html',
];

/** Every route of Ferric that is swept, by its own tables; those of ramdisks once. */
export const SWEPT_ROUTES: readonly Route[] = [
  ...new Map(
    declaredRoutes([...OPERATOR_CONTROLLERS, ...AGENT_CONTROLLERS])
      .filter(({ path }) => !OWN.includes(path) && !/^\/(v2|versions)(\/|$)/.test(path)) // the Image service's
      .map(({ method, path, since }) => [`${method} ${path}`, { method, path, since: since ?? 1 }]),
  ).values(),
];

/** Of these, those that Ironic has a counterpart of. */
export const FERRIC_ROUTES = SWEPT_ROUTES.filter(
  ({ method, path }) => !EXTENSIONS.includes(`${method} ${path}`),
);

/** Of these, what clients of Ironic ask for although it has no such route, as the answers of theirs show. */
export const FOR_CLIENTS = [
  // `baremetal node history list --long`
  'GET /v1/nodes/:any/history/detail 1.78',
  // `baremetal node indicator get` and `set`
  'GET /v1/nodes/:any/management/indicators/:any/:any 1.1',
  'PUT /v1/nodes/:any/management/indicators/:any/:any 1.1',
];
