import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { AGENT_CONTROLLERS } from '../../../src/api/agent-api.js';
import { OPERATOR_CONTROLLERS } from '../../../src/api/operator-api.js';
import { INTERFACES } from '../../../src/api/resource/interface-kind.js';
import { declaredRoutes } from '../../../src/api/routes.js';
import { INTERFACE_KINDS } from '../../../src/driver/contract/interfaces.js';

const ALL = [...new Set([...OPERATOR_CONTROLLERS, ...AGENT_CONTROLLERS])];

describe('routes', () => {
  const routes = declaredRoutes(ALL);

  it('all declare a microversion and a policy', () => {
    expect(routes.length).toBeGreaterThan(35);
    const bare = routes.filter((route) => route.since === undefined || route.policy === undefined);
    expect(bare.map((route) => `${route.method} ${route.path}`)).toEqual([]);
  });

  it('are public only where Ironic asks for no login, and where the API is described', () => {
    const open = routes.filter((route) => route.policy === 'public').map(({ path }) => path);
    expect([...new Set(open)].toSorted()).toEqual([
      '/',
      '/healthcheck',
      '/healthcheck/live',
      '/healthcheck/ready',
      '/v1',
      '/v1/continue_inspection',
      // With the secret of its boot.
      '/v1/continue_inspection/:secret',
      '/v1/heartbeat/:ident',
      '/v1/lookup',
      // Ours: what the API is.
      '/v1/openapi',
      '/v1/openapi.html',
      '/v1/openapi.json',
      // The Image service's.
      '/v2',
      '/versions',
    ]);
  });

  it('of the agent listener are these and no others', () => {
    expect(
      declaredRoutes(AGENT_CONTROLLERS)
        .map(({ method, path }) => `${method} ${path}`)
        .toSorted(),
    ).toEqual([
      'GET /',
      'GET /v1',
      'GET /v1/lookup',
      'POST /v1/continue_inspection',
      'POST /v1/continue_inspection/:secret',
      'POST /v1/heartbeat/:ident',
    ]);
  });
});

describe('interfaces', () => {
  it('are the drivers’', () => {
    expect(INTERFACES.map(({ kind }) => kind)).toEqual([...INTERFACE_KINDS]);
  });
});

describe('fields of the node', () => {
  it('come with the versions of Ironic’s history', async () => {
    const { NODE_FIELDS } = await import('../../../src/api/v1/node/fields.js');
    // Written down from Ironic's version history (webapi-version-history.rst), by hand.
    const since = Object.fromEntries(NODE_FIELDS.map((field) => [field.name, field.since]));
    const expected = JSON.parse(readFileSync('test/unit/api/v1/node-fields.json', 'utf8')) as object;
    expect(since).toEqual(expected);
  });
});
