import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { tableOf } from '../support/e2e/disk-table.js';
import { uploadGuideImages } from '../support/e2e/image-upload.js';
import { builtPartition, deployedHello, ROOT_WORD } from '../support/e2e/partition.js';
import { aMachine, availableNode, builtParts, GIB, raiseRack } from '../support/e2e/rack.js';

/**
 * The guide of Ironic's documentation on images, from `openstack image create` to running systems: two machines at once,
 * everything by UUIDs of the Image service inside.
 */
describe('images of the Image service inside', () => {
  const times: string[] = [];
  afterEach(() => {
    for (const line of times.splice(0)) console.log(line);
  });

  it('deploy a partition image by BIOS and by UEFI, and a whole-disk image by UEFI', async () => {
    const { image, ramdisk } = await builtParts({ system: 'tiny', format: 'qcow2' });
    const parts = await builtPartition('qcow2');
    const machines = [
      aMachine('bios', { disks: [{ bus: 'virtio', size: 6 * GIB }] }),
      aMachine('uefi', { name: 'node2' }),
    ];
    const config = { conductor: { automated_clean: false } };
    await using raised = await raiseRack({ machines, ramdisk, config });
    const { rack } = raised;
    const { api } = rack;
    const [bios, uefi] = [rack.lab.machine('node1'), rack.lab.machine('node2')];
    const clock = stopwatch((line) => times.push(line));
    const ids = await uploadGuideImages(rack, parts, image, ramdisk);
    clock('uploaded');

    const [one, two] = await Promise.all([
      availableNode(rack, bios, 'bios'),
      availableNode(rack, uefi, 'uefi'),
    ]);
    for (const node of [one, two]) {
      await api.patch(node, {
        '/driver_info/deploy_kernel': ids.deployKernel,
        '/driver_info/deploy_ramdisk': ids.deployRamdisk,
      });
    }
    const partition = {
      '/instance_info/image_source': ids.partition,
      '/instance_info/root_gb': 1,
    };
    // As Nova writes it, with kernel and ramdisk; and, on the other machine, by what the image itself says.
    await api.patch(one, {
      ...partition,
      '/instance_info/kernel': ids.kernel,
      '/instance_info/ramdisk': ids.ramdisk,
      '/instance_info/swap_mb': 64,
      '/instance_info/ephemeral_gb': 1,
    });
    await api.patch(two, { '/instance_info/image_source': ids.wholeDisk });
    await api.provision(one, 'active', { configdrive: { meta_data: { name: 'tenant' } } });
    await api.provision(two, 'active');

    const byBios = deployedHello(rack, bios, one).then((words) => {
      clock('partition image by BIOS');
      return words;
    });
    const byUefi = async () => {
      const whole = await deployedHello(rack, uefi, two, image.hello);
      clock('whole-disk image by UEFI');
      expect(whole).not.toContain('ipa-api-url');
      // As Ironic does, the deployment has noted the kind of the first image.
      await api.patch(two, { ...partition, '/instance_info/image_type': 'partition' });
      await api.provision(two, 'rebuild');
      const words = await deployedHello(rack, uefi, two);
      clock('partition image by UEFI');
      return words;
    };
    const hellos = await Promise.all([byBios, byUefi()]);

    // GRUB names the file that it started, and nobody else would.
    for (const words of hellos)
      expect(words).toContain(`cmdline=BOOT_IMAGE=/boot/vmlinuz-tiny ${ROOT_WORD} ro`);
    expect(hellos[0]).toContain('labels=config-2,ephemeral0,img-rootfs,swap1,');
    expect(hellos[1]).toMatch(/labels=EFI-PART,img-rootfs,/i);
    const table = tableOf(bios.machine.diskPaths[0]!);
    expect(table.label).toBe('dos');
    expect(table.partitions.map(({ size }) => size / 2048)).toEqual([1024, 64, 1, 1024]);
    expect(table.partitions[3]).toMatchObject({ bootable: true });
    expect(tableOf(uefi.machine.diskPaths[0]!)).toMatchObject({
      label: 'gpt',
      partitions: [
        { name: 'efi-part', size: 550 * 2048 },
        { name: 'root', size: 1024 * 2048 },
      ],
    });
    // The firmware has an entry for the disk: it does not depend on the loader's path alone.
    expect(readFileSync(uefi.machine.varsPath).includes(Buffer.from('ferric1', 'utf16le'))).toBe(true);
    // Nothing came from elsewhere.
    expect(rack.images.requests).toEqual([]);
  });
});

function stopwatch(note: (line: string) => void): (what: string) => void {
  const started = performance.now();
  return (what) => note(`${what}: ${((performance.now() - started) / 1000).toFixed(1)} s`);
}
