import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Sighting } from '../../../src/domain/network/sighting.js';
import { Sightings } from '../../../src/persistence/boot-sighting/sightings.js';
import { type ApiClient, startApi } from '../../support/api.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';

let database: TestDatabase;
let server: Awaited<ReturnType<typeof startApi>>;
let api: ApiClient;
beforeAll(async () => {
  database = await startTestDatabase();
  const settings = { deploy_callback_timeout: 2 };
  server = await startApi(database, { conductorOptions: { settings } });
  api = server.api;
});
afterAll(async () => {
  await server?.stop();
  await database?.stop();
});

async function available(driver_info: object): Promise<string> {
  const { json } = await api.post('/v1/nodes', { driver: 'fake-hardware', driver_info });
  for (const [verb, state] of [
    ['manage', 'manageable'],
    ['provide', 'available'],
  ] as const)
    await reach(json.uuid, verb, state);
  return json.uuid;
}

async function reach(uuid: string, verb: string, state: string): Promise<void> {
  expect((await api.put(`/v1/nodes/${uuid}/states/provision`, { target: verb })).status).toBe(202);
  await expect
    .poll(async () => (await api.get(`/v1/nodes/${uuid}`)).json.provision_state, { timeout: 20_000 })
    .toBe(state);
}

const why = async (uuid: string, query = '') => (await api.get(`/v1/nodes/${uuid}/why${query}`)).json;

describe('GET /v1/nodes/{node}/why', () => {
  it('says that nothing was tried yet', async () => {
    const { json } = await api.post('/v1/nodes', { driver: 'fake-hardware' });
    expect(await why(json.uuid)).toMatchObject({
      attempt: null,
      cause: 'Nothing was tried with the node yet.',
    });
  });

  it('tells what is waited for while it waits, and after a timeout how far the machine came', async () => {
    const uuid = await available({ fake_delay_deploy: '600' });
    await reach(uuid, 'active', 'wait call-back');
    expect(await why(uuid)).toMatchObject({
      kind: 'deploy',
      outcome: null,
      step: 'deploy.deploy',
      cause_id: null,
      cause: expect.stringMatching(
        /^It waits for the end of its step \(deploy\.deploy\), until .+ at the latest\.$/,
      ),
    });
    const sightings = server.container.get(Sightings, { strict: false });
    const see = (seen: Partial<Sighting>) =>
      sightings.note({ node_uuid: uuid, kind: 'dhcp', name: 'bios', source: '192.0.2.9', bytes: 0, ...seen });
    see({});
    see({ kind: 'tftp', name: 'undionly.kpxe', bytes: 70_000 });
    await sightings.flush();
    await expect.poll(async () => (await why(uuid)).outcome, { timeout: 20_000 }).toBe('failed');
    const told = await why(uuid);
    expect(told).toMatchObject({
      cause_id: 'no-kernel',
      cause: 'The machine fetched its boot loader, and no kernel.',
      seen: expect.stringMatching(/^Seen: DHCP bios, TFTP undionly\.kpxe \(70000 bytes\); the last at /),
      error: expect.stringContaining('Timeout reached while waiting'),
    });
    expect(told.next.length).toBeGreaterThan(1);
    expect(await why(uuid, `?attempt=${told.attempt}`)).toEqual(told);
    // A power change that follows is not what somebody asks about.
    await api.put(`/v1/nodes/${uuid}/states/power`, { target: 'power on' });
    await expect
      .poll(async () => (await api.get(`/v1/nodes/${uuid}/attempts`)).json.attempts[0])
      .toMatchObject({ kind: 'power', outcome: 'succeeded' });
    expect(await why(uuid)).toEqual(told);
  });

  it('knows a failure of the settings from one of the machine', async () => {
    const uuid = await available({ fake_fail_write_image: 'the disk is gone' });
    await reach(uuid, 'active', 'deploy failed');
    expect(await why(uuid)).toMatchObject({
      step: 'deploy.write_image',
      error: expect.stringContaining('the disk is gone'),
      seen: 'Nothing was seen of the machine on the network.',
    });
    await api.patch(`/v1/nodes/${uuid}`, [{ op: 'remove', path: '/driver_info/fake_fail_write_image' }]);
    await reach(uuid, 'active', 'active');
    expect(await why(uuid)).toMatchObject({ outcome: 'succeeded', cause: 'It succeeded.', next: [] });
  });

  it.each([
    [`?attempt=${randomUUID()}`, 404],
    ['?attempt=last', 400],
    ['?verbose=1', 400],
  ])('refuses %s with %i', async (query, status) => {
    const { json } = await api.post('/v1/nodes', { driver: 'fake-hardware' });
    expect((await api.get(`/v1/nodes/${json.uuid}/why${query}`)).status).toBe(status);
  });
});
