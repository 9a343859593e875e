import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PersonalityName } from '../../../lab/bmc/redfish/personality.js';
import { bootMediaSection } from '../../../src/config/section/boot-media.js';
import { netbootSection } from '../../../src/config/section/netboot.js';
import { RedfishBootDrives } from '../../../src/driver/redfish/boot-drives.js';
import { BootMedia } from '../../../src/driver/redfish/boot-media.js';
import { BootLoaderFiles } from '../../../src/driver/redfish/loader-files.js';
import { VirtualMediaBoot } from '../../../src/driver/redfish/virtual-media-boot.js';
import { HttpBootServer } from '../../../src/netboot/http/server.js';
import { FetchNotes } from '../../../src/netboot/published/fetch-notes.js';
import { Manifest, publishedFiles } from '../../../src/netboot/published/manifest.js';
import { sizeOf } from '../../../src/persistence/published-file/publication.js';
import type { PublishedEntry } from '../../../src/persistence/published-file/published-file.repository.js';
import { readIso9660 } from '../../../src/protocol/iso/read.js';
import { NODE_UUID } from '../../support/driver-context.js';
import { collectedLog } from '../../support/log.js';
import { PublishedInMemory } from '../../support/published.js';
import { RedfishDriver, redfishBench } from '../../support/redfish-driver.js';
import { RedfishRack } from '../../support/redfish-rack.js';

let root: string;
let published: PublishedInMemory;
let server: HttpBootServer;
let notes: FetchNotes;

const find = async (service: string, name: string): Promise<PublishedEntry | null> => {
  for (const publication of published.publications) {
    const file = publication.files.find((one) => one.service === service && one.name === name);
    if (!file) continue;
    const { content } = file;
    const readers = publication.readers ?? { machine: true, addresses: [] };
    const shared = {
      service: file.service,
      name,
      node_uuid: publication.node_uuid,
      for_machine: readers.machine,
      for_addresses: readers.addresses,
      created_at: new Date(),
    };
    return content.kind === 'file'
      ? { ...shared, ...content }
      : { ...shared, ...content, size: sizeOf(content.segments) };
  }
  return null;
};

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'virtual-media-'));
  published = new PublishedInMemory();
  const manifest = new Manifest([publishedFiles({ find }, [root])], {
    admits: async () => false,
    speaksFor: async () => false,
  });
  const section = netbootSection.parse({ http: { listen: '127.0.0.1', port: 0 } });
  notes = new FetchNotes(published, collectedLog(), 5);
  server = new HttpBootServer(section, manifest, collectedLog(), undefined, notes);
  await server.start();
});
afterEach(async () => {
  await server.stop();
  rmSync(root, { recursive: true, force: true });
});

const build = (driver: RedfishDriver) =>
  new VirtualMediaBoot({
    name: 'redfish-virtual-media',
    drives: new RedfishBootDrives(driver.machines, async () => []),
    media: new BootMedia(new BootLoaderFiles(bootMediaSection.parse(undefined), root)),
    images: {
      validateReference: () => undefined,
      resolve: async () => ({}),
      fetchTo: async (ref, target) => {
        mkdirSync(dirname(target), { recursive: true });
        writeFileSync(target, ref);
      },
    },
    published,
    host: 'here',
    root,
    url: () => `http://127.0.0.1:${server.port}`,
    appended: '',
    patience: 900_000,
    defaultBootMode: 'uefi',
    defaults: {
      deploy_kernel: 'http://i/k',
      deploy_ramdisk: 'http://i/r',
      rescue_kernel: null,
      rescue_ramdisk: null,
    },
  });

describe('the disc of a ramdisk', () => {
  it.each<[PersonalityName]>([
    ['standard'],
    ['dell'],
    ['hpe'],
    ['lenovo'],
    ['supermicro'],
    ['openbmc'],
    ['ami'],
  ])(
    'stands in the drive of a machine behind %s, and is gone afterwards',
    async (personality) => {
      await using rack = await RedfishRack.up({ personality });
      await using driver = new RedfishDriver();
      const boot = build(driver);
      const node = redfishBench(rack);
      const { agentToken } = await boot.prepareRamdisk(node.context(), {});
      const disc = rack.machine.media.get('cd');
      expect(disc).toBeDefined();
      const files = readIso9660(disc!);
      expect(Buffer.from(files.get('vmlinuz')!).toString()).toBe('http://i/k');
      expect(Buffer.from(files.get('boot/grub/grub.cfg')!).toString()).toContain(agentToken);
      const inserted = rack.bmc.events.find((event) => event.kind === 'inserted');
      expect(inserted?.bytes).toBe(disc!.length);
      await boot.cleanUpRamdisk(node.context());
      expect(rack.machine.media.size).toBe(0);
      expect(published.files(NODE_UUID, 'boot')).toEqual([]);
    },
    30_000,
  );

  it('that a BMC only says to have inserted is found out by the bytes that nobody fetched', async () => {
    await using rack = await RedfishRack.up({}, { kind: 'claims-media' });
    await using driver = new RedfishDriver();
    const boot = build(driver);
    const context = redfishBench(rack).context();
    await boot.prepareRamdisk(context, {});
    expect(await boot.fetching.fault(context)).toMatch(
      /^The BMC says that it inserted the disc, but nothing of the disc was ever read.*reaches http:\/\/127\.0\.0\.1:/,
    );
    rack.bmc.setFaults();
    await boot.prepareRamdisk(context, {});
    await notes.flush();
    expect(await boot.fetching.fault(context)).toBeUndefined();
    await boot.cleanUpRamdisk(context);
    expect(await boot.fetching.fault(context)).toBeUndefined();
  });

  it('is read by nobody but its BMC', async () => {
    await using rack = await RedfishRack.up();
    await using driver = new RedfishDriver();
    await build(driver).prepareRamdisk(redfishBench(rack).context(), {});
    const [file] = published.files(NODE_UUID, 'boot');
    const status = (localAddress: string) =>
      new Promise((resolve, reject) => {
        const options = { localAddress, agent: false as const };
        get(`http://127.0.0.1:${server.port}/${file!.name}`, options, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        }).on('error', reject);
      });
    expect(await status('127.0.0.1')).toBe(200);
    expect(await status('127.0.0.2')).toBe(404);
  });

  it('is no start for a machine whose BMC refuses it', async () => {
    await using rack = await RedfishRack.up({}, { kind: 'refuses-media' });
    await using driver = new RedfishDriver();
    await expect(build(driver).prepareRamdisk(redfishBench(rack).context(), {})).rejects.toMatchObject({
      code: 'bmc-failed',
    });
    expect(rack.machine.media.size).toBe(0);
  });
});
