import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { RedfishFault } from '../../../lab/bmc/redfish/fault.js';
import { PERSONALITIES, type PersonalityName } from '../../../lab/bmc/redfish/personality.js';
import { labFirmware } from '../../../lab/bmc/redfish/update.js';
import type { JsonObject } from '../../../src/domain/json.js';
import { FirmwareBed as Bed } from '../../support/firmware-bed.js';

const names = Object.keys(PERSONALITIES) as PersonalityName[];

const NIC = 'nic:NIC-paper';
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

describe.each(names)('firmware at a BMC like %s', (personality) => {
  it('of the BIOS is updated by one request and one reboot, and its versions are told', async () => {
    await using bed = await Bed.up({ personality });
    await bed.driver.power.setPowerState(bed.bench.context(), 'power on', 10_000);
    bed.rack.machine.done.length = 0;
    expect((await bed.update(bed.item('bios', '2.0'))).outcome).toEqual({ is: 'done' });
    expect(bed.updates).toEqual(['stored bios by pull', 'applied bios']);
    expect(bed.rack.machine.done).toEqual(['off', 'on']);
    expect(bed.bench.told).toEqual(['The firmware of bios was updated: 1.0 before, 2.0 now.']);
    expect(bed.row('bios')).toMatchObject({ current_version: '2.0', last_version_flashed: '2.0' });
    expect(bed.row('bmc')).not.toHaveProperty('last_version_flashed');
    expect(bed.row(NIC)).toMatchObject({
      current_version: '22.1.0',
      vendor: 'Ferric Lab',
      model: 'Virtual NIC',
      serial_number: 'NIC-paper',
    });
    // One life: nothing is served or kept afterwards.
    expect(bed.shelf.isPublished).toBe(false);
    expect(existsSync(`${bed.shelf.folder}/${bed.bench.committed.uuid}/firmware`)).toBe(false);
  });

  it('of the BMC is updated through its restart, without a reboot of the machine', async () => {
    await using bed = await Bed.up({ personality });
    const before = bed.rack.bmc.personality.firmware;
    expect((await bed.update(bed.item('bmc', '9.9.9'))).outcome).toEqual({ is: 'done' });
    expect(bed.updates).toEqual(['stored bmc by pull', 'applied bmc']);
    expect(bed.rack.machine.done).toEqual([]);
    expect(bed.bench.told).toEqual([`The firmware of bmc was updated: ${before} before, 9.9.9 now.`]);
    expect(bed.row('bmc')).toMatchObject({ current_version: '9.9.9', last_version_flashed: '9.9.9' });
  });
});

describe('firmware', () => {
  it('of several components is updated in turn; a machine that was off is off again', async () => {
    await using bed = await Bed.up();
    const items = [bed.item('bmc', '9'), bed.item(NIC, '23.0.0'), bed.item('CPLD', '4', { wait: 1 })];
    expect((await bed.update(...items)).outcome).toEqual({ is: 'done' });
    expect(bed.updates).toEqual([
      'stored bmc by pull',
      'applied bmc',
      'stored nic by pull',
      'applied nic',
      'stored cpld by pull',
      'applied cpld',
    ]);
    // After the BMC for what follows; for the adapter; the CPLD is applied at once.
    expect(bed.rack.machine.done).toEqual(['on', 'off', 'on', 'off']);
    expect(bed.bench.told.at(-1)).toBe('The firmware of CPLD was updated: 3 before, 4 now.');
    expect(bed.row('CPLD')).toMatchObject({ current_version: '4', last_version_flashed: '4' });
    // Each under a name of its own, which keeps the image's ending.
    expect(new Set(bed.shelf.names).size).toBe(3);
    expect(bed.shelf.names).toEqual(
      ['bmc-9.bin', 'nic-23.0.0.bin', 'cpld-4.bin'].map((name) =>
        expect.stringMatching(new RegExp(`^[0-9a-f]{40}/${name}$`)),
      ),
    );
  });

  it('is sent to a BMC that fetches nothing', async () => {
    await using bed = await Bed.up();
    const { outcome } = await bed.update(bed.item('bios', '2.0', { source: 'push' }));
    expect(outcome).toEqual({ is: 'done' });
    expect(bed.updates).toEqual(['stored bios by push', 'applied bios']);
    expect(bed.shelf.fetches).toEqual([]);
    expect(bed.shelf.names).toEqual([]);
  });

  it('is sent where the BMC has no SimpleUpdate, and refused where it has neither', async () => {
    await using bed = await Bed.up({ quirks: { noSimpleUpdate: true } });
    await bed.update(bed.item('bios', '2.0'));
    expect(bed.updates).toEqual(['stored bios by push', 'applied bios']);
    await using poor = await Bed.up({ quirks: { noSimpleUpdate: true, noMultipart: true } });
    await expect(poor.update(poor.item('bios', '2.0'))).rejects.toThrow('neither SimpleUpdate nor');
    await using pull = await Bed.up({ quirks: { noMultipart: true } });
    await expect(pull.update(pull.item('bios', '2.0', { source: 'push' }))).rejects.toThrow(
      'has no MultipartHttpPushUri',
    );
  });

  it('is taken from its own URL by the default configuration, and from us with a checksum', async () => {
    await using bed = await Bed.up({}, { settings: { firmware_source: 'http' } });
    await bed.update(bed.item('bios', '2.0'));
    expect(bed.shelf.fetches).toEqual(['bios-2.0.bin']);
    const image = labFirmware('bios', '3.0');
    await bed.update(bed.item('bios', '3.0', { checksum: `sha256:${sha256(image)}` }));
    expect(bed.shelf.names).toHaveLength(1);
    expect(bed.shelf.fetches.slice(1)).toEqual(bed.shelf.names);
    expect(bed.bench.told.at(-1)).toBe('The firmware of bios was updated: 2.0 before, 3.0 now.');
  });

  it('with a wrong checksum is refused before anything is sent, also for the images before it', async () => {
    await using bed = await Bed.up();
    const bad = bed.item('bmc', '9', { checksum: sha256(Buffer.from('another')) });
    await expect(bed.update(bed.item('bios', '2.0'), bad)).rejects.toThrow(/checksum of .* does not match/);
    expect(bed.updates).toEqual([]);
    expect(bed.rack.bmc.count('POST', 'UpdateService')).toBe(0);
    expect(bed.shelf.names).toEqual([]);
  });

  it.each<[string, JsonObject, string]>([
    ['a component that the inventory lacks', { component: 'Toaster' }, 'no component Toaster'],
    ['one that cannot be updated', { component: 'BootLoader' }, 'BootLoader cannot be updated'],
    ['an unknown field', { component: 'bios', cheksum: 'x' }, 'settings[0] has unknown fields: cheksum'],
    ['a checksum that is none', { component: 'bios', checksum: 'xyz' }, 'settings[0].checksum: is not a'],
    ['MD5', { component: 'bios', checksum: 'd'.repeat(32) }, 'MD5 checksums are turned off'],
    ['a wait that is none', { component: 'bios', wait: 0 }, 'settings[0].wait must be'],
    ['swift', { component: 'bios', source: 'swift' }, 'settings[0].source must be one of http, local, push'],
    ['no component', {}, 'settings[0].component must be'],
    ['a URL that is none', { component: 'bios', url: 'bios.bin' }, 'settings[0].url: not a URL'],
  ])('is refused before anything is sent: %s', async (_, more, text) => {
    await using bed = await Bed.up();
    const { url } = bed.item('bios', '2.0');
    await expect(bed.update({ url: url!, ...more })).rejects.toThrow(text);
    expect(bed.rack.bmc.count('POST', 'UpdateService')).toBe(0);
  });

  it('that is too large, or that another client’s update holds up, is refused', async () => {
    await using bed = await Bed.up();
    const large = bed.shelf.put('large.bin', labFirmware('bios', '2.0', 33 * 2 ** 20));
    await expect(bed.update({ component: 'bios', url: large })).rejects.toThrow('takes 33554432 at most');
    bed.rack.bmc.setFaults({ kind: 'update-held' });
    await expect(bed.update(bed.item('bios', '2.0'))).rejects.toThrow('another client holds it');
    expect(bed.rack.bmc.count('POST', 'UpdateService')).toBe(0);
  });

  it('is taken from each system’s path where a BMC has several', async () => {
    await using bed = await Bed.up({ quirks: { secondSystem: true } });
    expect((await bed.update(bed.item('bios', '2.0'))).outcome).toEqual({ is: 'done' });
  });

  it('whose BIOS task runs on by itself is followed by a reboot after the configured time', async () => {
    await using bed = await Bed.up(
      { quirks: { updateStaging: 'waits' } },
      { settings: { firmware_update_nic_starting_wait: 3600 } },
    );
    expect((await bed.update(bed.item('bios', '2.0'))).outcome).toEqual({ is: 'done' });
    expect(bed.rack.machine.done).toEqual(['on', 'off']);
  });

  it('is updated below a ramdisk, which is started again', async () => {
    const fields = { driver_internal_info: { agent_url: 'https://192.0.2.9:9999' } };
    await using bed = await Bed.up({}, { fields });
    await bed.driver.power.setPowerState(bed.bench.context(), 'power on', 10_000);
    expect((await bed.update(bed.item('bios', '2.0'))).outcome).toEqual({ is: 'done' });
    expect(bed.driver.relaunched).toHaveLength(1);
  });
});

describe('an update that fails', () => {
  it('is told in the BMC’s words, and those after it are not begun', async () => {
    await using bed = await Bed.up();
    bed.rack.bmc.setFaults({ kind: 'fails-update', text: 'The signature of the image is not trusted.' });
    await expect(bed.update(bed.item('bios', '2.0'), bed.item('bmc', '9'))).rejects.toThrow(
      /^The update of bios with bios-2\.0\.bin failed, and is not repeated: .*The signature of the image is not trusted.*The version was 1\.0 before; it is 1\.0 now\.$/,
    );
    expect(bed.updates).toEqual(['stored bios by pull', 'failed bios']);
    expect(bed.shelf.isPublished).toBe(false);
  });

  it('half way is told with the version that it left, and is not repeated', async () => {
    await using bed = await Bed.up();
    bed.rack.bmc.setFaults({ kind: 'bricks-update' });
    await expect(bed.update(bed.item('CPLD', '4'))).rejects.toThrow(
      /recovery image.*The version was 3 before; it is recovery now\.$/,
    );
    expect(bed.updates).toEqual(['stored cpld by pull', 'failed cpld']);
    expect(bed.rack.bmc.count('POST', 'SimpleUpdate')).toBe(1);
  });

  it('at an iDRAC is told by its job: the task is gone', async () => {
    await using bed = await Bed.up({ personality: 'dell' });
    bed.rack.bmc.setFaults({ kind: 'fails-update', text: 'Unable to verify the Update Package signature.' });
    await expect(bed.update(bed.item('bios', '2.0'))).rejects.toThrow('verify the Update Package signature');
    expect(bed.rack.machine.done).toEqual([]);
  });

  it('because the BMC does not reach the server is sent to the BMC instead', async () => {
    await using bed = await Bed.up();
    bed.rack.bmc.setFaults({ kind: 'cannot-fetch' });
    expect((await bed.update(bed.item('bios', '2.0'))).outcome).toEqual({ is: 'done' });
    expect(bed.updates).toEqual(['failed unknown', 'stored bios by push', 'applied bios']);
    expect(bed.bench.told[0]).toBe('The BMC did not reach this conductor for the firmware of bios.');
  });

  it('because the BMC reaches no server and takes no upload is told', async () => {
    await using bed = await Bed.up({ quirks: { noMultipart: true } });
    bed.rack.bmc.setFaults({ kind: 'cannot-fetch' });
    await expect(bed.update(bed.item('bios', '2.0'))).rejects.toThrow('failed to establish a connection');
    expect(bed.updates).toEqual(['failed unknown', 'failed unknown']);
    expect(bed.rack.machine.done).toEqual([]);
  });

  it('is refused by the BMC in its own words, and nothing is called repeated', async () => {
    await using bed = await Bed.up();
    bed.rack.bmc.setFaults({
      kind: 'status',
      status: 400,
      message: 'QueueFull',
      of: { path: 'SimpleUpdate', method: 'POST' },
    });
    await expect(bed.update(bed.item('bios', '2.0'))).rejects.toThrow(
      /^The update of bios with bios-2\.0\.bin was not begun: .*QueueFull/,
    );
  });

  it('because its task never ends is told at the end of its time', async () => {
    await using bed = await Bed.up({}, { settings: { firmware_update_overall_timeout: 1 } });
    bed.rack.bmc.setFaults({ kind: 'endless-tasks' });
    const end = bed.bench.drive(
      bed.driver.interfaces,
      async (context) => {
        const outcome = await bed.step(context);
        await sleep(20);
        return outcome;
      },
      { step: 'update', args: { settings: [bed.item('bios', '2.0')] } },
    );
    await expect(end).rejects.toThrow('did not end within 1 s; the BMC may still be at work');
    expect(bed.rack.machine.done).toEqual(['on']);
  });
});

const POST_PULL = { method: 'POST', path: 'SimpleUpdate' } as const;
const POST_PUSH = { method: 'POST', path: 'UpdateService/upload' } as const;

describe('a request whose answer is lost', () => {
  const lost = (kind: 'lost-answer' | 'lost-request', of: object): RedfishFault => ({ kind, of, times: 1 });

  it.each<[string, RedfishFault, JsonObject, number]>([
    ['after the act, by SimpleUpdate', lost('lost-answer', POST_PULL), {}, 1],
    ['after the act, by an upload', lost('lost-answer', POST_PUSH), { source: 'push' }, 1],
    ['before the act, by SimpleUpdate', lost('lost-request', POST_PULL), {}, 1],
    ['before the act, by an upload', lost('lost-request', POST_PUSH), { source: 'push' }, 1],
    [
      'by a restart of the BMC after it',
      { kind: 'restarts', down: 200, done: true, times: 1, of: POST_PULL },
      {},
      1,
    ],
  ])('is carried out once: %s', async (_, fault, more, stored) => {
    await using bed = await Bed.up();
    bed.rack.bmc.setFaults(fault);
    expect((await bed.update(bed.item('bios', '2.0', more))).outcome).toEqual({ is: 'done' });
    expect(bed.updates.filter((one) => one.startsWith('stored'))).toHaveLength(stored);
    expect(bed.updates.at(-1)).toBe('applied bios');
  });

  it('is not repeated where nothing tells whether it was carried out', async () => {
    await using bed = await Bed.up({ quirks: { tasksHidden: true } });
    bed.rack.bmc.setFaults(lost('lost-request', POST_PUSH));
    await expect(bed.update(bed.item('bios', '2.0', { source: 'push' }))).rejects.toThrow(
      'nothing shows whether the BMC carries it out',
    );
    expect(bed.updates).toEqual([]);
  });

  it('is not repeated where the BMC was away meanwhile', async () => {
    await using bed = await Bed.up();
    bed.rack.bmc.setFaults({ kind: 'restarts', down: 1_500, times: 1, of: POST_PULL });
    await expect(bed.update(bed.item('bios', '2.0'))).rejects.toThrow('nothing shows whether');
    expect(bed.updates).toEqual([]);
  });
});

describe('the versions of firmware', () => {
  it('are read when a node is verified, and a BMC without them verifies all the same', async () => {
    await using bed = await Bed.up();
    const verify = bed.driver
      .firmware(bed.shelf.files)
      .steps.find((one) => one.name === 'cache_firmware_components' && one.kind === 'verify')!;
    expect(await verify.run(bed.bench.context(bed.driver.interfaces))).toEqual({ is: 'done' });
    expect(bed.row('bios')).toEqual({
      component: 'bios',
      current_version: '1.0',
      vendor: null,
      model: null,
      serial_number: null,
    });
    expect(bed.row('bmc')).toMatchObject({ current_version: '1.0.0', model: 'Virtual BMC' });
    bed.rack.bmc.setFaults({ kind: 'status', status: 404, of: { path: '/Systems' } });
    expect(await verify.run(bed.bench.context(bed.driver.interfaces))).toEqual({ is: 'done' });
  });
});
