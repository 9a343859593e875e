import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { useNodeBed } from '../../support/node-bed.js';

const bed = useNodeBed();
const { create, set, patch } = bed;

const NIL = '00000000-0000-0000-0000-000000000000';

describe('PATCH /v1/nodes/{ident}', () => {
  it('changes what it says and works on secrets in clear', async () => {
    const { uuid } = await create({ driver_info: { ipmi_password: 'canary', ipmi_address: 'h' } });
    const answer = await patch(
      uuid,
      { op: 'add', path: '/extra/foo', value: { a: [1] } },
      { op: 'replace', path: '/name', value: 'web-3' },
      { op: 'replace', path: '/driver_info/ipmi_address', value: 'other' },
      { op: 'add', path: '/maintenance', value: 'true' },
      { op: 'add', path: '/conductor_group', value: 'RACK' },
    );
    expect(answer.status).toBe(200);
    expect(answer.text).not.toContain('canary');
    expect(answer.json).toMatchObject({
      name: 'web-3',
      extra: { foo: { a: [1] } },
      driver_info: { ipmi_password: '******', ipmi_address: 'other' },
      maintenance: true,
      conductor_group: 'rack',
      // Ironic answers with the node as it was under the lock.
      reservation: bed.server.parts.host,
    });
    expect((await bed.api.get(`/v1/nodes/${uuid}?fields=reservation`)).json.reservation).toBeNull();
    const clear = bed.server.parts.nodes.withSecrets(await bed.server.parts.nodes.get(uuid));
    expect(clear.driver_info).toEqual({ ipmi_password: 'canary', ipmi_address: 'other' });
  });
  it('stores ****** where a client sends it back', async () => {
    const { uuid } = await create({ driver_info: { ipmi_password: 'canary' } });
    await patch(uuid, { op: 'replace', path: '/driver_info/ipmi_password', value: '******' });
    const clear = bed.server.parts.nodes.withSecrets(await bed.server.parts.nodes.get(uuid));
    expect(clear.driver_info).toEqual({ ipmi_password: '******' });
  });
  it('gives removed roots their empty value', async () => {
    const { uuid } = await create({
      name: 'n',
      extra: { a: 1 },
      owner: 'o',
      conductor_group: 'g',
      maintenance: true,
    });
    const remove = (path: string) => ({ op: 'remove', path });
    const { json } = await patch(
      uuid,
      ...['/name', '/extra', '/owner', '/conductor_group', '/maintenance'].map(remove),
    );
    expect(json).toMatchObject({
      name: null,
      extra: {},
      owner: null,
      conductor_group: '',
      maintenance: false,
    });
  });
  it.each<[object | object[], string]>([
    [
      [{ op: 'replace', path: '/provision_state', value: 'active' }],
      'Cannot patch /provision_state. Only the following can be updated: ',
    ],
    [[{ op: 'add', path: '/nosuch', value: 1 }], 'Cannot patch /nosuch'],
    [[{ op: 'add', path: '/uuid', value: NIL }], 'Cannot patch /uuid'],
    [[{ op: 'add', path: '/traits', value: [] }], 'Cannot patch /traits'],
    [[{ op: 'add', path: '/driver_internal_info/x', value: 1 }], 'Cannot patch /driver_internal_info/x'],
    [[{ op: 'add', path: '/reservation', value: 'x' }], 'Cannot patch /reservation'],
    [
      [{ op: 'remove', path: '/extra/nosuch' }],
      "Couldn't apply patch '{'op': 'remove', 'path': '/extra/nosuch'}'. Reason: can't remove a non-existent object 'nosuch'",
    ],
    [[{ op: 'remove', path: '/driver' }], "Schema error for patch: 'driver' is a required property"],
    [[{ op: 'replace', path: '/driver', value: 'nosuch' }], 'which supports driver nosuch'],
    [[{ op: 'replace', path: '/driver', value: null }], "None is not of type 'string'"],
    [
      [{ op: 'test', path: '/name', value: 'z' }],
      "Schema error for patch: 'test' is not one of ['add', 'replace', 'remove']",
    ],
    [[{ op: 'add', path: '/extra/a' }], "'value' is a required property"],
    [[{ op: 'add', path: 'extra', value: 1 }], "'extra' does not match"],
    [[{ op: 'add', path: '/extra/', value: 1 }], 'does not match'],
    [[{ op: 'add', path: '/extra/a b', value: 1 }], 'does not match'],
    [[{ op: 'add', path: '/extra/__proto__/x', value: 1 }], "'__proto__' is not allowed"],
    [[{ op: 'add', path: '/extra/constructor/prototype', value: 1 }], 'not found'],
    [[{ op: 'add', path: '/extra/a', value: 1, from: 'x' }], "('from' was unexpected)"],
    [{ op: 'add' }, "the body is not of type 'array'"],
    [[1], "an operation is not of type 'object'"],
    [[{ op: 'replace', path: '/name', value: 'states' }], 'is reserved'],
    [[{ op: 'replace', path: '/name', value: 'a b' }], 'Cannot change name to invalid name'],
    [[{ op: 'add', path: '/chassis_uuid', value: NIL }], 'could not be found'],
    [[{ op: 'add', path: '/parent_node', value: NIL }], 'Unable to apply the requested parent_node'],
    [[{ op: 'add', path: '/description', value: 'x'.repeat(4097) }], 'is too long'],
    [[{ op: 'add', path: '/maintenance', value: [] }], 'is not of type'],
    [[{ op: 'add', path: '/protected_reason', value: 'x' }], 'can only be set when protected is True'],
  ])('refuses %j', async (body, fault) => {
    const { uuid } = await create({ name: 'kept' });
    const answer = await bed.api.patch(`/v1/nodes/${uuid}`, body);
    expect(answer.fault).toContain(fault);
    expect(answer.status).toBe(400);
    expect(await bed.server.parts.nodes.get(uuid)).toMatchObject({
      name: 'kept',
      updated_at: null,
      reservation: null,
    });
    expect(({} as { x?: number }).x).toBeUndefined();
  });
  it('knows roots and escapes from their version on', async () => {
    const { uuid } = await create();
    const at = (version: number, path: string) =>
      bed.api.at(version).patch(`/v1/nodes/${uuid}`, [{ op: 'add', path, value: 'x' }]);
    expect([(await at(81, '/shard')).status, (await at(82, '/shard')).status]).toEqual([406, 200]);
    expect([(await at(97, '/extra/a~1b')).status, (await at(98, '/extra/a~1b')).status]).toEqual([400, 200]);
    expect((await bed.api.get(`/v1/nodes/${uuid}`)).json.extra).toEqual({ 'a/b': 'x' });
  });
  it('keeps the rules of states', async () => {
    const { uuid } = await create({ instance_uuid: NIL });
    const status = async (...operations: object[]) => (await patch(uuid, ...operations)).status;
    const note = { op: 'add', path: '/extra/a', value: 1 };
    await set(uuid, "provision_state = 'deploying', target_provision_state = 'active'");
    expect((await patch(uuid, note)).fault).toBe(
      `Node ${uuid} can not be updated while a state transition is in progress.`,
    );
    expect(await status({ op: 'replace', path: '/instance_uuid', value: randomUUID() })).toBe(409);
    expect(await status({ op: 'remove', path: '/instance_uuid' })).toBe(409);
    await set(uuid, "provision_state = 'active', target_provision_state = null");
    expect(await status(note)).toBe(200);
    expect(await status({ op: 'replace', path: '/instance_uuid', value: randomUUID() })).toBe(409);
    expect(await status({ op: 'replace', path: '/boot_interface', value: 'fake' })).toBe(200);
    expect(await status({ op: 'replace', path: '/protected', value: true })).toBe(200);
    expect((await bed.api.delete(`/v1/nodes/${uuid}`)).status).toBe(403);
    await set(uuid, "maintenance = true, target_provision_state = 'active', provision_state = 'deploying'");
    expect(await status({ op: 'remove', path: '/instance_uuid' })).toBe(200);
  });
  it('resets interfaces with a new driver only', async () => {
    const { uuid } = await create({ vendor_interface: 'no-vendor' });
    const reset = (body: object[], version = 115) =>
      bed.api.at(version).patch(`/v1/nodes/${uuid}?reset_interfaces=true`, body);
    const driver = [{ op: 'replace', path: '/driver', value: 'fake-hardware' }];
    expect((await reset([{ op: 'add', path: '/extra/a', value: 1 }])).fault).toContain('reset_interfaces');
    expect((await reset(driver, 44)).status).toBe(406);
    expect((await reset(driver)).status).toBe(200);
  });
  it('waits for a lock, then answers 409 with its holder', async () => {
    const { uuid } = await create();
    await set(uuid, "reservation = 'conductor-7', reservation_expires_at = now() + interval '1 minute'");
    const answer = await patch(uuid, { op: 'add', path: '/extra/a', value: 1 });
    expect(answer.status).toBe(409);
    expect(answer.fault).toBe(
      `Node ${uuid} is locked by host conductor-7, please retry after the current operation is completed.`,
    );
    expect((await bed.api.get(`/v1/nodes/${uuid}`)).json.reservation).toBe('conductor-7');
    // What its state forbids is said without waiting for the lock.
    await set(uuid, "provision_state = 'deploying', target_provision_state = 'active'");
    expect((await patch(uuid, { op: 'add', path: '/extra/a', value: 1 })).fault).toContain(
      'state transition',
    );
    await set(uuid, "reservation_expires_at = now() - interval '1 second'");
    expect((await bed.api.get(`/v1/nodes/${uuid}`)).json.reservation).toBeNull();
  });
});
