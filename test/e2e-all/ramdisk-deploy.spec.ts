import { describe, expect, it } from 'vitest';
import { sharedRoot } from '../../demo/rack.js';
import { TINY_HELLO, tinyBoot } from '../../lab/image/tiny-image.js';
import { tinyIso } from '../../lab/image/tiny-iso.js';
import { isBlank } from '../support/e2e/disk.js';
import { writeBytes } from '../support/e2e/disk-table.js';
import { aMachine, availableNode, builtParts, MIB, raiseRack } from '../support/e2e/rack.js';

const MINUTES = 60_000;
const MARK = Buffer.from('what somebody keeps on the disk');

/** Instances that live in memory: the machine starts them from the network at each power on. */
describe('deploy interface ramdisk', () => {
  it.each(['bios', 'uefi'] as const)(
    'a kernel and a ramdisk, then an ISO in its place: %s',
    async (firmware) => {
      const { ramdisk } = await builtParts();
      const { cache } = sharedRoot();
      const { kernel, initrd } = await tinyBoot(cache);
      const iso = await tinyIso(cache);
      await using raised = await raiseRack({ machines: [aMachine(firmware)], ramdisk });
      const { rack } = raised;
      const { api, images } = rack;
      for (const [name, path] of Object.entries({
        '/k': kernel.path,
        '/r': initrd.path,
        '/live.iso': iso.path,
      })) {
        images.publish(name, path);
      }
      const node1 = rack.lab.machine('node1');
      const disk = node1.machine.diskPaths[0]!;
      writeBytes(disk, MARK, 0);
      const uuid = await availableNode(rack, node1, firmware);
      const hello = async (since: number) =>
        (
          await node1.machine.console.waitFor(new RegExp(`${TINY_HELLO}[^\n]*\n`), {
            since,
            timeout: 3 * MINUTES,
          })
        )[0];

      await api.patch(uuid, {
        '/deploy_interface': 'ramdisk',
        '/instance_info/kernel': images.url('/k'),
        '/instance_info/ramdisk': images.url('/r'),
        '/instance_info/kernel_append_params': 'console=ttyS0 mine=1',
      });
      let since = node1.machine.console.position;
      await api.provision(uuid, 'active', { configdrive: { meta_data: { name: 'x' } } });
      await api.waitForState(uuid, 'active', { timeout: 2 * MINUTES });
      expect(await hello(since)).toContain('root=/dev/ram0 text console=ttyS0 mine=1');

      // Switched off and on, it is the same instance again: nothing of it is on the machine.
      since = node1.machine.console.position;
      await api.request('PUT', `/v1/nodes/${uuid}/states/power`, { target: 'rebooting' });
      expect(await hello(since)).toContain('mine=1');

      await api.patch(uuid, { '/instance_info': { boot_iso: images.url('/live.iso') } });
      since = node1.machine.console.position;
      await api.provision(uuid, 'rebuild');
      await api.waitForState(uuid, 'active', { timeout: 2 * MINUTES });
      const second = await hello(since);
      expect(second).not.toContain('mine=1');
      expect(second).toContain('console=ttyS0 quiet');

      await api.provision(uuid, 'deleted');
      expect(await api.waitForState(uuid, 'available', { timeout: 2 * MINUTES })).toMatchObject({
        instance_info: {},
        power_state: 'power off',
        last_error: null,
      });
      expect(isBlank(disk, MARK.length, MIB), 'the disk, but for its owner’s mark').toBe(true);
      expect(isBlank(disk, 0, MARK.length)).toBe(false);
    },
  );
});
