import { describe, expect, it } from 'vitest';
import type { Quirks } from '../../../lab/bmc/redfish/quirks.js';
import { ImageServer } from '../../../lab/image-server.js';
import { REDFISH_PASSWORD, RedfishRack } from '../../support/redfish-rack.js';

const LOGIN = { UserName: 'admin', Password: REDFISH_PASSWORD };
const NOBODY = { authorization: '' };
const messageOf = (body: { error: { code: string } }) => body.error.code.split('.').at(-1);

const quirky = (quirks: Partial<Quirks>) => RedfishRack.up({ quirks });
const resetOf = (rack: RedfishRack) => `${rack.bmc.systemPath}/Actions/ComputerSystem.Reset`;

describe('quirks', () => {
  const boot = (rack: RedfishRack, body: object, headers = {}, path = rack.bmc.systemPath) =>
    rack.ask('PATCH', path, { Boot: body }, headers);
  const once = { BootSourceOverrideTarget: 'Pxe', BootSourceOverrideEnabled: 'Once' };
  const insert = async (rack: RedfishRack, body: object) => {
    const path = `${rack.bmc.systemPath}/VirtualMedia/Cd/Actions/VirtualMedia.InsertMedia`;
    const { status } = await rack.ask('POST', path, body);
    return status;
  };
  const eject = (rack: RedfishRack) =>
    rack.ask('POST', `${rack.bmc.systemPath}/VirtualMedia/Cd/Actions/VirtualMedia.EjectMedia`, {});
  const cd = async (rack: RedfishRack) =>
    (await rack.ask('GET', `${rack.bmc.systemPath}/VirtualMedia/Cd`)).body;

  it('actionInfoOnly', async () => {
    await using rack = await quirky({ actionInfoOnly: true });
    const action = (await rack.ask('GET', rack.bmc.systemPath)).body.Actions['#ComputerSystem.Reset'];
    expect(action).not.toHaveProperty('ResetType@Redfish.AllowableValues');
    const info = (await rack.ask('GET', action['@Redfish.ActionInfo'])).body;
    expect(info.Parameters[0].AllowableValues).toContain('ForceRestart');
  });

  it('staleInserted and staleImage', async () => {
    await using images = await ImageServer.listen();
    images.publish('/a.iso', Buffer.from('a'));
    await using inserted = await quirky({ staleInserted: true });
    await using image = await quirky({ staleImage: true });
    for (const rack of [inserted, image]) {
      await insert(rack, { Image: images.url('/a.iso') });
      await eject(rack);
    }
    expect(await cd(inserted)).toMatchObject({ Inserted: true, Image: images.url('/a.iso') });
    expect(await cd(image)).toMatchObject({
      Inserted: false,
      Image: images.url('/a.iso'),
      ConnectedVia: 'NotConnected',
    });
    expect(await insert(inserted, { Image: images.url('/a.iso') })).toBe(204);
  });

  it('ejectBusy', async () => {
    await using rack = await quirky({ ejectBusy: 60_000 });
    rack.bmc.setFaults({ kind: 'claims-media' });
    expect(await insert(rack, { Image: 'http://127.0.0.1:1/' })).toBe(204);
    await eject(rack);
    expect(await insert(rack, { Image: 'http://127.0.0.1:1/' })).toBe(500);
  });

  it('onConflict', async () => {
    await using rack = await quirky({ onConflict: 60_000 });
    await rack.machine.on();
    await rack.ask('POST', resetOf(rack), { ResetType: 'ForceOff' });
    const answer = await rack.ask('POST', resetOf(rack), { ResetType: 'On' });
    expect([answer.status, messageOf(answer.body)]).toEqual([409, 'ActionParameterValueConflict']);
  });

  it('postLock', async () => {
    await using rack = await quirky({ postLock: 60_000 });
    expect((await boot(rack, once)).status).toBe(200);
    await rack.ask('POST', resetOf(rack), { ResetType: 'On' });
    expect(messageOf((await boot(rack, once)).body)).toBe('UnableToModifyDuringSystemPOST');
  });

  it('modeReadOnly, wholeOverride and onceOnly', async () => {
    await using readOnly = await quirky({ modeReadOnly: true });
    expect((await boot(readOnly, { ...once, BootSourceOverrideMode: 'UEFI' })).status).toBe(400);
    expect((await boot(readOnly, once)).status).toBe(200);
    await using whole = await quirky({ wholeOverride: true });
    expect((await boot(whole, once)).status).toBe(400);
    expect((await boot(whole, { ...once, BootSourceOverrideMode: 'UEFI' })).status).toBe(200);
    await using single = await quirky({ onceOnly: true });
    expect((await boot(single, { ...once, BootSourceOverrideEnabled: 'Continuous' })).status).toBe(400);
    expect((await boot(single, once)).status).toBe(200);
  });

  it('modeReverts: the machine does not find what it was told to start', async () => {
    await using rack = await quirky({ modeReverts: true });
    const { body } = await boot(rack, once);
    expect(body.Boot.BootSourceOverrideMode).toBe('Legacy');
    expect(rack.machine.boot.selection()).toBeNull();
    await boot(rack, { ...once, BootSourceOverrideMode: 'UEFI' });
    expect(rack.machine.boot.selection()?.device).toBe('pxe');
  });

  it('usbCd', async () => {
    await using rack = await RedfishRack.up({ personality: 'supermicro' });
    const whole = { BootSourceOverrideEnabled: 'Once', BootSourceOverrideMode: 'UEFI' };
    expect((await boot(rack, { ...whole, BootSourceOverrideTarget: 'Cd' })).status).toBe(400);
    expect((await boot(rack, { ...whole, BootSourceOverrideTarget: 'UsbCd' })).status).toBe(200);
    expect(rack.machine.boot.selection()?.device).toBe('remoteCdrom');
  });

  it('enabledRefused', async () => {
    await using rack = await quirky({ enabledRefused: true });
    expect((await boot(rack, once)).status).toBe(200);
    expect((await boot(rack, once)).status).toBe(400);
    expect((await boot(rack, { BootSourceOverrideTarget: 'Hdd' })).status).toBe(200);
  });

  it('ifMatchRequired and weakEtagRefused', async () => {
    await using rack = await quirky({ ifMatchRequired: true, weakEtagRefused: true });
    const { etag = '' } = (await rack.ask('GET', rack.bmc.systemPath)).headers;
    expect(etag).toMatch(/^W\//);
    expect((await boot(rack, once)).status).toBe(428);
    expect((await boot(rack, once, { 'if-match': etag })).status).toBe(412);
    expect((await boot(rack, once, { 'if-match': etag.slice(2) })).status).toBe(200);
    expect((await boot(rack, once, { 'if-match': '"old"' })).status).toBe(412);
  });

  it('bootSettings', async () => {
    await using rack = await quirky({ bootSettings: 'SD' });
    const { body: system } = await rack.ask('GET', rack.bmc.systemPath);
    expect(messageOf((await boot(rack, once)).body)).toBe('OperationSupportedInFutureStateURI');
    const settings = system['@Redfish.Settings'].SettingsObject['@odata.id'];
    expect((await boot(rack, once, {}, settings)).status).toBe(200);
    expect(rack.machine.boot.selection()?.device).toBe('pxe');
  });

  it('imageOnly, transferProtocolRequired, mediaLoginRequired and plainUrls', async () => {
    const image = { Image: 'http://127.0.0.1:1/a.iso' };
    const tried = async (quirks: Partial<Quirks>, body: object) => {
      await using rack = await RedfishRack.up({ quirks }, { kind: 'claims-media' });
      return await insert(rack, body);
    };
    expect(await tried({ imageOnly: true }, { ...image, Inserted: true })).toBe(400);
    expect(await tried({ imageOnly: true }, image)).toBe(204);
    expect(await tried({ transferProtocolRequired: true }, image)).toBe(400);
    expect(await tried({ transferProtocolRequired: true }, { ...image, TransferProtocolType: 'HTTP' })).toBe(
      204,
    );
    expect(await tried({ mediaLoginRequired: true }, image)).toBe(400);
    expect(await tried({ mediaLoginRequired: true }, { ...image, UserName: 'u', Password: 'p' })).toBe(204);
    expect(await tried({ plainUrls: true }, { Image: 'http://127.0.0.1:1/a.iso?t=1' })).toBe(400);
    expect(await tried({ plainUrls: true }, image)).toBe(204);
  });

  it('bodyRequired', async () => {
    await using rack = await quirky({ bodyRequired: true });
    const path = `${rack.bmc.systemPath}/VirtualMedia/Cd/Actions/VirtualMedia.EjectMedia`;
    expect((await rack.ask('POST', path)).status).toBe(415);
    expect((await rack.ask('POST', path, {})).status).toBe(204);
  });

  it('ejectWhenInserted, nullNicState, noHttpBootUri, singleExtendedInfo, sessionWithoutBody, secondSystem', async () => {
    await using rack = await quirky({
      ejectWhenInserted: true,
      nullNicState: true,
      noHttpBootUri: true,
      singleExtendedInfo: true,
      sessionWithoutBody: true,
      secondSystem: true,
    });
    expect((await cd(rack)).Actions).not.toHaveProperty('#VirtualMedia.EjectMedia');
    const nic = await rack.ask('GET', `${rack.bmc.systemPath}/EthernetInterfaces/NIC1`);
    expect(nic.body.Status.State).toBeNull();
    const system = (await rack.ask('GET', rack.bmc.systemPath)).body;
    expect(system.Boot).not.toHaveProperty('HttpBootUri');
    const { body } = await rack.ask('GET', '/redfish/v1/none');
    expect(body.error['@Message.ExtendedInfo'].MessageId).toMatch(/ResourceMissingAtURI/);
    const session = await rack.ask('POST', '/redfish/v1/SessionService/Sessions', LOGIN, NOBODY);
    expect([session.status, session.body]).toEqual([204, '']);
    expect((await rack.ask('GET', '/redfish/v1/Systems')).body.Members).toHaveLength(2);
  });
});

describe('faults', () => {
  const system = (rack: RedfishRack) => rack.ask('GET', rack.bmc.systemPath);

  it('answers with a status for as many times as were said, where it was said', async () => {
    const of = { method: 'GET', path: '/Systems' };
    await using rack = await RedfishRack.up({}, { kind: 'status', status: 503, retryAfter: 7, times: 1, of });
    expect((await rack.ask('GET', '/redfish/v1')).status).toBe(200);
    const first = await system(rack);
    expect([first.status, first.headers['retry-after']]).toEqual([503, '7']);
    expect((await system(rack)).status).toBe(200);
  });

  it('loses the answer after the act, or the request before it', async () => {
    const of = { method: 'POST', path: 'Reset' };
    await using after = await RedfishRack.up({}, { kind: 'lost-answer', times: 1, of });
    await expect(after.ask('POST', resetOf(after), { ResetType: 'On' })).rejects.toThrow();
    expect(after.machine.done).toEqual(['on']);
    await using before = await RedfishRack.up({}, { kind: 'lost-request', times: 1, of });
    await expect(before.ask('POST', resetOf(before), { ResetType: 'On' })).rejects.toThrow();
    expect(before.machine.done).toEqual([]);
  });

  it.each([
    [undefined, []],
    [true as const, ['on']],
  ])('restarts in the middle (done: %s), and forgets its sessions', async (done, acts) => {
    await using rack = await RedfishRack.up(
      {},
      {
        kind: 'restarts',
        down: 300,
        times: 1,
        of: { method: 'POST', path: 'Reset' },
        ...(done ? { done } : {}),
      },
    );
    await rack.ask('POST', '/redfish/v1/SessionService/Sessions', LOGIN, NOBODY);
    expect(rack.bmc.accounts.sessionCount).toBe(1);
    await expect(rack.ask('POST', resetOf(rack), { ResetType: 'On' })).rejects.toThrow();
    await expect(system(rack)).rejects.toThrow();
    expect(rack.machine.done).toEqual(acts);
    await new Promise((resolve) => setTimeout(resolve, 350));
    expect((await system(rack)).status).toBe(200);
    expect(rack.bmc.accounts.sessionCount).toBe(0);
  });

  it('says what is not so, is full of junk, has no end, leads elsewhere', async () => {
    await using rack = await RedfishRack.up();
    rack.bmc.setFaults({ kind: 'lying', status: 'On', control: 'ignores' });
    expect((await system(rack)).body.PowerState).toBe('On');
    expect((await rack.ask('POST', resetOf(rack), { ResetType: 'On' })).status).toBe(204);
    expect(rack.machine.done).toEqual([]);
    rack.bmc.setFaults({ kind: 'junk', bytes: 2 ** 20 });
    expect((await system(rack)).body).toHaveLength(2 ** 20);
    rack.bmc.setFaults({ kind: 'endless-pages' });
    const next = (await rack.ask('GET', '/redfish/v1/Systems')).body['Members@odata.nextLink'];
    expect((await rack.ask('GET', next)).body['Members@odata.nextLink']).not.toBe(next);
    rack.bmc.setFaults({ kind: 'redirect', to: 'https://elsewhere.invalid/' });
    expect((await system(rack)).headers['location']).toBe('https://elsewhere.invalid/');
    rack.bmc.setFaults({ kind: 'dead' });
    await expect(system(rack)).rejects.toThrow();
  });
});
