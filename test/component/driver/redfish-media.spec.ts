import { describe, expect, it } from 'vitest';
import type { RedfishFault } from '../../../lab/bmc/redfish/fault.js';
import { PERSONALITIES, type PersonalityName } from '../../../lab/bmc/redfish/personality.js';
import { ImageServer } from '../../../lab/image-server.js';
import { RedfishBootDrives } from '../../../src/driver/redfish/boot-drives.js';
import { RedfishDriver, redfishBench } from '../../support/redfish-driver.js';
import { RedfishRack } from '../../support/redfish-rack.js';

const names = Object.keys(PERSONALITIES) as PersonalityName[];
const nobody = async () => [];

async function disc(content = 'a disc', path = '/3f0a9c.iso') {
  const images = await ImageServer.listen();
  images.publish(path, Buffer.from(content));
  return { images, url: images.url(path) };
}

describe.each(names)('virtual media of a BMC like %s', (personality) => {
  it('hold the disc, take another in its place, start the machine from it, and are empty afterwards', async () => {
    const { images, url } = await disc();
    await using _ = images;
    images.publish('/other.iso', Buffer.from('another'));
    await using rack = await RedfishRack.up({ personality });
    await using driver = new RedfishDriver();
    const drives = new RedfishBootDrives(driver.machines, nobody);
    const context = redfishBench(rack).context();
    await drives.deliver(context, images.url('/other.iso'));
    await drives.deliver(context, url);
    expect(rack.machine.media.get('cd')?.toString()).toBe('a disc');
    await driver.management.setBootDevice(context, 'cdrom', false);
    await driver.power.setPowerState(context, 'power on', 10_000);
    // A virtual USB drive where the BMC has its CD there.
    expect(rack.machine.starts.map((start) => start?.device)).toEqual([
      personality === 'supermicro' ? 'remoteCdrom' : 'cdrom',
    ]);
    await drives.withdraw(context);
    expect(rack.machine.media.size).toBe(0);
  });
});

describe('virtual media that go wrong', () => {
  const up = async (...faults: RedfishFault[]) => {
    const rack = await RedfishRack.up({}, ...faults);
    const driver = new RedfishDriver();
    const context = redfishBench(rack).context();
    return { rack, driver, context, drives: new RedfishBootDrives(driver.machines, nobody) };
  };

  it('are told with the BMC’s own words when no slot takes the disc', async () => {
    const { images, url } = await disc();
    await using _ = images;
    const { rack, driver, context, drives } = await up({ kind: 'refuses-media' });
    await using __ = rack;
    await using ___ = driver;
    await expect(drives.deliver(context, url)).rejects.toThrow(
      /No slot for virtual media took the image: Cd: .*The medium cannot be connected/,
    );
  });

  it('are told when the disc cannot be fetched', async () => {
    const { images } = await disc();
    await using _ = images;
    const { rack, driver, context, drives } = await up();
    await using __ = rack;
    await using ___ = driver;
    await expect(drives.deliver(context, images.url('/none.iso'))).rejects.toThrow(/cannot be read/);
  });

  it('are found inserted when the answer was lost: the disc is not put in twice', async () => {
    const { images, url } = await disc();
    await using _ = images;
    const { rack, driver, context, drives } = await up({
      kind: 'lost-answer',
      times: 1,
      of: { path: 'InsertMedia' },
    });
    await using __ = rack;
    await using ___ = driver;
    await drives.deliver(context, url);
    expect(rack.machine.media.get('cd')?.toString()).toBe('a disc');
    expect(rack.bmc.count('POST', 'InsertMedia')).toBe(1);
  });

  it('are listed, attached and detached by the API’s calls', async () => {
    const { images, url } = await disc();
    await using _ = images;
    const { rack, driver, context } = await up();
    await using __ = rack;
    await using ___ = driver;
    const { media } = driver.management;
    await media.attach(context, { device_type: 'cdrom', image_url: url, image_download_source: 'http' });
    expect((await media.list(context)).find(({ inserted }) => inserted)).toMatchObject({ image: url });
    await expect(
      media.attach(context, { device_type: 'cdrom', image_url: url, image_download_source: 'local' }),
    ).rejects.toThrow(/image_download_source local are not built/);
    await media.detach(context, null);
    expect((await media.list(context)).some(({ inserted }) => inserted)).toBe(false);
  });

  it('are refused for a BMC that boots the physical drive, before anything is put in', async () => {
    await using rack = await RedfishRack.up();
    await using driver = new RedfishDriver();
    const context = redfishBench(rack).context();
    const { resource } = await driver.machines.of(context).system();
    const known = await driver.machines.of(context).differences(resource);
    // As the row of the quirk table has it for such a firmware (quirk-table.spec.ts).
    Object.assign(known.differences, { noVirtualMediaBoot: 'the physical drive would be booted' });
    const drives = new RedfishBootDrives(driver.machines, nobody);
    await expect(drives.deliver(context, 'http://127.0.0.1:9/none.iso')).rejects.toMatchObject({
      code: 'unsupported',
      message: 'the physical drive would be booted',
    });
    expect(rack.bmc.count('POST', 'InsertMedia')).toBe(0);
  });
});

describe('where a BMC fetches from', () => {
  it('is its address, or what its name says', async () => {
    await using rack = await RedfishRack.up();
    await using driver = new RedfishDriver();
    const named = redfishBench(rack, { redfish_address: 'bmc.example' }).context();
    const drives = new RedfishBootDrives(driver.machines, async () => ['192.0.2.7']);
    expect(await drives.readers(redfishBench(rack).context())).toEqual({
      machine: false,
      addresses: ['127.0.0.1'],
    });
    expect(await drives.readers(named)).toMatchObject({ addresses: ['192.0.2.7'] });
    await expect(new RedfishBootDrives(driver.machines, nobody).readers(named)).rejects.toThrow(
      /bmc.example has no address/,
    );
    const odd = redfishBench(rack, { vmedia_transport_protocol: 'FTP' }).context();
    expect(() => drives.validate(odd)).toThrow(
      /vmedia_transport_protocol must be one of HTTP, HTTPS, NFS, CIFS/,
    );
  });
});
