import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApi } from '../../../support/api.js';
import { LESSEE, OWNER, PersonaAccess, personaHeaders, STRANGER } from '../../../support/auth/persona.js';
import { startTestDatabase, type TestDatabase } from '../../../support/database.js';

let database: TestDatabase;
let server: Awaited<ReturnType<typeof startApi>>;
let leased: string;
beforeAll(async () => {
  database = await startTestDatabase();
  server = await startApi(database, { access: new PersonaAccess() });
  const made = await server.api.post('/v1/nodes', {
    driver: 'fake-hardware',
    name: 'leased',
    owner: OWNER,
    lessee: LESSEE,
    driver_info: { ipmi_address: 'bmc', ipmi_password: 'canary' },
  });
  leased = made.json.uuid;
  await database.source.query(`update node set last_error = 'at conductor-7'`);
  await server.api.post('/v1/nodes', { driver: 'fake-hardware', name: 'nobodys' });
});
afterAll(async () => {
  await server?.stop();
  await database?.stop();
});

const as = (persona: string) => server.api.with(personaHeaders(persona));

describe('a lessee', () => {
  it('does not see how the machine is reached', async () => {
    const { json } = await as('lessee/admin').get(`/v1/nodes/${leased}`);
    expect(json).toMatchObject({
      name: 'leased',
      last_error: '** Value Redacted - Requires baremetal:node:get:last_error permission. **',
      reservation: '** Redacted - requires baremetal:node:get:reservation permission. **',
      driver_info: { content: '** Redacted - requires baremetal:node:get:driver_info permission. **' },
      driver_internal_info: {
        content: '** Redacted - Requires baremetal:node:get:driver_internal_info permission. **',
      },
    });
    for (const path of [
      'nodes/detail',
      'nodes?fields=driver_info,last_error',
      `nodes/${leased}/states`,
      `nodes/${leased}?fields=last_error,driver_info`,
    ]) {
      const { status, text } = await as('lessee/admin').get(`/v1/${path}`);
      expect([path, status]).toEqual([path, 200]);
      expect(text).not.toMatch(/bmc|conductor-7|canary/);
    }
  });

  it('whose patch is let through gets an answer no richer', async () => {
    const patch = [{ op: 'add', path: '/extra/of', value: 'mine' }];
    const { status, json, text } = await as('lessee/member').patch(`/v1/nodes/${leased}`, patch);
    expect([status, json.extra]).toEqual([200, { of: 'mine' }]);
    expect(text).not.toMatch(/bmc|conductor-7|canary/);
  });
});

describe('an owner and the system', () => {
  it.each(['owner/reader', 'system/reader'])('see it, but for secrets: %s', async (persona) => {
    const { json } = await as(persona).get(`/v1/nodes/${leased}`);
    expect(json).toMatchObject({
      last_error: 'at conductor-7',
      driver_info: { ipmi_address: 'bmc', ipmi_password: '******' },
    });
  });
});

describe('a stranger', () => {
  it('cannot tell what is there from what is not', async () => {
    const stranger = as('stranger/admin');
    const words = async (ident: string) => {
      const answer = await stranger.get(`/v1/nodes/${ident}`);
      return [answer.status, answer.fault.replaceAll(ident, 'IT')];
    };
    const missing = await words('nosuch');
    expect(missing[0]).toBe(404);
    for (const ident of [leased, 'leased', 'nobodys']) expect(await words(ident)).toEqual(missing);
    expect((await stranger.get('/v1/nodes?include_children=true')).json).toEqual({ nodes: [] });
    expect((await stranger.get(`/v1/nodes?owner=${OWNER}`)).json).toEqual({ nodes: [] });
    expect((await stranger.get(`/v1/nodes?project=${OWNER}`)).status).toBe(403);
    const port = { address: '52:54:00:00:00:01' };
    const there = await stranger.post('/v1/ports', { ...port, node_uuid: leased });
    const notThere = await stranger.post('/v1/ports', {
      ...port,
      node_uuid: '00000000-0000-0000-0000-000000000000',
    });
    expect([there.status, there.fault]).toEqual([notThere.status, notThere.fault]);
  });

  it('owns what it creates, and may delete it', async () => {
    const stranger = as('stranger/admin');
    const made = await stranger.post('/v1/nodes', { driver: 'fake-hardware', name: 'own' });
    expect([made.status, made.json.owner]).toEqual([201, STRANGER]);
    const stolen = await stranger.post('/v1/nodes', { driver: 'fake-hardware', owner: OWNER });
    expect([stolen.status, stolen.fault]).toEqual([
      400,
      'Cannot create a node as a project scoped admin with an owner other than your own project.',
    ]);
    const child = await stranger.post('/v1/nodes', { driver: 'fake-hardware', parent_node: leased });
    expect([child.status, child.fault]).toEqual([
      400,
      `Unable to apply the requested parent_node '${leased}'. Requested value was invalid.`,
    ]);
    expect((await as('stranger/admin!').delete('/v1/nodes/own')).status).toBe(403);
    expect((await stranger.delete('/v1/nodes/own')).status).toBe(204);
  });
});

describe('the actions of a node', () => {
  const of = async (persona: string) => {
    const { status, json } = await as(persona).get(`/v1/nodes/${leased}/actions`);
    expect(status).toBe(200);
    const actions = json.actions as { verb: string; allowed: boolean; reason: string | null }[];
    return { allowed: actions.filter(({ allowed }) => allowed).map(({ verb }) => verb), actions };
  };
  const manage = (persona: string) =>
    as(persona).put(`/v1/nodes/${leased}/states/provision`, { target: 'manage' });

  it.each(['owner/reader', 'lessee/reader', 'lessee/member', 'system/reader'])(
    'are all refused to %s, who may not set the provision state, and so is the request',
    async (persona) => {
      const { allowed, actions } = await of(persona);
      expect(allowed).toEqual([]);
      expect(new Set(actions.map(({ reason }) => reason))).toEqual(
        new Set(['The policy baremetal:node:set_provision_state does not allow it for this login.']),
      );
      expect((await manage(persona)).status).toBe(403);
    },
  );

  it.each(['owner/member', 'lessee/manager', 'system/member'])(
    'are those of the state for %s',
    async (persona) => {
      expect((await of(persona)).allowed).toEqual(['manage']);
    },
  );

  it('are hidden from a stranger, like the node', async () => {
    expect((await as('stranger/admin').get(`/v1/nodes/${leased}/actions`)).status).toBe(404);
  });
});

describe('the attempts of a node, which tell of its failures', () => {
  const status = async (persona: string) =>
    (await as(persona).get(`/v1/nodes/${leased}/attempts?detail=True`)).status;

  it.each([
    ['owner/reader', 200],
    ['system/reader', 200],
    // Who may not read last_error.
    ['lessee/admin', 403],
    ['stranger/admin', 404],
  ])('are answered to %s with %i', async (persona, expected) => {
    expect(await status(persona)).toBe(expected);
    expect((await as(persona).get(`/v1/nodes/${leased}/why`)).status).toBe(expected);
  });
});
