import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PersonalityName } from '../../../lab/bmc/redfish/personality.js';
import { netbootSection } from '../../../src/config/section/netboot.js';
import { bootImplementations } from '../../../src/driver/composition.js';
import type { DiscBootParts } from '../../../src/driver/redfish/disc-boot.js';
import { HttpBootServer } from '../../../src/netboot/http/server.js';
import { FetchNotes } from '../../../src/netboot/published/fetch-notes.js';
import { Manifest, publishedFiles } from '../../../src/netboot/published/manifest.js';
import { sizeOf } from '../../../src/persistence/published-file/publication.js';
import type { PublishedEntry } from '../../../src/persistence/published-file/published-file.repository.js';
import { readIso9660 } from '../../../src/protocol/iso/read.js';
import { driverConfig } from '../../support/driver-config.js';
import { NODE_UUID } from '../../support/driver-context.js';
import { collectedLog } from '../../support/log.js';
import { PublishedInMemory } from '../../support/published.js';
import { RedfishDriver, redfishBench } from '../../support/redfish-driver.js';
import { RedfishRack } from '../../support/redfish-rack.js';

/** Address of the node's machine. */
const MACHINE = '127.0.0.3';
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
    speaksFor: async (uuid, source) => uuid === NODE_UUID && source === MACHINE,
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

const build = (
  driver: RedfishDriver,
  name: DiscBootParts['name'] = 'redfish-virtual-media',
  agent: object = {},
) => {
  const config = driverConfig(root, {
    conductor: { host: 'here', deploy_kernel: 'http://i/k', deploy_ramdisk: 'http://i/r' },
    netboot: { http: { public_url: `http://127.0.0.1:${server.port}` }, http_root: root },
    agent: { public_url: 'http://10.77.0.1:6386', ...agent },
  });
  const images = {
    validateReference: () => undefined,
    resolve: async () => ({}),
    fetchTo: async (ref: string, target: string) => {
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, ref);
    },
  };
  const plans = { put: async () => {}, remove: async () => {} };
  const { boot } = bootImplementations({ config, images, plans, published, redfish: driver.machines });
  const [, , , , disc, byUrl] = boot;
  return name === 'redfish-https' ? byUrl : disc;
};

/** Fetches from one of this host's own addresses. */
function fetched(localAddress: string, path: string): Promise<{ status: number; body: Buffer }> {
  return new Promise((resolve, reject) => {
    get(`http://127.0.0.1:${server.port}${path}`, { localAddress, agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks) }));
    }).on('error', reject);
  });
}

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

  it('brings the authorities of the agents’ API where the agent reads them', async () => {
    await using rack = await RedfishRack.up();
    await using driver = new RedfishDriver();
    const api_ca_file = join(root, 'ca.pem');
    const authority = `${rootCertificates[0]}\n`;
    writeFileSync(api_ca_file, authority);
    const boot = build(driver, undefined, { api_ca_file });
    await boot.prepareRamdisk(redfishBench(rack).context(), {});
    const files = readIso9660(rack.machine.media.get('cd')!);
    const text = (name: string) => Buffer.from(files.get(name)!).toString();
    expect(text('etc/ironic-python-agent/ironic.crt')).toBe(authority);
    expect(text('etc/ironic-python-agent.d/ironic-tls.conf')).toBe(
      '[DEFAULT]\ncafile = /etc/ironic-python-agent/ironic.crt\n',
    );
  });

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
    const status = async (from: string) => (await fetched(from, `/${file!.name}`)).status;
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

describe('the disc of a UEFI HTTP boot', () => {
  it.each<[PersonalityName]>([['standard'], ['supermicro'], ['openbmc'], ['ami']])(
    'is what a machine behind %s starts from, read by nobody else, and its URL is gone afterwards',
    async (personality) => {
      await using rack = await RedfishRack.up({ personality });
      await using driver = new RedfishDriver();
      const boot = build(driver, 'redfish-https');
      const context = redfishBench(rack).context();
      const { device, persistent, uri } = await boot.prepareRamdisk(context, {});
      await driver.management.setBootDevice(context, device, persistent, uri);
      expect(await shownUri(rack)).toBe(uri);
      await driver.power.setPowerState(context, 'power on', 10_000);
      expect(rack.machine.starts).toMatchObject([{ device: 'http', persistent: false, uri }]);
      const { pathname } = new URL(uri!);
      expect((await fetched('127.0.0.1', pathname)).status).toBe(404);
      expect(await boot.fetching.fault(context)).toMatch(
        /^Nothing of the disc was ever fetched by UEFI HTTP/,
      );
      const { status, body } = await fetched(MACHINE, pathname);
      expect(status).toBe(200);
      expect(Buffer.from(readIso9660(body).get('vmlinuz')!).toString()).toBe('http://i/k');
      await notes.flush();
      expect(await boot.fetching.fault(context)).toBeUndefined();
      await boot.cleanUpRamdisk(context);
      expect(published.files(NODE_UUID, 'boot')).toEqual([]);
      await driver.power.setPowerState(context, 'power off', 10_000);
      await driver.power.setPowerState(context, 'power on', 10_000);
      expect(rack.machine.starts.at(-1)).toBeNull();
    },
    30_000,
  );

  it('is taken back before the start, and with it the override that would boot from it', async () => {
    await using rack = await RedfishRack.up();
    await using driver = new RedfishDriver();
    const boot = build(driver, 'redfish-https');
    const context = redfishBench(rack).context();
    const { uri } = await boot.prepareRamdisk(context, {});
    await driver.management.setBootDevice(context, 'uefihttp', false, uri);
    rack.bmc.setFaults({ kind: 'lost-answer', times: 1, of: { method: 'PATCH' } });
    await boot.cleanUpRamdisk(context);
    expect(await shownUri(rack)).toBeNull();
    expect(rack.machine.boot.selection()).toBeNull();
    const patches = rack.bmc.count('PATCH', rack.bmc.systemPath);
    await boot.cleanUpRamdisk(context);
    expect(rack.bmc.count('PATCH', rack.bmc.systemPath)).toBe(patches);
  });

  it.each<[PersonalityName, RegExp]>([
    ['dell', /takes the URL by BIOS attributes only/],
    ['hpe', /takes the URL by BIOS attributes only/],
    ['lenovo', /allows no boot from UefiHttp|shows no HttpBootUri/],
  ])(
    'is refused for a machine behind %s, by validate too once its System was read',
    async (personality, why) => {
      await using rack = await RedfishRack.up({ personality });
      await using driver = new RedfishDriver();
      const boot = build(driver, 'redfish-https');
      const context = redfishBench(rack).context();
      await boot.validate(context); // validate asks no BMC
      expect(rack.bmc.events.filter(({ kind }) => kind === 'request')).toEqual([]);
      await expect(boot.prepareRamdisk(context, {})).rejects.toMatchObject({
        code: 'unsupported',
        message: expect.stringMatching(why),
      });
      expect(published.publications).toEqual([]);
      await expect(boot.validate(context)).rejects.toThrow(why);
      expect(rack.bmc.events.filter(({ kind }) => kind === 'boot')).toEqual([]);
    },
  );

  it('is no start without its URL: a BMC that refuses or forgets it fails the start', async () => {
    await using rack = await RedfishRack.up();
    await using driver = new RedfishDriver();
    const context = redfishBench(rack).context();
    const set = () => driver.management.setBootDevice(context, 'uefihttp', false, 'http://127.0.0.1/a.iso');
    rack.bmc.setFaults({ kind: 'forgets-uri' });
    await expect(set()).rejects.toMatchObject({ code: 'bmc-failed' });
    rack.bmc.setFaults({ kind: 'refuses-uri' });
    await expect(set()).rejects.toThrow(/HttpBootUri/);
    rack.bmc.setFaults();
    await set();
    expect(await shownUri(rack)).toBe('http://127.0.0.1/a.iso');
  });

  it('is behind its URL at each start where the BMC keeps a boot device for one start alone', async () => {
    await using rack = await RedfishRack.up({ quirks: { onceOnly: true } });
    await using driver = new RedfishDriver();
    const bench = redfishBench(rack);
    await driver.management.setBootDevice(bench.context(), 'uefihttp', true, 'http://127.0.0.1/a.iso');
    for (let start = 0; start < 3; start++) {
      await driver.power.setPowerState(bench.context(), 'power on', 10_000);
      await driver.power.setPowerState(bench.context(), 'power off', 10_000);
    }
    expect(rack.machine.starts.map((start) => start?.uri)).toEqual(Array(3).fill('http://127.0.0.1/a.iso'));
  });
});

const shownUri = async (rack: RedfishRack) =>
  (await rack.ask('GET', rack.bmc.systemPath)).body.Boot.HttpBootUri as string | null;
