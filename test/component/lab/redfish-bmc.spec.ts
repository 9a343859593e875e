import { describe, expect, it } from 'vitest';
import type { PersonalityName } from '../../../lab/bmc/redfish/personality.js';
import type { Quirks } from '../../../lab/bmc/redfish/quirks.js';
import { ImageServer } from '../../../lab/image-server.js';
import { REDFISH_PASSWORD, RedfishRack } from '../../support/redfish-rack.js';

const LOGIN = { UserName: 'admin', Password: REDFISH_PASSWORD };
const NOBODY = { authorization: '' };
const messageOf = (body: { error: { code: string } }) => body.error.code.split('.').at(-1);

const quirky = (quirks: Partial<Quirks>) => RedfishRack.up({ quirks });
const resetOf = (rack: RedfishRack) => `${rack.bmc.systemPath}/Actions/ComputerSystem.Reset`;

describe('who may come in', () => {
  it('reads the root and logs in without credentials, and nothing else', async () => {
    await using rack = await RedfishRack.up();
    expect((await rack.ask('GET', '/redfish/v1/', undefined, NOBODY)).status).toBe(200);
    for (const path of [
      '/redfish/v1/Systems',
      '/redfish/v1/nothing',
      '/redfish/v1/SessionService/Sessions',
    ]) {
      expect((await rack.ask('GET', path, undefined, NOBODY)).status, path).toBe(401);
    }
    const session = await rack.ask('POST', '/redfish/v1/SessionService/Sessions', LOGIN, NOBODY);
    expect(session.status).toBe(201);
    const token = { 'x-auth-token': session.headers['x-auth-token']!, ...NOBODY };
    expect((await rack.ask('GET', '/redfish/v1/Systems', undefined, token)).status).toBe(200);
    expect((await rack.ask('DELETE', session.headers['location']!, undefined, token)).status).toBe(204);
    expect((await rack.ask('GET', '/redfish/v1/Systems', undefined, token)).status).toBe(401);
  });

  it('locks its accounts after some wrong passwords, and refuses sessions beyond its limit', async () => {
    await using rack = await RedfishRack.up(
      {},
      { kind: 'locks-accounts', after: 2 },
      { kind: 'session-limit', limit: 1 },
    );
    const log = (password: string) =>
      rack.ask('POST', '/redfish/v1/SessionService/Sessions', { ...LOGIN, Password: password }, NOBODY);
    expect((await log(REDFISH_PASSWORD)).status).toBe(201);
    expect((await log(REDFISH_PASSWORD)).status).toBe(503);
    expect((await log('wrong')).status).toBe(401);
    expect((await log('wrong')).status).toBe(401);
    expect((await log(REDFISH_PASSWORD)).status).toBe(401);
  });

  it('changes nothing for an account that may only read', async () => {
    await using rack = await RedfishRack.up();
    const reader = {
      authorization: `Basic ${Buffer.from(`reader:${REDFISH_PASSWORD}`).toString('base64')}`,
    };
    expect((await rack.ask('GET', rack.bmc.systemPath, undefined, reader)).status).toBe(200);
    expect((await rack.ask('POST', resetOf(rack), { ResetType: 'On' }, reader)).status).toBe(403);
    expect(rack.machine.done).toEqual([]);
  });

  it('shows another certificate from then on', async () => {
    await using rack = await RedfishRack.up();
    const before = rack.bmc.certificate;
    rack.bmc.changeCertificate();
    expect(rack.bmc.certificate).not.toBe(before);
    expect((await rack.ask('GET', '/redfish/v1')).status).toBe(200);
  });
});

describe('power', () => {
  it('is switched by each type of reset that it lists, and by no other', async () => {
    await using rack = await RedfishRack.up();
    const reset = async (type: string) => (await rack.ask('POST', resetOf(rack), { ResetType: type })).status;
    const state = async () => (await rack.ask('GET', rack.bmc.systemPath)).body.PowerState;
    expect(await state()).toBe('Off');
    expect(await reset('On')).toBe(204);
    expect(await state()).toBe('On');
    expect(await reset('ForceRestart')).toBe(204);
    expect(await reset('ForceOff')).toBe(204);
    expect(await state()).toBe('Off');
    expect(await reset('ForceOff')).toBe(409);
    expect(await reset('Suspend')).toBe(400);
    expect(rack.machine.done).toEqual(['on', 'reset', 'off']);
  });
});

describe('the boot override', () => {
  const change = (rack: RedfishRack, boot: object) => rack.ask('PATCH', rack.bmc.systemPath, { Boot: boot });

  it('holds for one boot, and shows so afterwards', async () => {
    await using rack = await RedfishRack.up();
    const answer = await change(rack, { BootSourceOverrideTarget: 'Cd', BootSourceOverrideEnabled: 'Once' });
    expect(answer.body.Boot).toMatchObject({
      BootSourceOverrideTarget: 'Cd',
      BootSourceOverrideEnabled: 'Once',
    });
    await rack.ask('POST', resetOf(rack), { ResetType: 'On' });
    await rack.ask('POST', resetOf(rack), { ResetType: 'ForceRestart' });
    expect(rack.machine.starts.map((start) => start?.device)).toEqual(['cdrom', undefined]);
    const { Boot: boot } = (await rack.ask('GET', rack.bmc.systemPath)).body;
    expect(boot).toMatchObject({ BootSourceOverrideTarget: 'None', BootSourceOverrideEnabled: 'Disabled' });
  });

  it('holds on where it is continuous, and names a URL for HTTP boot', async () => {
    await using rack = await RedfishRack.up();
    await change(rack, {
      BootSourceOverrideTarget: 'UefiHttp',
      BootSourceOverrideEnabled: 'Continuous',
      HttpBootUri: 'http://10.0.0.1/a.iso',
    });
    await rack.machine.on();
    await rack.machine.reset();
    expect(rack.machine.starts).toEqual(
      [1, 2].map(() => ({ device: 'http', efi: true, persistent: true, uri: 'http://10.0.0.1/a.iso' })),
    );
  });

  it.each<[string, object, string]>([
    ['a target that is none', { BootSourceOverrideTarget: 'Tape' }, 'PropertyValueNotInList'],
    ['a mode that the machine has not', { BootSourceOverrideMode: 'Legacy' }, 'PropertyValueNotInList'],
    ['a property that is none', { Colour: 'red' }, 'PropertyUnknown'],
  ])('refuses %s', async (_what, boot, name) => {
    await using rack = await RedfishRack.up();
    const answer = await change(rack, boot);
    expect([answer.status, messageOf(answer.body)]).toEqual([400, name]);
    expect(rack.machine.boot.selection()).toBeNull();
  });
});

describe('Secure Boot', () => {
  const path = (rack: RedfishRack) => `${rack.bmc.systemPath}/SecureBoot`;

  it('is written for the next start, and takes effect with it', async () => {
    await using rack = await RedfishRack.up();
    const { body: system } = await rack.ask('GET', rack.bmc.systemPath);
    expect(system.SecureBoot['@odata.id']).toBe(path(rack));
    expect((await rack.ask('PATCH', path(rack), { SecureBootEnable: false })).status).toBe(200);
    const state = async () => (await rack.ask('GET', path(rack))).body;
    expect(await state()).toMatchObject({ SecureBootEnable: false, SecureBootCurrentBoot: 'Enabled' });
    await rack.ask('POST', resetOf(rack), { ResetType: 'On' });
    expect(await state()).toMatchObject({ SecureBootEnable: false, SecureBootCurrentBoot: 'Disabled' });
    expect((await rack.ask('PATCH', path(rack), { SecureBootEnable: 'no' })).status).toBe(400);
    expect((await rack.ask('PATCH', path(rack), { SecureBootMode: 'AuditMode' })).status).toBe(400);
  });

  it('secureBootUnlicensed', async () => {
    await using rack = await quirky({ secureBootUnlicensed: true });
    const answer = await rack.ask('GET', path(rack));
    expect([answer.status, messageOf(answer.body)]).toEqual([403, 'OemLicenseNotPassed']);
  });
});

describe('virtual media', () => {
  const slots = async (rack: RedfishRack) => {
    const { body: system } = await rack.ask('GET', rack.bmc.systemPath);
    const { body: managers } = await rack.ask('GET', '/redfish/v1/Managers');
    const { body: manager } = await rack.ask('GET', managers.Members[0]['@odata.id']);
    const place = system.VirtualMedia ?? manager.VirtualMedia;
    const { body } = await rack.ask('GET', place['@odata.id']);
    const members = body.Members as { '@odata.id': string }[];
    const whole = await Promise.all(members.map((one) => rack.ask('GET', one['@odata.id'])));
    return whole.map(({ body: slot }) => slot);
  };

  it('are read from their URL into the drive, and are one drive in both places', async () => {
    await using images = await ImageServer.listen();
    images.publish('/a.iso', Buffer.from('a disc'));
    await using rack = await RedfishRack.up();
    const cd = `${rack.bmc.systemPath}/VirtualMedia/Cd`;
    const body = { Image: images.url('/a.iso'), Inserted: true, WriteProtected: true };
    expect((await rack.ask('POST', `${cd}/Actions/VirtualMedia.InsertMedia`, body)).status).toBe(204);
    expect(rack.machine.media.get('cd')?.toString()).toBe('a disc');
    const both = [cd, '/redfish/v1/Managers/BMC/VirtualMedia/Cd'];
    for (const path of both) {
      const { body: slot } = await rack.ask('GET', path);
      expect(slot).toMatchObject({ Image: images.url('/a.iso'), Inserted: true, ConnectedVia: 'URI' });
    }
    expect((await rack.ask('POST', `${cd}/Actions/VirtualMedia.InsertMedia`, body)).status).toBe(400);
    expect((await rack.ask('POST', `${both[1]}/Actions/VirtualMedia.EjectMedia`, {})).status).toBe(204);
    expect(rack.machine.media.size).toBe(0);
    expect((await rack.ask('GET', cd)).body).toMatchObject({ Image: null, Inserted: false });
  });

  it('are refused where their URL cannot be read', async () => {
    await using images = await ImageServer.listen();
    await using rack = await RedfishRack.up();
    const insert = `${rack.bmc.systemPath}/VirtualMedia/Cd/Actions/VirtualMedia.InsertMedia`;
    expect((await rack.ask('POST', insert, { Image: images.url('/none.iso') })).status).toBe(400);
    expect((await rack.ask('POST', insert, {})).status).toBe(400);
    expect((await rack.ask('POST', insert, { Image: images.url('/a.iso'), Speed: 4 })).status).toBe(400);
    expect(rack.machine.media.size).toBe(0);
  });

  it('claims one that no machine sees', async () => {
    await using rack = await RedfishRack.up({}, { kind: 'claims-media' });
    const cd = `${rack.bmc.systemPath}/VirtualMedia/Cd`;
    const insert = await rack.ask('POST', `${cd}/Actions/VirtualMedia.InsertMedia`, {
      Image: 'http://127.0.0.1:1/',
    });
    expect(insert.status).toBe(204);
    expect((await rack.ask('GET', cd)).body.Inserted).toBe(true);
    expect(rack.machine.media.size).toBe(0);
  });

  it.each<[PersonalityName, string]>([
    ['dell', 'POST'],
    ['hpe', 'POST'],
    ['lenovo', 'PATCH'],
    ['supermicro', 'POST'],
    ['openbmc', 'POST'],
    ['ami', 'POST'],
  ])('are inserted as %s has it, by %s', async (personality, method) => {
    await using images = await ImageServer.listen();
    images.publish('/a.iso', Buffer.from('a disc'));
    await using rack = await RedfishRack.up({ personality });
    const slot = (await slots(rack)).find(
      (one) => one.MediaTypes.includes('CD') && (method === 'PATCH' ? /^EXT/.test(one.Id) : one.Actions),
    );
    const target = slot.Actions?.['#VirtualMedia.InsertMedia'].target ?? slot['@odata.id'];
    const etag = (await rack.ask('GET', slot['@odata.id'])).headers['etag']!;
    const protocol = personality === 'openbmc' ? { TransferProtocolType: 'HTTP' } : {};
    const answer = await rack.ask(
      method,
      target,
      { Image: images.url('/a.iso'), ...protocol },
      { 'if-match': etag },
    );
    expect(answer.status).toBeLessThan(300);
    expect(rack.machine.media.get('cd')?.toString()).toBe('a disc');
  });
});
