// Debian's own Ironic starts, serves and leaves nothing: what other tests compare with.
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type IronicPeer, startIronicPeer } from '../support/peer/ironic.js';

interface Driver {
  name: string;
  hosts: string[];
  enabled_deploy_interfaces: string[];
}
interface Body {
  version: object;
  drivers: Driver[];
  nodes: unknown[];
  power_state: string | null;
}

let peer: IronicPeer;
beforeAll(async () => {
  peer = await startIronicPeer({ config: { api: { max_limit: 2 }, conductor: { heartbeat_interval: 7 } } });
});
afterAll(() => peer?.stop());

async function read(path: string) {
  const headers = { 'x-openstack-ironic-api-version': '1.82' };
  const answer = await fetch(peer.endpoint + path, { headers });
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Body };
}

async function send(method: string, path: string, body: unknown) {
  const headers = { 'x-openstack-ironic-api-version': '1.82', 'content-type': 'application/json' };
  return fetch(peer.endpoint + path, { method, headers, body: JSON.stringify(body) });
}

describe('Debian’s Ironic as a peer', () => {
  it('serves version 1', async () => {
    const { status, headers, body } = await read('/v1');
    expect(status).toBe(200);
    expect(body.version).toMatchObject({ id: 'v1', min_version: '1.1', version: '1.82' });
    expect(headers.get('x-openstack-ironic-api-maximum-version')).toBe('1.82');
  });

  it('lists its hardware types with a live conductor', async () => {
    const { body } = await read('/v1/drivers?detail=true');
    const types = Object.fromEntries(body.drivers.map((driver) => [driver.name, driver]));
    expect(Object.keys(types).sort()).toEqual(['fake-hardware', 'ipmi']);
    expect(types['fake-hardware']!.hosts).toEqual(['localhost']);
    expect(types['fake-hardware']!.enabled_deploy_interfaces.sort()).toEqual(['direct', 'fake']);
  });

  it('runs fake hardware, with the options it was given', async () => {
    for (const name of ['one', 'two', 'three']) {
      expect((await send('POST', '/v1/nodes', { driver: 'fake-hardware', name })).status).toBe(201);
    }
    expect((await read('/v1/nodes')).body.nodes).toHaveLength(2); // max_limit
    expect((await send('PUT', '/v1/nodes/one/states/power', { target: 'power on' })).status).toBe(202);
    await expect
      .poll(async () => (await read('/v1/nodes/one')).body.power_state, { timeout: 20_000 })
      .toBe('power on');
  });

  it('leaves nothing behind', async () => {
    await peer.stop();
    expect(existsSync(peer.directory)).toBe(false);
    await expect(fetch(peer.endpoint)).rejects.toThrow();
  });
});
