import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { NODE_FIELDS } from '../../../src/api/v1/node/fields.js';
import { startApi } from '../../support/api.js';
import { useNodeBed } from '../../support/node-bed.js';

const bed = useNodeBed();
const { create, set } = bed;

const NIL = '00000000-0000-0000-0000-000000000000';

describe('GET /v1/nodes', () => {
  it('pages through everything once, in every order', async () => {
    const uuids: string[] = [];
    for (const name of ['d', null, 'a', 'c', null, 'b']) uuids.push((await create({ name })).uuid);
    for (const order of [
      '',
      'sort_key=name',
      'sort_key=name&sort_dir=desc',
      'sort_key=created_at&sort_dir=desc',
    ]) {
      const seen: string[] = [];
      let url = `/v1/nodes?limit=2&${order}`;
      for (let pages = 0; url && pages < 10; pages += 1) {
        const { json } = await bed.api.get(url);
        seen.push(...json.nodes.map((node: { uuid: string }) => node.uuid));
        url = json.next?.slice(bed.api.base.length);
      }
      expect(seen.toSorted()).toEqual(uuids.toSorted());
    }
    const byName = (await bed.api.get('/v1/nodes?sort_key=name')).json.nodes.map(
      (node: { name: string }) => node.name,
    );
    expect(byName).toEqual(['a', 'b', 'c', 'd', null, null]);
  });
  it('gives `next` exactly on a full page, with the query it came by', async () => {
    await create();
    await create();
    expect((await bed.api.get('/v1/nodes?limit=3')).json.next).toBeUndefined();
    const { next, nodes } = (await bed.api.get('/v1/nodes?limit=1&fields=uuid,name&maintenance=false')).json;
    expect(next).toBe(
      `${bed.api.base}/v1/nodes?sort_key=id&sort_dir=asc&fields=uuid,name&maintenance=false&limit=1&marker=${nodes[0].uuid}`,
    );
    expect((await bed.api.get(`/v1/nodes?marker=${NIL}`)).status).toBe(404);
  });
  it('caps the limit', async () => {
    const small = await startApi(bed.database, { api: { max_limit: 2 } });
    try {
      for (let i = 0; i < 3; i += 1) await create();
      for (const query of ['', '?limit=100']) {
        const { nodes, next } = (await small.api.get(`/v1/nodes${query}`)).json;
        expect([nodes.length, next]).toEqual([2, expect.stringContaining('limit=2')]);
      }
    } finally {
      await small.stop();
    }
  });
  it('filters', async () => {
    const parent = await create({ name: 'parent' });
    const instance_uuid = randomUUID();
    const special = await create({
      name: 'special',
      instance_uuid,
      instance_name: 'vm',
      resource_class: 'gold',
      conductor_group: 'Rack1',
      owner: 'o',
      lessee: 'l',
      shard: 's1',
      description: 'Great MACHINE',
      maintenance: true,
      retired: true,
    });
    const child = await create({ name: 'child', parent_node: 'parent' });
    await set(special.uuid, "fault = 'power failure'");
    const names = async (query: string) => {
      const answer = await bed.api.get(`/v1/nodes?fields=name&${query}`);
      expect([query, answer.status, answer.fault]).toEqual([query, 200, '']);
      return answer.json.nodes.map((node: { name: string }) => node.name);
    };
    const only = [
      `instance_uuid=${instance_uuid}`,
      'associated=true',
      'maintenance=True',
      'resource_class=gold',
      'conductor_group=rack1',
      'owner=o',
      'lessee=l',
      'project=o',
      'project=l',
      'shard=x,s1',
      'sharded=yes',
      'description_contains=machine',
      'retired=1',
      'instance_name=vm',
      'fault=power%20failure',
    ];
    for (const query of only) expect([query, await names(query)]).toEqual([query, ['special']]);
    for (const query of ['associated=false', 'maintenance=0', 'sharded=no', 'retired=false']) {
      expect([query, await names(query)]).toEqual([query, ['parent']]);
    }
    const both = ['parent', 'special'];
    for (const query of ['provision_state=enroll', 'driver=fake-hardware', 'conductor=conductor-1', '']) {
      expect(await names(query)).toEqual(both);
    }
    expect(await names(`parent_node=${parent.uuid}`)).toEqual(['child']);
    expect(await names('include_children=true')).toEqual([...both, 'child']);
    expect(child.parent_node).toBe(parent.uuid);
    for (const query of ['driver=x', 'conductor=x', 'provision_state=active', 'shard=x']) {
      expect(await names(query)).toEqual([]);
    }
    expect((await bed.api.get(`/v1/nodes?chassis_uuid=${NIL}`)).fault).toBe(
      `Chassis ${NIL} could not be found.`,
    );
    expect((await bed.api.get(`/v1/nodes?limit=1&instance_uuid=${instance_uuid}`)).json.next).toBeUndefined();
  });
  it('knows filters from their version on', async () => {
    const since = {
      provision_state: [9, 'enroll'],
      driver: [16, 'x'],
      resource_class: [21, 'x'],
      fault: [42, 'power failure'],
      conductor_group: [46, 'x'],
      conductor: [49, 'x'],
      owner: [50, 'x'],
      lessee: [65, 'x'],
      shard: [82, 'x'],
      sharded: [82, 'true'],
      parent_node: [83, NIL],
      include_children: [83, 'true'],
      instance_name: [104, 'x'],
    } as const;
    for (const [name, [version, value]] of Object.entries(since)) {
      const status = async (at: number) =>
        (await bed.api.at(at).get(`/v1/nodes?${name}=${encodeURIComponent(value)}`)).status;
      expect([name, await status(version - 1), await status(version)]).toEqual([name, 406, 200]);
    }
  });
  it('shows all fields in detail, by both addresses', async () => {
    await create();
    const whole = (await bed.api.get('/v1/nodes?detail=True')).json;
    expect(Object.keys(whole.nodes[0])).toEqual(NODE_FIELDS.map(({ name }) => name));
    expect((await bed.api.get('/v1/nodes/detail')).json).toEqual(whole);
    expect((await bed.api.at(42).get('/v1/nodes?detail=True')).status).toBe(400);
    expect((await bed.api.at(1).get('/v1/nodes/detail')).status).toBe(200);
    expect((await bed.api.get('/v1/nodes/detail?fields=uuid')).status).toBe(400);
  });
});
