import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { imageSection } from '../../../src/config/section/image.js';
import { startApi } from '../../support/api.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';

let database: TestDatabase;
let server: Awaited<ReturnType<typeof startApi>>;
let node: string;
const MAC = '52:54:00:12:34:56';
const start = async (agent: NonNullable<Parameters<typeof startApi>[1]>['agent'] = {}) => {
  await server?.stop();
  server = await startApi(database, { agent });
};
beforeAll(async () => {
  database = await startTestDatabase();
});
beforeEach(async () => {
  await start();
  await database.source.query('truncate node cascade');
  const body = {
    driver: 'fake-hardware',
    name: 'n',
    owner: 'canary-owner',
    driver_info: { ipmi_password: 'canary', deploy_kernel: 'canary-k' },
  };
  node = (await server.api.post('/v1/nodes', body)).json.uuid;
  await server.api.post('/v1/ports', { node_uuid: node, address: MAC });
  await state('wait call-back');
});
afterEach(() => server.stop());
afterAll(() => database?.stop());

const state = (name: string) => database.source.query('update node set provision_state = $1', [name]);
const lookUp = (query: string, version: number | null = 115) =>
  server.agent.at(version).get(`/v1/lookup?${query}`);
const MISS = { status: 404, fault: 'Resource could not be found.' };
const CALLBACK = 'https://127.0.0.1:9999';

describe('GET /v1/lookup', () => {
  it('gives a ramdisk its node, its token once and what it needs to know', async () => {
    const answer = await lookUp(`addresses=${MAC.toUpperCase()},nonsense`);
    expect(answer.status).toBe(200);
    expect(Object.keys(answer.json.node).toSorted()).toEqual([
      'driver_internal_info',
      'instance_info',
      'links',
      'properties',
      'uuid',
    ]);
    expect(answer.json.node.uuid).toBe(node);
    expect(answer.text).not.toContain('canary');
    expect(answer.json.config).toMatchObject({
      heartbeat_timeout: 300,
      agent_token_required: true,
      agent_md5_checksum_enable: true,
      permitted_image_formats: imageSection.parse({}).permitted_formats,
      disable_deep_image_inspection: false,
    });
    expect(answer.json.config.agent_token.length).toBeGreaterThanOrEqual(32);
    const again = await lookUp(`node_uuid=${node}`);
    expect(again.json.config.agent_token).toBe('******');
    expect(again.text).not.toContain(answer.json.config.agent_token);
    expect((await server.api.get(`/v1/nodes/${node}`)).text).not.toContain(answer.json.config.agent_token);
  });
  it('gives no second token and believes no heartbeat where the first token cannot be read', async () => {
    await lookUp(`addresses=${MAC}`);
    await server.parts.nodes.edit(node, null, ({ driver_internal_info: known }) => ({
      driver_internal_info: { ...known, agent_secret_token: ['odd'] },
    }));
    const answer = await lookUp(`addresses=${MAC}`);
    expect(answer.status).toBe(500);
    expect(answer.text).not.toContain('agent_token');
    for (const agent_token of ['odd', '["odd"]', '']) {
      const heartbeat = { callback_url: CALLBACK, agent_token, agent_version: '9.1.0' };
      expect((await server.agent.at(115).post(`/v1/heartbeat/${node}`, heartbeat)).status).toBeGreaterThan(
        399,
      );
    }
  });
  it('gives the token again to the same ramdisk until it has used it once, and to no other', async () => {
    const same = () => lookUp(`addresses=${MAC}&node_uuid=${node}`);
    const { agent_token } = (await same()).json.config;
    // Its answer was lost, with the conductor for one: nothing of it is in memory.
    expect((await same()).json.config.agent_token).toBe(agent_token);
    expect((await lookUp(`node_uuid=${node}`)).json.config.agent_token).toBe('******');
    const elsewhere = await database.source.query<unknown[]>(
      `select driver_internal_info from node where uuid = $1`,
      [node],
    );
    expect(JSON.stringify(elsewhere)).not.toContain(agent_token);
    const used = await server.agent
      .at(115)
      .post(`/v1/heartbeat/${node}`, { callback_url: CALLBACK, agent_token, agent_version: '9.1.0' });
    expect(used.status).toBe(202);
    expect((await same()).json.config.agent_token).toBe('******');
  });
  it('answers every miss alike', async () => {
    const misses = ['addresses=52:54:00:00:00:99', 'node_uuid=00000000-0000-0000-0000-000000000000'];
    for (const query of misses) expect(await lookUp(query)).toMatchObject(MISS);
    for (const name of ['enroll', 'manageable', 'available', 'active', 'deploy failed']) {
      await state(name);
      expect(await lookUp(`addresses=${MAC}`)).toMatchObject(MISS);
      expect(await lookUp(`node_uuid=${node}`)).toMatchObject(MISS);
    }
  });
  it('wants to be asked for something', async () => {
    const fault = "At least one of 'addresses' and 'node_uuid' parameters is required";
    expect(await lookUp('')).toMatchObject({ status: 400, fault });
    expect(await lookUp('addresses=nonsense')).toMatchObject({ status: 400, fault });
    expect((await lookUp('node_uuid=x')).status).toBe(400);
    expect((await lookUp(`addresses=${MAC}`, 21)).status).toBe(404);
    expect((await lookUp(`addresses=${MAC}`, null)).status).toBe(404);
  });
});

describe('POST /v1/heartbeat/{uuid}', () => {
  const beat = (body: object, version = 115, ident = node) =>
    server.agent.at(version).post(`/v1/heartbeat/${ident}`, body);
  const token = async () => (await lookUp(`node_uuid=${node}`)).json.config.agent_token as string;

  it('is heard with the token', async () => {
    const agent_token = await token();
    const body = {
      callback_url: CALLBACK,
      agent_token,
      agent_version: '9.1.0',
      agent_verify_ca: 'cert',
      agent_status: 'start',
    };
    const answer = await beat(body);
    expect([answer.status, answer.text]).toEqual([202, '']);
    const shown = (await server.api.get(`/v1/nodes/${node}`)).json.driver_internal_info;
    expect(shown).toMatchObject({
      agent_url: CALLBACK,
      agent_version: '9.1.0',
      agent_secret_token: '******',
    });
    expect((await beat({ ...body, callback_url: 'https://127.0.0.1:9998' })).status).toBe(400);
    expect((await beat({ ...body, agent_verify_ca: 'other' })).status).toBe(400);
  });
  it('is refused without it, and tells no difference', async () => {
    const agent_token = await token();
    for (const given of ['wrong', `${agent_token}x`, '']) {
      expect(
        await beat({ callback_url: CALLBACK, agent_token: given, agent_version: '9.1.0' }),
      ).toMatchObject({
        status: 400,
        fault: 'Invalid or missing agent token received.',
      });
    }
    expect((await beat({ callback_url: CALLBACK })).fault).toBe(
      'Agent token is required for heartbeat processing.',
    );
    const stranger = '00000000-0000-0000-0000-000000000000';
    expect(
      await beat({ callback_url: CALLBACK, agent_token, agent_version: '9.1.0' }, 115, stranger),
    ).toMatchObject(MISS);
    expect(
      await beat({ callback_url: CALLBACK, agent_token, agent_version: '9.1.0' }, 115, 'n'),
    ).toMatchObject(MISS);
    await state('active');
    expect(await beat({ callback_url: CALLBACK, agent_token, agent_version: '9.1.0' })).toMatchObject(MISS);
  });
  it.each<[object, number, string]>([
    [{}, 115, 'Missing mandatory parameter: callback_url'],
    [{ callback_url: 5, agent_token: 'x' }, 115, 'Expected string for callback_url'],
    [{ callback_url: CALLBACK, agent_token: 'x', nosuch: 1 }, 115, 'Unexpected arguments: nosuch'],
    [
      { callback_url: CALLBACK, agent_token: 'x', agent_version: '1' },
      35,
      'Field "agent_version" not recognised',
    ],
    [
      { callback_url: CALLBACK, agent_token: 'x', agent_verify_ca: 'c' },
      67,
      'Field "agent_verify_ca" not recognised',
    ],
    [{ callback_url: CALLBACK, agent_token: 'x', agent_status: 'start' }, 71, 'not recognised'],
    [
      { callback_url: CALLBACK, agent_token: 'x', agent_status: 'nosuch' },
      115,
      'Valid states are start,end,error',
    ],
    [{ callback_url: CALLBACK, agent_token: 'x' }, 115, 'Agent did not transmit a version'],
    [
      { callback_url: CALLBACK, agent_token: 'x', agent_status_message: 'x'.repeat(5000) },
      115,
      'longer than',
    ],
  ])('refuses %.80j at 1.%i', async (body, version, fault) => {
    const answer = await beat(body, version);
    expect([answer.status, answer.fault]).toEqual([400, expect.stringContaining(fault)]);
  });
});

describe('the agent listener', () => {
  it('serves nothing else', async () => {
    for (const path of [
      '/v1/nodes',
      `/v1/nodes/${node}`,
      '/v1/ports',
      '/v1/drivers',
      '/healthcheck',
      '/v1/events/stream',
    ]) {
      expect((await server.agent.get(path)).status).toBe(404);
    }
    expect((await server.agent.at(null).get('/')).json.name).toBe('OpenStack Ironic API');
    const inspected = { inventory: { interfaces: [{ name: 'eth0', mac_address: '52:54:00:00:00:77' }] } };
    expect(await server.agent.post('/v1/continue_inspection', inspected)).toMatchObject(MISS);
  });
  it('limits what one address may ask', async () => {
    await start({ requests_per_minute: 3 });
    const statuses = [];
    for (let i = 0; i < 5; i += 1) statuses.push((await lookUp('addresses=52:54:00:00:00:99')).status);
    expect(statuses).toEqual([404, 404, 404, 429, 429]);
    const refused = await server.agent.post(`/v1/heartbeat/${node}`, {});
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await server.agent.get('/v1')).status).toBe(200);
  });
  it('hears the allowed networks only, and tells no difference', async () => {
    await start({ allowed_networks: ['192.0.2.0/24'] });
    expect(await lookUp(`addresses=${MAC}`)).toMatchObject(MISS);
    await start({ allowed_networks: ['127.0.0.0/8'] });
    expect((await lookUp(`addresses=${MAC}`)).status).toBe(200);
  });
  it('does not believe forwarding headers', async () => {
    await start({ allowed_networks: ['192.0.2.0/24'] });
    const headers = { 'x-forwarded-for': '192.0.2.1', forwarded: 'for=192.0.2.1' };
    expect((await server.agent.get(`/v1/lookup?addresses=${MAC}`, headers)).status).toBe(404);
  });
});

describe('the operators’ listener', () => {
  it('refuses ramdisks by default, and says which key lets them in', async () => {
    for (const [method, path] of [
      ['GET', `/v1/lookup?addresses=${MAC}`],
      ['POST', `/v1/heartbeat/${node}`],
      ['POST', '/v1/continue_inspection'],
    ] as const) {
      const { status, fault } = await server.api.send(method, path, method === 'POST' ? {} : undefined);
      expect([path, status, fault]).toEqual([path, 403, expect.stringContaining('agent.also_on_api')]);
    }
  });

  it('takes them where that is configured, without a login and by the same rules', async () => {
    await start({ also_on_api: true, allowed_networks: ['127.0.0.0/8'] });
    const anybody = server.api.with({});
    const { status, json } = await anybody.get(`/v1/lookup?addresses=${MAC}`);
    expect([status, json.node.uuid]).toEqual([200, node]);
    const heartbeat = {
      callback_url: CALLBACK,
      agent_token: json.config.agent_token,
      agent_version: '9.1.0',
    };
    expect(await anybody.post(`/v1/heartbeat/${node}`, { ...heartbeat, agent_token: 'wrong' })).toMatchObject(
      {
        status: 400,
        fault: 'Invalid or missing agent token received.',
      },
    );
    expect((await anybody.post(`/v1/heartbeat/${node}`, heartbeat)).status).toBe(202);
    await start({ also_on_api: true, allowed_networks: ['192.0.2.0/24'] });
    expect(await server.api.get(`/v1/lookup?addresses=${MAC}`)).toMatchObject(MISS);
  });
});
