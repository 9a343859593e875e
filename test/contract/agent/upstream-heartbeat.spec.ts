import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/domain/json.js';
import type { LookupNode } from '../../../src/protocol/agent/lookup.js';
import { startApi } from '../../support/api.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';
import { type Exchange, readRecording, type Session } from '../../support/interop/recording.js';

const FIXTURES = join(import.meta.dirname, 'fixtures/upstream-runs');
const CERTIFICATE = '-----BEGIN CERTIFICATE-----\nof the recorded agent\n-----END CERTIFICATE-----\n';

let database: TestDatabase;
let server: Awaited<ReturnType<typeof startApi>>;

beforeAll(async () => {
  database = await startTestDatabase();
  server = await startApi(database);
});
beforeEach(() => database.source.query('truncate node cascade'));
afterAll(async () => {
  await server?.stop();
  await database?.stop();
});

// What real agents asked of the listener for agents is asked again, word for word: it must be answered alike.
describe.each(readdirSync(FIXTURES))('%s', (file) => {
  const { agent, sessions } = readRecording(join(FIXTURES, file));
  const find = (session: Session, path: RegExp) => session.asked.find((one) => path.test(one.path))!;
  const node = (exchange: Exchange) => (exchange.answer as { node: LookupNode }).node;

  it.each([
    ['cleaning', 0, 'clean wait'],
    ['deployment', 1, 'wait call-back'],
    ['cleaning after the tear-down', 2, 'clean wait'],
  ])('%s: its questions are answered as they were', async (_, number, state) => {
    const session = sessions[number]!;
    const lookup = find(session, /lookup/);
    const { uuid, properties, driver_internal_info: internal } = node(lookup);
    const created = await server.api.post('/v1/nodes', { uuid, driver: 'fake-hardware', properties });
    expect(created.status, created.text).toBe(201);
    const address = decodeURIComponent(/addresses=([^&]+)/.exec(lookup.path)![1]!).split(',')[0];
    expect((await server.api.post('/v1/ports', { node_uuid: uuid, address })).status).toBe(201);
    await database.source.query('update node set provision_state = $1', [state]);
    await server.parts.nodes.edit(uuid, null, () => ({ driver_internal_info: internal as JsonObject }));

    let token = 'none yet';
    const real = (text: string) =>
      text
        .replaceAll('"TOKEN"', JSON.stringify(token))
        .replaceAll('"CERTIFICATE"', JSON.stringify(CERTIFICATE));
    for (const { method, path, version, body, status, answer } of session.asked) {
      const sent = body === undefined ? undefined : real(JSON.stringify(body));
      const got = await server.agent.at(version ?? null).send(method, path, sent);
      expect(got.status, `${method} ${path}: ${got.text}`).toBe(status);
      const given = (got.json as { config?: { agent_token: string } } | null)?.config?.agent_token;
      if (given !== undefined && given !== '******') token = given;
      if (path === '/') expect(got.json.default_version.version).toBe(versionOf(answer));
      if (path.includes('lookup')) {
        expect(shape(got.json.config)).toMatchObject(shape((answer as JsonObject)['config']) as object);
        expect(shape(got.json.node)).toMatchObject(shape(node(lookup)) as object);
        expect(got.json.node).toMatchObject({ uuid, properties, driver_internal_info: internal });
      }
    }
    const known = (await server.parts.nodes.find(uuid))!.driver_internal_info;
    const heartbeat = find(session, /heartbeat/).body as JsonObject;
    expect(known).toMatchObject({
      agent_url: heartbeat['callback_url'],
      agent_version: heartbeat['agent_version'],
      agent_verify_ca: CERTIFICATE,
    });
    expect(agent).toContain(known['agent_version']);
  });
});

const versionOf = (root: unknown) =>
  (root as { default_version: { version: string } }).default_version.version;

/** The kinds of the values, however deep; of what is free by the node's own data, nothing. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shape).slice(0, 1);
  if (typeof value !== 'object' || value === null) return value === null ? null : typeof value;
  const own = ['instance_info', 'driver_internal_info', 'properties'];
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, own.includes(key) ? 'of the node' : shape(inner)]),
  );
}
