import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bootMediaSection } from '../../../../src/config/section/boot-media.js';
import { FerricError, InvalidError } from '../../../../src/domain/errors.js';
import type { JsonObject } from '../../../../src/domain/json.js';
import { BootMedia } from '../../../../src/driver/redfish/boot-media.js';
import { DiscBoot, type DiscDelivery } from '../../../../src/driver/redfish/disc-boot.js';
import { BootLoaderFiles } from '../../../../src/driver/redfish/loader-files.js';
import type { Publication, Segment } from '../../../../src/persistence/published-file/publication.js';
import { readIso9660 } from '../../../../src/protocol/iso/read.js';
import { DriverBench, NODE_UUID } from '../../../support/driver-context.js';
import { PublishedInMemory } from '../../../support/published.js';

const MAC = '52:54:00:AA:BB:CC';
let root: string;
let published: PublishedInMemory;
/** What was done, in its order. */
let acts: string[];
let refusal: Error | undefined;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'media-root-'));
  published = new PublishedInMemory();
  acts = [];
  refusal = undefined;
  for (const name of ['shim', 'grub', 'isolinux', 'ldlinux'])
    writeFileSync(join(root, name), name.repeat(700));
  writeFileSync(join(root, 'mbr'), Buffer.alloc(432, 1));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const loaders = (settings: object = {}) =>
  new BootLoaderFiles(
    bootMediaSection.parse({
      efi_first: join(root, 'shim'),
      efi_grub: join(root, 'grub'),
      efi_mok_manager: null,
      isolinux: join(root, 'isolinux'),
      ldlinux: join(root, 'ldlinux'),
      isohybrid_mbr: join(root, 'mbr'),
      ...settings,
    }),
    root,
  );

/** As virtual media. */
const DRIVES: DiscDelivery = {
  isDrive: true,
  modes: ['uefi', 'bios'],
  validate: () => undefined,
  check: async () => undefined,
  readers: async () => ({ machine: false, addresses: ['192.0.2.7'] }),
  deliver: async (_context, url) => {
    acts.push(`insert ${url.replace(/[0-9a-f]{40}/, 'SECRET')}`);
    if (refusal) throw refusal;
    return { device: 'cdrom' };
  },
  withdraw: async () => {
    acts.push(`eject, ${published.files(NODE_UUID, 'boot').length} published`);
    if (refusal) throw refusal;
  },
  unread: (server) => `nothing of it was read from ${server}`,
};
/** As UEFI HTTP boot. */
const BY_URL: DiscDelivery = {
  ...DRIVES,
  isDrive: false,
  modes: ['uefi'],
  check: async () => {
    acts.push('check');
    if (refusal) throw refusal;
  },
  readers: async () => ({ machine: true, addresses: [] }),
  deliver: async (_context, uri) => ({ device: 'uefihttp', uri }),
};

const build = (settings: object = {}, delivery = DRIVES) =>
  new DiscBoot({
    name: delivery.isDrive ? 'redfish-virtual-media' : 'redfish-https',
    delivery,
    media: new BootMedia(loaders(settings)),
    images: {
      validateReference: (ref, field) => {
        if (!/^https?:/.test(String(ref))) throw new InvalidError(`${field} is no image`);
      },
      resolve: async () => ({}),
      fetchTo: async (ref, target) => {
        await mkdir(dirname(target), { recursive: true });
        writeFileSync(target, ref);
      },
    },
    unreadTimeout: 900_000,
    published: {
      fetchedOf: (...of) => published.fetchedOf(...of),
      publish: async (publication) => {
        acts.push('publish');
        await published.publish(publication);
      },
      withdraw: async (...of) => {
        acts.push('withdraw');
        await published.withdraw(...of);
      },
      of: published.of,
    },
    host: 'conductor-1',
    root,
    url: () => 'http://198.51.100.1:8080/',
    appended: 'nofb vga=normal',
    defaultBootMode: 'uefi',
    defaults: {
      deploy_kernel: null,
      deploy_ramdisk: 'http://i/default',
      rescue_kernel: null,
      rescue_ramdisk: null,
    },
  });

const bench = (driver_info: JsonObject = {}, fields = {}) => {
  const made = new DriverBench({
    driver_info: { deploy_kernel: 'http://i/kernel', ...driver_info },
    ...fields,
  });
  made.ports = [{ uuid: 'p1', address: MAC, pxe_enabled: true, extra: {} }];
  return made;
};
const prepare = (node = bench(), boot = build()) =>
  boot.prepareRamdisk(node.context(), { 'ipa-api-url': 'http://198.51.100.1:6386' });

/** As the server puts it together. */
function assembled(segments: readonly Segment[]): Buffer {
  return Buffer.concat(
    segments.map((segment) => {
      if ('zeros' in segment) return Buffer.alloc(segment.zeros);
      if ('bytes' in segment) return Buffer.from(segment.bytes, 'base64');
      return readFileSync(segment.path).subarray(segment.start, segment.start + segment.length);
    }),
  );
}

function publication(): Publication {
  expect(published.publications).toHaveLength(1);
  return published.publications[0]!;
}

function disc(): { files: Map<string, string>; bytes: Buffer } {
  const [file] = publication().files;
  if (file?.content.kind !== 'generated') throw new Error('no disc was made');
  const bytes = assembled(file.content.segments);
  const text = (content: Uint8Array) => Buffer.from(content).toString('latin1');
  return { bytes, files: new Map([...readIso9660(bytes)].map(([path, content]) => [path, text(content)])) };
}

const everyFile = (): string[] =>
  readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'));

describe('a ramdisk by virtual media', () => {
  it('is published for its BMC alone, under a plain name that nobody guesses, before the BMC is told', async () => {
    const target = await prepare();
    expect(target).toEqual({
      device: 'cdrom',
      persistent: false,
      mode: 'uefi',
      agentToken: expect.any(String),
    });
    expect(acts).toEqual(['publish', 'insert http://198.51.100.1:8080/SECRET.iso']);
    expect(publication()).toMatchObject({
      life: 'operation',
      readers: { machine: false, addresses: ['192.0.2.7'] },
      files: [{ service: 'http', name: expect.stringMatching(/^[0-9a-f]{40}\.iso$/) }],
    });
  });

  it('has kernel, ramdisk, its boot loaders for both modes, and what the agent is told', async () => {
    const { agentToken } = await prepare();
    const { files } = disc();
    expect(files.get('vmlinuz')).toBe('http://i/kernel');
    expect(files.get('initrd')).toBe('http://i/default');
    const line = /linux \/vmlinuz (.*)/.exec(files.get('boot/grub/grub.cfg')!)![1]!;
    const id = /ir_pub_id=(\S+)/.exec(line)![1]!;
    expect(line.split(' ')).toEqual([
      ...['nofb', 'vga=normal', 'selinux=0', 'troubleshoot=0', 'text', 'BOOTIF=52:54:00:aa:bb:cc'],
      ...['ipa-api-url=http://198.51.100.1:6386', `ipa-agent-token=${agentToken}`],
      ...['boot_method=vmedia', `ir_pub_id=${id}`],
    ]);
    expect(files.get('isolinux/isolinux.cfg')).toContain(line);
    expect(files.get('EFI/BOOT/grub.cfg')).toBe(files.get('boot/grub/grub.cfg'));
    expect(files.get('boot/grub/efiboot.img')).toContain(`search --no-floppy --set=root --file /.disk/${id}`);
    expect(files.get(`.disk/${id}`)).toBeDefined();
    expect(disc().bytes.toString('latin1', 0x813e, 0x813e + 36)).toBe(id);
  });

  it('leaves no secret of a node on the disk', async () => {
    const { agentToken } = await prepare(bench({}, { network_data: { services: ['canary'] } }));
    expect(disc().bytes.includes(agentToken!)).toBe(true);
    for (const content of everyFile()) {
      expect(content.includes(agentToken!)).toBe(false);
      expect(content.includes('canary')).toBe(false);
    }
  });

  it('is a config drive with static addresses where the node has them', async () => {
    const network_data = { links: [{ id: 'eth0' }] };
    await prepare(bench({}, { network_data }));
    const { files, bytes } = disc();
    expect(JSON.parse(files.get('openstack/latest/network_data.json')!)).toEqual(network_data);
    expect(bytes.toString('latin1', 0x8028, 0x8048).trimEnd()).toBe('config-2');
    await prepare();
    expect(disc().bytes.toString('latin1', 0x8028, 0x8048).trimEnd()).toBe('VMEDIA_BOOT_ISO');
  });

  it('is of two discs with two tokens, with one set of boot loaders', async () => {
    const first = await prepare();
    const second = await prepare();
    expect(first.agentToken).not.toBe(second.agentToken);
    expect(
      readdirSync(join(root, 'boot-media'))
        .map((name) => name.slice(33))
        .toSorted(),
    ).toEqual(['efiboot.img', 'isolinux.bin', 'ldlinux.c32']);
  });

  it('is an ISO of the operator’s own, as it is', async () => {
    const target = await prepare(bench({ deploy_kernel: null, deploy_iso: 'http://i/own.iso' }));
    expect(target).toEqual({ device: 'cdrom', persistent: false, mode: 'uefi' });
    const [file] = publication().files;
    expect(file?.content).toEqual({ kind: 'file', path: join(root, NODE_UUID, 'media/disc.iso') });
  });

  it('has an EFI volume of the operator’s own in place of the configured boot loaders', async () => {
    await prepare(bench({ bootloader: 'http://i/esp' }), build({ isolinux: null, efi_first: '/nowhere' }));
    expect(disc().files.get('boot/grub/efiboot.img')).toBe('http://i/esp');
  });

  it('starts in its own mode alone where the other one’s boot loaders are not installed', async () => {
    await prepare(bench(), build({ isolinux: '/nowhere' }));
    expect(disc().files.has('isolinux/isolinux.bin')).toBe(false);
    const bios = bench({}, { properties: { capabilities: 'boot_mode:bios' } });
    await expect(prepare(bios, build({ isolinux: '/nowhere' }))).rejects.toThrow(/boot mode bios.*\/nowhere/);
  });

  it('is not started where the BMC does not take it', async () => {
    refusal = new FerricError('bmc-failed', 'No slot for virtual media took the image');
    await expect(prepare()).rejects.toThrow('No slot');
  });
});

describe('a ramdisk by UEFI HTTP boot', () => {
  const byUrl = (node = bench()) => prepare(node, build({}, BY_URL));

  it('is published for its machine, and is the target of its start', async () => {
    const target = await byUrl();
    expect(target).toEqual({
      device: 'uefihttp',
      uri: expect.stringMatching(/^http:\/\/198\.51\.100\.1:8080\/[0-9a-f]{40}\.iso$/),
      persistent: false,
      mode: 'uefi',
      agentToken: expect.any(String),
    });
    expect(acts).toEqual(['check', 'publish']);
    expect(publication()).toMatchObject({ life: 'operation', readers: { machine: true, addresses: [] } });
  });

  it('is laid out for no machine that cannot boot so', async () => {
    refusal = new FerricError('unsupported', 'its BMC shows no HttpBootUri');
    await expect(byUrl()).rejects.toThrow('shows no HttpBootUri');
    expect(acts).toEqual(['check']);
    refusal = undefined;
    const bios = bench({}, { properties: { capabilities: 'boot_mode:bios' } });
    await expect(byUrl(bios)).rejects.toThrow('redfish-https boots no machine of mode bios');
    expect(published.publications).toEqual([]);
  });

  it('has static addresses in a second archive: the running system does not see the disc', async () => {
    const network_data = { links: [{ id: 'eth0' }] };
    await byUrl(bench({}, { network_data }));
    const { files, bytes } = disc();
    const config = files.get('boot/grub/grub.cfg')!;
    expect(config).toContain('initrd /initrd /overlay.cpio');
    expect(files.get('isolinux/isolinux.cfg')).toContain('initrd=/initrd,/overlay.cpio ');
    expect(config).not.toMatch(/boot_method|ir_pub_id/);
    expect(files.has('openstack/latest/network_data.json')).toBe(false);
    expect(bytes.toString('latin1', 0x8028, 0x8048).trimEnd()).toBe('VMEDIA_BOOT_ISO');
    const into = join(root, 'unpacked');
    await mkdir(into);
    // GNU cpio is the other side: it reads what the kernel would.
    execFileSync('cpio', ['-idm', '--quiet'], {
      cwd: into,
      input: Buffer.from(files.get('overlay.cpio')!, 'latin1'),
    });
    const unpacked = readFileSync(join(into, 'openstack/latest/network_data.json'), 'utf8');
    expect(JSON.parse(unpacked)).toEqual(network_data);
    await byUrl();
    expect(disc().files.get('boot/grub/grub.cfg')).toMatch(/initrd \/initrd\n/);
  });
});

describe('what is withdrawn', () => {
  it('is ejected before it is gone, and its files with it', async () => {
    const [node, boot] = [bench(), build()];
    await prepare(node, boot);
    acts = [];
    await boot.cleanUpRamdisk(node.context());
    expect(acts).toEqual(['eject, 1 published', 'withdraw']);
    expect(readdirSync(join(root, NODE_UUID))).toEqual([]);
  });

  it('is not served any more, also where the BMC does not eject it', async () => {
    const [node, boot] = [bench(), build()];
    await prepare(node, boot);
    refusal = new FerricError('bmc-unreachable', 'no route');
    await expect(boot.cleanUpRamdisk(node.context())).rejects.toThrow('no route');
    expect(published.publications).toEqual([]);
  });

  it('makes way for the instance on its disk', async () => {
    const [node, boot] = [bench(), build()];
    await prepare(node, boot);
    expect(await boot.prepareInstance(node.context())).toEqual({
      device: 'disk',
      persistent: true,
      mode: 'uefi',
    });
    expect(published.publications).toEqual([]);
  });
});

describe('an instance in memory', () => {
  const internal = (parts: JsonObject) => ({
    driver_internal_info: { instance_boot: { in_memory: true, ...parts } },
  });

  it('is its ISO, for as long as it lives', async () => {
    const node = bench({}, internal({ boot_iso: 'http://i/live.iso' }));
    expect(await build().prepareInstance(node.context())).toMatchObject({
      device: 'cdrom',
      persistent: true,
    });
    expect(publication()).toMatchObject({ life: 'node', files: [{ content: { kind: 'file' } }] });
  });

  it('is a disc of its kernel and ramdisk, without a token', async () => {
    const node = bench({}, internal({ kernel: 'http://i/k', ramdisk: 'http://i/r' }));
    await build().prepareInstance(node.context());
    const config = disc().files.get('boot/grub/grub.cfg')!;
    expect(config).toContain('root=/dev/ram0');
    expect(config).not.toMatch(/token|vmedia/);
  });
});

describe('validate', () => {
  const faults = (driver_info: JsonObject) => build().validate(bench(driver_info).context());

  it.each<[string, JsonObject, RegExp]>([
    ['no kernel', { deploy_kernel: null }, /Missing are: \['deploy_kernel'\].*deploy_iso/],
    ['an ISO that is no image', { deploy_iso: 'nothing' }, /driver_info.deploy_iso is no image/],
    ['a volume that is no image', { bootloader: 'nothing' }, /driver_info.bootloader is no image/],
    ['a URL that is none', { external_http_url: 'ftp://x' }, /external_http_url must be/],
    ['a URL with a query', { external_http_url: 'http://x/?a' }, /external_http_url must be/],
    ['parameters that are commands', { kernel_append_params: 'a;b' }, /must not contain ;/],
  ])('refuses %s', async (_what, info, message) => {
    await expect(faults(info)).rejects.toThrow(message);
  });

  it('wants no port: nothing of it boots from the network', async () => {
    const node = bench();
    node.ports = [];
    await build().validate(node.context());
    await expect(build().validateRescue(node.context())).rejects.toThrow(/rescue_kernel.*rescue_iso/);
  });
});
