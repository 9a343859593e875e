import { describe, expect, it } from 'vitest';
import type { Rack } from '../../demo/rack.js';
import type { LabMachine } from '../../lab/lab.js';
import { readBytes, tableOf, tagOf, writeBytes } from '../support/e2e/disk-table.js';
import { builtPartition, HELLO, partitionFields, ROOT_WORD } from '../support/e2e/partition.js';
import { aMachine, builtParts, GIB, MIB, raiseRack } from '../support/e2e/rack.js';

const MINUTES = 60_000;
const MARK = Buffer.from('what a tenant kept');

/** One file system of a distribution, written into partitions that are made for it. */
describe('a partition image', () => {
  it('starts by its own GRUB on BIOS and on UEFI; rebuilt, by the network, and its ephemeral partition is kept', async () => {
    const { ramdisk } = await builtParts();
    const parts = await builtPartition();
    const machines = [
      aMachine('bios', { disks: [{ bus: 'virtio', size: 6 * GIB }] }),
      aMachine('uefi', { name: 'node2' }),
    ];
    await using raised = await raiseRack({ machines, ramdisk });
    const { rack } = raised;
    const { api } = rack;
    const [bios, uefi] = [rack.lab.machine('node1'), rack.lab.machine('node2')];
    const fields = partitionFields(rack, parts);
    const started = performance.now();

    const [one, two] = await Promise.all([available(rack, bios, 'bios'), available(rack, uefi, 'uefi')]);
    await api.patch(one, {
      ...fields,
      '/instance_info/swap_mb': 64,
      '/instance_info/ephemeral_gb': 1,
    });
    await api.patch(two, fields);
    await api.provision(one, 'active', { configdrive: { meta_data: { name: 'tenant' } } });
    await api.provision(two, 'active');
    const hellos = await Promise.all([hello(rack, bios, one), hello(rack, uefi, two)]);
    console.log(`deployed by BIOS and UEFI in ${((performance.now() - started) / 1000).toFixed(0)} s`);
    // GRUB names the file that it started, and nobody else would.
    for (const words of hellos)
      expect(words).toContain(`cmdline=BOOT_IMAGE=/boot/vmlinuz-tiny ${ROOT_WORD} ro`);
    expect(hellos[0]).toContain('labels=config-2,ephemeral0,img-rootfs,swap1,');
    expect(hellos[1]).toMatch(/labels=EFI-PART,img-rootfs,/i);

    const disk = bios.machine.diskPaths[0]!;
    const table = tableOf(disk);
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
    const ephemeral = table.partitions[0]!;
    const at = ephemeral.start * 512 + 700 * MIB;
    const fileSystem = tagOf(disk, ephemeral, 'UUID');
    writeBytes(disk, MARK, at);

    const again = performance.now();
    await api.patch(one, {
      '/instance_info/capabilities': { boot_option: 'netboot' },
      '/instance_info/kernel_append_params': 'console=ttyS0 quiet no_timer_check',
      '/instance_info/preserve_ephemeral': true,
    });
    await api.provision(one, 'rebuild');
    const words = await hello(rack, bios, one);
    console.log(`rebuilt and booted by the network in ${((performance.now() - again) / 1000).toFixed(0)} s`);
    expect(words).toContain(`${ROOT_WORD} ro console=ttyS0 quiet no_timer_check`);
    expect(words).not.toContain('BOOT_IMAGE');
    expect(readBytes(disk, at, MARK.length).equals(MARK), 'what was kept').toBe(true);
    expect(tagOf(disk, tableOf(disk).partitions[0]!, 'UUID')).toBe(fileSystem);

    const config = `http://10.77.0.1:8080/pxelinux.cfg/${bios.machine.macs[0]!.replaceAll(':', '-')}`;
    const status = () =>
      rack.lab.network.inside('curl', ['-s', '-o', '/dev/null', '-w', '%{http_code}', config]);
    expect(await status(), 'the instance’s configuration').toBe('200');
    await rack.daemon.kill();
    await rack.daemon.start();
    expect(await status(), 'after the conductor was killed').toBe('200');
    await api.provision(one, 'deleted');
    await api.waitForState(one, 'available', { timeout: 3 * MINUTES });
    expect(await status(), 'once the instance is gone').toBe('404');
  });
});

/** Enrolled, and available without cleaning. */
async function available(rack: Rack, machine: LabMachine, firmware: string): Promise<string> {
  const { api } = rack;
  const uuid = await rack.enrol(machine, { capabilities: `boot_mode:${firmware}` });
  await api.patch(uuid, { '/automated_clean': false });
  await api.provision(uuid, 'manage');
  await api.waitForState(uuid, 'manageable', { timeout: 3 * MINUTES });
  await api.provision(uuid, 'provide');
  await api.waitForState(uuid, 'available', { timeout: 3 * MINUTES });
  return uuid;
}

/** What the installed system says, once the deployment that is under way is done. */
async function hello(rack: Rack, { machine }: LabMachine, uuid: string): Promise<string> {
  const since = machine.console.position;
  await rack.api.waitForState(uuid, 'active', { timeout: 12 * MINUTES });
  const [words] = await machine.console.waitFor(HELLO, { since, timeout: 5 * MINUTES });
  return words;
}
