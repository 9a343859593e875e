import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pxeSection } from '../../../../src/config/section/pxe.js';
import { InvalidError } from '../../../../src/domain/errors.js';
import type { JsonObject } from '../../../../src/domain/json.js';
import { type Flavour, ipxeFlavour, PXE_FLAVOUR, pxeByHttp } from '../../../../src/driver/pxe/flavour.js';
import { NetworkBoot, type NetworkBootParts } from '../../../../src/driver/pxe/network-boot.js';
import type { BootPlan } from '../../../../src/persistence/boot-plan/boot-plan.repository.js';
import { DriverBench, NODE_UUID } from '../../../support/driver-context.js';
import { onDisk, PublishedInMemory } from '../../../support/published.js';

const MAC = '52:54:00:AA:BB:CC';
const IPXE = ipxeFlavour(() => 'http://10.77.0.1:8080', 0);
let root: string;
let plans: Map<string, BootPlan>;
let published: PublishedInMemory;
let properties: Record<string, { kernel_id?: string; ramdisk_id?: string; boot_iso_id?: string }>;
let fetched: { ref: string; target: string }[];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'boot-root-'));
  plans = new Map();
  published = new PublishedInMemory();
  fetched = [];
  properties = {};
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const build = (
  flavour: Flavour = IPXE,
  settings = {},
  alsoUefi: Flavour[] = [],
  name: NetworkBootParts['name'] = flavour.name,
) =>
  new NetworkBoot({
    name,
    flavour,
    alsoUefi,
    root,
    plans: {
      put: async (plan) => void plans.set(plan.node_uuid, plan),
      remove: async (uuid) => void plans.delete(uuid),
    },
    published,
    host: 'conductor-1',
    images: {
      validateReference: (ref, field) => {
        if (!/^(https?|file):|^[0-9a-f-]{36}$/.test(String(ref)))
          throw new InvalidError(`${field} is no image`);
      },
      resolve: async (ref) => properties[ref] ?? {},
      fetchTo: async (ref, target, options) => {
        expect(options.opaque).toBe(true);
        fetched.push({ ref, target });
        await mkdir(dirname(target), { recursive: true });
        writeFileSync(target, ref);
      },
    },
    settings: pxeSection.parse(settings),
    defaultBootMode: 'uefi',
    defaults: {
      deploy_kernel: null,
      deploy_ramdisk: 'http://images/default.ramdisk',
      rescue_kernel: null,
      rescue_ramdisk: null,
    },
  });

const bench = (driver_info: JsonObject = {}, fields = {}) => {
  const made = new DriverBench({
    driver_info: { deploy_kernel: 'http://images/kernel', ...driver_info },
    ...fields,
  });
  made.ports = [
    { uuid: 'p1', address: MAC, pxe_enabled: true, extra: {} },
    { uuid: 'p2', address: '52:54:00:00:00:02', pxe_enabled: false, extra: {} },
  ];
  return made;
};
const files = (directory = root, prefix = ''): string[] =>
  readdirSync(directory, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory()
      ? files(join(directory, entry.name), `${prefix}${entry.name}/`)
      : [`${prefix}${entry.name}`],
  );

describe('NetworkBoot', () => {
  it('publishes kernel, ramdisk and one configuration for each port that boots, in the contract’s names', async () => {
    const node = bench();
    const target = await build().prepareRamdisk(node.context(), { 'ipa-api-url': 'http://10.77.0.1:6386' });
    expect(target).toEqual({ device: 'pxe', persistent: false, mode: 'uefi' });
    const config = `pxelinux.cfg/52-54-00-aa-bb-cc`;
    const names = [`${NODE_UUID}/deploy_kernel`, `${NODE_UUID}/deploy_ramdisk`, config];
    expect(files().toSorted()).toEqual([...names, `${NODE_UUID}/config`].toSorted());
    expect(plans.get(NODE_UUID)).toEqual({
      node_uuid: NODE_UUID,
      macs: ['52:54:00:aa:bb:cc'],
      kind: 'ipxe',
      boot_mode: 'uefi',
    });
    expect(published.publications).toEqual([
      {
        node_uuid: NODE_UUID,
        publisher: 'boot',
        life: 'node',
        conductor: 'conductor-1',
        files: names.map((name) => onDisk('http', name, join(root, name))),
      },
    ]);
    expect(readFileSync(join(root, config), 'utf8')).toContain(
      `kernel http://10.77.0.1:8080/${NODE_UUID}/deploy_kernel nofb vga=normal selinux=0 troubleshoot=0 text ipa-api-url=http://10.77.0.1:6386 initrd=deploy_ramdisk BOOTIF=`,
    );
    expect(fetched.map(({ ref }) => ref)).toEqual(['http://images/kernel', 'http://images/default.ramdisk']);
    expect(node.fences).toHaveLength(1);
  });

  it.each([
    ['bios', ['pxelinux.cfg/01-52-54-00-aa-bb-cc'], 'ipappend 2'],
    [
      'uefi',
      ['grub.cfg-01-52-54-00-aa-bb-cc', 'grub/grub.cfg-01-52-54-00-aa-bb-cc', '52:54:00:aa:bb:cc.conf'],
      'menuentry "deploy"',
    ],
  ])('pxe serves %s by TFTP', async (mode, names, text) => {
    const node = bench({}, { properties: { capabilities: `boot_mode:${mode}` } });
    await build(PXE_FLAVOUR).prepareRamdisk(node.context(), {});
    const plan = plans.get(NODE_UUID);
    expect(plan).toMatchObject({ kind: 'pxe', boot_mode: mode });
    const served = published.files(NODE_UUID, 'boot');
    expect(served.map((file) => file.service)).not.toContain('http');
    for (const name of names) {
      expect(served.map((file) => file.name)).toContain(name);
      expect(readFileSync(join(root, name), 'utf8')).toContain(text);
    }
  });

  it('pxe serves UEFI machines by HTTP as well: an iPXE’s script and a GRUB’s configuration', async () => {
    const boot = build(PXE_FLAVOUR, {}, pxeByHttp(IPXE));
    const node = bench({}, { properties: { capabilities: 'boot_mode:uefi' } });
    await boot.prepareRamdisk(node.context(), { 'ipa-api-url': 'http://10.77.0.1:6386' });
    const served = published.files(NODE_UUID, 'boot');
    const text = (name: string) => {
      const { content } = served.find((row) => row.service === 'http' && row.name === name)!;
      return readFileSync(content.kind === 'file' ? content.path : '', 'utf8');
    };
    expect(text('pxelinux.cfg/52-54-00-aa-bb-cc')).toContain(
      `kernel http://10.77.0.1:8080/${NODE_UUID}/deploy_kernel `,
    );
    for (const name of ['52:54:00:aa:bb:cc.conf', 'grub/grub.cfg-01-52-54-00-aa-bb-cc']) {
      expect(text(name)).toContain(`linux ($root)/${NODE_UUID}/deploy_kernel `);
      expect(text(name)).toContain('ipa-api-url=http://10.77.0.1:6386');
    }
    expect(text(`${NODE_UUID}/deploy_ramdisk`)).toBe('http://images/default.ramdisk');
    expect(readFileSync(join(root, '52:54:00:aa:bb:cc.conf'), 'utf8')).toContain('linux (tftp,');
    await boot.cleanUpRamdisk(node.context());
    expect(files()).toEqual([]);
    const bios = bench({}, { properties: { capabilities: 'boot_mode:bios' } });
    await boot.prepareRamdisk(bios.context(), {});
    expect(published.files(NODE_UUID, 'boot').map((file) => file.service)).not.toContain('http');
  });

  const INSTANCE = {
    instance_info: { capabilities: { boot_option: 'netboot' } },
    driver_internal_info: {
      is_whole_disk_image: false,
      root_uuid_or_disk_id: '5f0e1d2c-3b4a-4596-8778-69a0b1c2d3e4',
      instance_boot: { kernel: 'http://images/my-image.vmlinuz', ramdisk: 'http://images/my-image.initrd' },
    },
  };

  it.each([
    [IPXE, 'pxelinux.cfg/52-54-00-aa-bb-cc', `kernel http://10.77.0.1:8080/${NODE_UUID}/kernel `],
    [PXE_FLAVOUR, 'grub.cfg-01-52-54-00-aa-bb-cc', `/${NODE_UUID}/kernel `],
  ])('publishes an instance’s own kernel and ramdisk, and does so anew', async (flavour, name, line) => {
    const node = bench({}, INSTANCE);
    const boot = build(flavour);
    for (const _turn of ['deployment', 'take-over']) {
      const target = await boot.prepareInstance(node.context());
      expect(target).toEqual({ device: 'pxe', persistent: true, mode: 'uefi' });
      const config = readFileSync(join(root, name), 'utf8');
      expect(config).toContain(`${line}root=UUID=5f0e1d2c-3b4a-4596-8778-69a0b1c2d3e4 ro nofb vga=normal`);
      expect(config).not.toContain('ipa-api-url');
      expect(published.files(NODE_UUID, 'boot').map((file) => file.name)).toEqual(
        expect.arrayContaining([`${NODE_UUID}/kernel`, `${NODE_UUID}/ramdisk`, name]),
      );
      // What a take-over finds may be an empty folder.
      rmSync(root, { recursive: true });
    }
    await boot.prepareInstance(node.context());
    await boot.cleanUpInstance(node.context());
    expect(files()).toEqual([]);
    expect([plans.size, published.publications]).toEqual([0, []]);
  });

  it('starts an instance with its own parameters, and refuses those that are none', async () => {
    const own = (kernel_append_params: unknown) =>
      bench({}, { ...INSTANCE, instance_info: { ...INSTANCE.instance_info, kernel_append_params } });
    await build().prepareInstance(own('%default% console=ttyS0').context());
    expect(readFileSync(join(root, 'pxelinux.cfg/52-54-00-aa-bb-cc'), 'utf8')).toContain(
      'ro nofb vga=normal console=ttyS0 initrd=',
    );
    await expect(build().validate(own('a && sanboot http://x').context())).rejects.toThrow(
      'instance_info.kernel_append_params must not contain &',
    );
  });

  it.each([
    ['a whole-disk image', { is_whole_disk_image: true }],
    ['a partition image that starts from its disk', { is_whole_disk_image: false, local: true }],
  ])('publishes nothing for %s, which starts from its disk for good', async (_what, internal) => {
    const instance_info = 'local' in internal ? {} : INSTANCE.instance_info;
    const driver_internal_info = { ...INSTANCE.driver_internal_info, ...internal };
    const context = bench({}, { instance_info, driver_internal_info }).context();
    expect(await build().prepareInstance(context)).toMatchObject({ device: 'disk', persistent: true });
    expect([plans.size, published.publications]).toEqual([0, []]);
    expect(fetched).toEqual([]);
  });

  it('names what it misses of an instance that was never written', async () => {
    const driver_internal_info = { is_whole_disk_image: false };
    await expect(
      build().prepareInstance(bench({}, { ...INSTANCE, driver_internal_info }).context()),
    ).rejects.toThrow('cannot start its instance from the network');
  });

  it('withdraws all of it, twice without harm', async () => {
    const node = bench();
    const boot = build();
    await boot.prepareRamdisk(node.context(), {});
    await boot.cleanUpRamdisk(node.context());
    await boot.cleanUpInstance(node.context());
    expect(files()).toEqual([]);
    expect(existsSync(join(root, NODE_UUID))).toBe(false);
    expect([plans.size, published.publications]).toEqual([0, []]);
  });

  it('also withdraws what a port had that is gone now', async () => {
    const node = bench();
    const boot = build();
    await boot.prepareRamdisk(node.context(), {});
    node.ports = [];
    await boot.cleanUpRamdisk(node.context());
    expect(files()).toEqual([]);
  });

  it('leaves nothing for an instance, or a hand-over to its disk when a site wants that', async () => {
    const node = bench({}, { instance_info: { capabilities: '{"boot_mode": "bios"}' } });
    await build().prepareInstance(node.context());
    expect(files()).toEqual([]);
    await build(IPXE, { enable_netboot_fallback: true }).prepareInstance(node.context());
    expect(readFileSync(join(root, 'pxelinux.cfg/52-54-00-aa-bb-cc'), 'utf8')).toBe(
      '#!ipxe\n\nsanboot --no-describe --drive 0x80 || exit 0\n',
    );
  });

  it('replaces or keeps the configured kernel parameters, its own stay last and so stronger', async () => {
    const config = async (kernel_append_params: string) => {
      await build(IPXE, { kernel_append_params: 'console=ttyS0' }).prepareRamdisk(
        bench({ kernel_append_params }).context(),
        { 'ipa-api-url': 'http://10.77.0.1:6386' },
      );
      return readFileSync(join(root, NODE_UUID, 'config'), 'utf8');
    };
    expect(await config('a=1')).toMatch(
      /deploy_kernel a=1 selinux=0 .* ipa-api-url=http:\/\/10.77.0.1:6386 initrd/,
    );
    expect(await config('%default% ipa-api-url=http://evil')).toMatch(
      /deploy_kernel console=ttyS0 ipa-api-url=http:\/\/evil selinux=0 .* ipa-api-url=http:\/\/10.77.0.1:6386 initrd/,
    );
  });

  it('names every fault of the node at once', async () => {
    const node = bench(
      { deploy_kernel: 'bogus', kernel_append_params: 'a && reboot', pxe_template: '/etc/shadow' },
      { properties: { capabilities: 'boot_mode:coreboot' } },
    );
    node.ports = [];
    const error: unknown = await build()
      .validate(node.context())
      .catch((e: unknown) => e);
    expect(error).toBeInstanceOf(InvalidError);
    for (const text of [
      `Node ${NODE_UUID} does not have any port`,
      'driver_info.deploy_kernel is no image',
      'driver_info.kernel_append_params must not contain &',
      'boot_mode must be bios or uefi, not "coreboot"',
      'driver_info.pxe_template is not supported',
    ]) {
      expect((error as Error).message).toContain(text);
    }
    await expect(build().validate(bench({ deploy_kernel: '' }).context())).rejects.toThrow(
      "Missing are: ['deploy_kernel']",
    );
    await expect(build().prepareRamdisk(bench().context(), { 'a\nb': 'c' })).rejects.toBeInstanceOf(
      InvalidError,
    );
    expect(files()).toEqual([]);
  });

  it('does not take instance_info’s word for the ramdisk’s command line', async () => {
    await build().prepareRamdisk(
      bench({}, { instance_info: { kernel_append_params: 'rdinit=/bin/sh' } }).context(),
      {},
    );
    expect(readFileSync(join(root, NODE_UUID, 'config'), 'utf8')).not.toContain('rdinit');
  });
});

describe('an instance that lives in memory', () => {
  const PARTS = { kernel: 'http://images/live.vmlinuz', ramdisk: 'http://images/live.initrd' };
  const ISO = { boot_iso: 'http://images/live.iso' };
  const GLANCE = '0b1c2d3e-3b4a-4596-8778-69a0b1c2d3e4';
  const deployed = (parts: JsonObject, info: JsonObject = {}) =>
    bench(
      {},
      { instance_info: info, driver_internal_info: { instance_boot: { ...parts, in_memory: true } } },
    );

  it.each([
    [IPXE, 'pxelinux.cfg/52-54-00-aa-bb-cc', 'initrd=deploy_ramdisk'],
    [PXE_FLAVOUR, 'grub.cfg-01-52-54-00-aa-bb-cc', 'initrd (tftp'],
  ])('is a kernel and a ramdisk, with the instance’s own parameters', async (flavour, name, more) => {
    const node = deployed(PARTS, { ramdisk_kernel_arguments: 'live=1 quiet' });
    await build(flavour).prepareInstance(node.context());
    const config = readFileSync(join(root, name), 'utf8');
    expect(config).toContain(`${NODE_UUID}/kernel root=/dev/ram0 text nofb vga=normal live=1 quiet`);
    expect(config).toContain(more);
    expect(config).not.toContain('ipa-api-url');
    expect(fetched.map(({ ref }) => ref)).toEqual(Object.values(PARTS));
  });

  it('is an ISO that iPXE makes a drive of', async () => {
    await build().prepareInstance(deployed(ISO).context());
    const config = readFileSync(join(root, 'pxelinux.cfg/52-54-00-aa-bb-cc'), 'utf8');
    expect(config).toContain(`\nsanboot http://10.77.0.1:8080/${NODE_UUID}/boot_iso || goto retry\n`);
    expect(published.files(NODE_UUID, 'boot').map((file) => file.name)).toContain(`${NODE_UUID}/boot_iso`);
    await build().cleanUpInstance(deployed(ISO).context());
    expect(files()).toEqual([]);
  });

  it.each<[JsonObject, Flavour, string | null]>([
    [ISO, IPXE, null],
    [PARTS, PXE_FLAVOUR, null],
    [{ image_source: GLANCE }, PXE_FLAVOUR, null],
    [ISO, PXE_FLAVOUR, 'boot interface pxe cannot start an ISO'],
    [{ ...ISO, image_source: 'http://x/y' }, IPXE, "An 'image_source' and 'boot_iso' parameter may not be"],
    [{ kernel: PARTS.kernel }, IPXE, "Missing are: ['instance_info.ramdisk']"],
    [{}, IPXE, "Missing are: ['instance_info.kernel', 'instance_info.ramdisk']"],
    [
      { image_source: 'http://x/y' },
      IPXE,
      'Image http://x/y is missing the following properties: kernel, ramdisk',
    ],
    [{ boot_iso: 'gopher://x' }, IPXE, 'instance_info.boot_iso is no image'],
    [{ boot_iso: ['x'] }, IPXE, 'instance_info.boot_iso is no image'],
    [{ ...PARTS, ramdisk_kernel_arguments: 'a;b' }, IPXE, 'ramdisk_kernel_arguments must not contain ;'],
    [{ ...PARTS, ramdisk_kernel_arguments: 7 }, IPXE, 'ramdisk_kernel_arguments must be a text'],
  ])('is judged before anything begins: %j', async (instance_info, flavour, fault) => {
    const judged = build(flavour).inMemory.validate(bench({}, { instance_info }).context());
    if (fault === null) await expect(judged).resolves.toBeUndefined();
    else await expect(judged).rejects.toThrow(fault);
  });

  it('is what the Image service’s own image says', async () => {
    const boot = build();
    const node = bench({}, { instance_info: { image_source: GLANCE } }).context();
    await expect(boot.inMemory.parts(node)).rejects.toThrow(
      'missing the following properties: kernel_id, ramdisk_id',
    );
    properties[GLANCE] = { kernel_id: 'k', ramdisk_id: 'r' };
    expect(await boot.inMemory.parts(node)).toEqual({ kernel: 'k', ramdisk: 'r' });
    properties[GLANCE] = { boot_iso_id: 'i' };
    expect(await boot.inMemory.parts(node)).toEqual({ boot_iso: 'i' });
  });
});

describe('UEFI HTTP boot by DHCP', () => {
  it.each([
    ['http-ipxe', IPXE, []],
    ['http', PXE_FLAVOUR, pxeByHttp(IPXE)],
  ] as const)(
    'is what the firmware is set to by %s; what is served is the same',
    async (name, flavour, also) => {
      const boot = build(flavour, {}, [...also], name);
      const node = bench();
      const target = { device: 'uefihttp', persistent: false, mode: 'uefi' };
      expect(await boot.prepareRamdisk(node.context(), {})).toEqual(target);
      expect(plans.get(NODE_UUID)).toMatchObject({ kind: flavour.name, boot_mode: 'uefi' });
      expect(published.files(NODE_UUID, 'boot').some(({ service }) => service === 'http')).toBe(true);
      expect(await boot.prepareInstance(node.context())).toMatchObject({ device: 'disk' });
      const bios = bench({}, { properties: { capabilities: 'boot_mode:bios' } });
      await expect(boot.validate(bios.context())).rejects.toThrow(
        `boot interface ${name} boots by UEFI HTTP boot, and no machine of mode bios`,
      );
    },
  );
});
