import { describe, expect, it } from 'vitest';
import { readBytes, tableOf, tagOf, writeBytes } from '../support/e2e/disk-table.js';
import { builtPartition, deployedHello, partitionFields, ROOT_WORD } from '../support/e2e/partition.js';
import { aMachine, availableNode, builtParts, GIB, MIB, raiseRack } from '../support/e2e/rack.js';

const MINUTES = 60_000;
const MARK = Buffer.from('what a tenant kept');

/** One file system of a distribution, written into partitions that are made for it. */
describe('a partition image', () => {
  it('is rebuilt with its ephemeral partition kept, and then boots by the network', async () => {
    const { ramdisk } = await builtParts();
    const parts = await builtPartition();
    const disks = [{ bus: 'virtio' as const, size: 6 * GIB }];
    await using raised = await raiseRack({ machines: [aMachine('bios', { disks })], ramdisk });
    const { rack } = raised;
    const { api } = rack;
    const bios = rack.lab.machine('node1');
    const one = await availableNode(rack, bios, 'bios');
    await api.patch(one, {
      ...partitionFields(rack, parts),
      '/instance_info/swap_mb': 64,
      '/instance_info/ephemeral_gb': 1,
    });
    await api.provision(one, 'active');
    expect(await deployedHello(rack, bios, one)).toContain('BOOT_IMAGE=/boot/vmlinuz-tiny');
    const disk = bios.machine.diskPaths[0]!;
    const table = tableOf(disk);
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
    const words = await deployedHello(rack, bios, one);
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
