import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InvalidError } from '../../../../src/domain/errors.js';
import { PXE_FLAVOUR, pxeByHttp } from '../../../../src/driver/pxe/flavour.js';
import { NODE_UUID } from '../../../support/driver-context.js';
import {
  bench,
  build,
  fetched,
  files,
  folderOf,
  IPXE,
  plans,
  published,
  root,
  servedFolder,
  servedNames,
  useBootFiles,
} from '../../../support/netboot/boot-files.js';

useBootFiles();

import { onDisk } from '../../../support/published.js';

describe('NetworkBoot', () => {
  it('publishes kernel, ramdisk and one configuration for each port that boots, in the contract’s names', async () => {
    const node = bench();
    const target = await build().prepareRamdisk(node.context(), { 'ipa-api-url': 'http://10.77.0.1:6386' });
    expect(target).toEqual({ device: 'pxe', persistent: false, mode: 'uefi' });
    const config = `pxelinux.cfg/52-54-00-aa-bb-cc`;
    const folder = servedFolder();
    const names = [`${folder}/deploy_kernel`, `${folder}/deploy_ramdisk`, config];
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
      `kernel http://10.77.0.1:8080/${folder}/deploy_kernel nofb vga=normal selinux=0 troubleshoot=0 text ipa-api-url=http://10.77.0.1:6386 initrd=deploy_ramdisk BOOTIF=`,
    );
    expect(fetched.map(({ ref }) => ref)).toEqual(['http://images/kernel', 'http://images/default.ramdisk']);
    expect(node.fences).toHaveLength(1);
  });

  it('names kernel and ramdisk anew at each boot, and nothing remains under the last boot’s names', async () => {
    const node = bench();
    const boot = build(PXE_FLAVOUR, {}, pxeByHttp(IPXE));
    await boot.prepareRamdisk(node.context(), {});
    const first = servedFolder();
    await boot.prepareRamdisk(node.context(), {});
    const second = servedFolder();
    expect(second).not.toBe(first);
    expect([...servedNames(), ...files()].filter((name) => name.startsWith(first))).toEqual([]);
    expect(servedNames().filter((name) => name.startsWith(second))).toHaveLength(4);
    // The scripts' own names follow from the MAC address; they are all that names the rest.
    const scripts = published.files(NODE_UUID, 'boot').filter(({ name }) => !name.startsWith(second));
    expect(scripts.map(({ name }) => name).filter((name) => !/52[:-]54[:-]00/.test(name))).toEqual([]);
    for (const { content } of scripts) {
      const script = readFileSync(content.kind === 'file' ? content.path : '', 'utf8');
      expect(`${NODE_UUID}/${folderOf(script)}`).toBe(second);
    }
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
    const folder = servedFolder();
    const text = (name: string) => {
      const { content } = served.find((row) => row.service === 'http' && row.name === name)!;
      return readFileSync(content.kind === 'file' ? content.path : '', 'utf8');
    };
    expect(text('pxelinux.cfg/52-54-00-aa-bb-cc')).toContain(
      `kernel http://10.77.0.1:8080/${folder}/deploy_kernel `,
    );
    for (const name of ['52:54:00:aa:bb:cc.conf', 'grub/grub.cfg-01-52-54-00-aa-bb-cc']) {
      expect(text(name)).toContain(`linux ($root)/${folder}/deploy_kernel `);
      expect(text(name)).toContain('ipa-api-url=http://10.77.0.1:6386');
    }
    expect(text(`${folder}/deploy_ramdisk`)).toBe('http://images/default.ramdisk');
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
    [IPXE, 'pxelinux.cfg/52-54-00-aa-bb-cc', 'kernel http://10.77.0.1:8080/FOLDER/kernel '],
    [PXE_FLAVOUR, 'grub.cfg-01-52-54-00-aa-bb-cc', '/FOLDER/kernel '],
  ])('publishes an instance’s own kernel and ramdisk, and does so anew', async (flavour, name, line) => {
    const node = bench({}, INSTANCE);
    const boot = build(flavour);
    for (const _turn of ['deployment', 'take-over']) {
      const target = await boot.prepareInstance(node.context());
      expect(target).toEqual({ device: 'pxe', persistent: true, mode: 'uefi' });
      const config = readFileSync(join(root, name), 'utf8');
      expect(config).toContain(
        `${line.replace('FOLDER', servedFolder())}root=UUID=5f0e1d2c-3b4a-4596-8778-69a0b1c2d3e4 ro nofb vga=normal`,
      );
      expect(config).not.toContain('ipa-api-url');
      expect(published.files(NODE_UUID, 'boot').map((file) => file.name)).toEqual(
        expect.arrayContaining([`${servedFolder()}/kernel`, `${servedFolder()}/ramdisk`, name]),
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
