import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../../src/domain/json.js';
import { type Flavour, PXE_FLAVOUR } from '../../../../src/driver/pxe/flavour.js';
import { NODE_UUID } from '../../../support/driver-context.js';
import {
  bench,
  build,
  fetched,
  files,
  IPXE,
  properties,
  published,
  root,
  servedFolder,
  useBootFiles,
} from '../../../support/netboot/boot-files.js';

useBootFiles();

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
    expect(config).toContain(`${servedFolder()}/kernel root=/dev/ram0 text nofb vga=normal live=1 quiet`);
    expect(config).toContain(more);
    expect(config).not.toContain('ipa-api-url');
    expect(fetched.map(({ ref }) => ref)).toEqual(Object.values(PARTS));
  });

  it('is an ISO that iPXE makes a drive of', async () => {
    await build().prepareInstance(deployed(ISO).context());
    const config = readFileSync(join(root, 'pxelinux.cfg/52-54-00-aa-bb-cc'), 'utf8');
    expect(config).toContain(`\nsanboot http://10.77.0.1:8080/${servedFolder()}/boot_iso || goto retry\n`);
    expect(published.files(NODE_UUID, 'boot').map((file) => file.name)).toContain(
      `${servedFolder()}/boot_iso`,
    );
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
