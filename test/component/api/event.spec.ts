import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiClient, startApi } from '../../support/api.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';

let database: TestDatabase;
let server: Awaited<ReturnType<typeof startApi>>;
let api: ApiClient;
beforeAll(async () => {
  database = await startTestDatabase();
  server = await startApi(database);
  api = server.api;
});
afterAll(async () => {
  await server?.stop();
  await database?.stop();
});

const event = {
  event: 'network.bind_port',
  port_id: randomUUID(),
  mac_address: '52:54:00:12:34:56',
  status: 'ACTIVE',
};

describe('POST /v1/events', () => {
  it('takes what a network service tells', async () => {
    const full = {
      ...event,
      event: 'network.unbind_port',
      device_id: null,
      'binding:host_id': randomUUID(),
      'binding:vnic_type': 'baremetal',
    };
    const answer = await api.at(54).post('/v1/events', { events: [event, full] });
    expect([answer.status, answer.text]).toEqual([204, '']);
    expect((await api.at(53).post('/v1/events', { events: [event] })).status).toBe(404);
    expect((await api.get('/v1/events')).status).toBe(405);
  });
  it.each([
    [{}, "'events' is a required property"],
    [{ events: [event], more: 1 }, 'Additional properties'],
    [{ events: {} }, "is not of type 'array'"],
    [{ events: [] }, '[] is too short'],
    [{ events: [1] }, "is not of type 'object'"],
    [{ events: [event, { ...event, event: 'nosuch' }] }, "'nosuch' is not one of ['network.bind_port'"],
    [{ events: [{ ...event, status: undefined }] }, "'status' is a required property"],
    [{ events: [{ ...event, status: null }] }, "status is not of type 'string'"],
    [{ events: [{ ...event, odd: 1 }] }, "('odd' was unexpected)"],
    [{ events: [{ ...event, mac_address: 'x' }] }, "'x' is not a 'mac-address'"],
    [{ events: [{ ...event, port_id: 'x' }] }, "'x' is not a 'uuid'"],
    [{ events: [{ ...event, device_id: 'x' }] }, "'x' is not a 'uuid'"],
  ])('refuses %j', async (body, fault) => {
    const answer = await api.post('/v1/events', body);
    expect(answer.fault).toContain(fault);
    expect(answer.status).toBe(400);
  });
});
