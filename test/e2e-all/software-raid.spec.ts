import { describe, expect, it } from 'vitest';
import { isBlank } from '../support/e2e/disk.js';
import {
  aMachine,
  availableNode,
  builtParts,
  GIB,
  imageFields,
  MIB,
  raiseRack,
} from '../support/e2e/rack.js';

const MINUTES = 60_000;

/** mdadm and the kernel's md as they are, in the ramdisk on a machine with two disks. */
describe('RAID interface agent', () => {
  it('mirrors two disks before the image is written, starts the system from either, and takes it apart again', async () => {
    const { image, ramdisk } = await builtParts();
    const disks = [6, 6].map((size) => ({ bus: 'virtio' as const, size: size * GIB }));
    await using raised = await raiseRack({ machines: [aMachine('uefi', { disks })], ramdisk });
    const { rack } = raised;
    const { api } = rack;
    const node1 = rack.lab.machine('node1');
    const uuid = await availableNode(rack, node1, 'uefi');
    await api.patch(uuid, { '/raid_interface': 'agent', ...imageFields(rack.publish(image), image) });

    const logical = { controller: 'software', raid_level: '1', size_gb: 'MAX', is_root_volume: true };
    const since = node1.machine.console.position;
    const raid_config = { logical_disks: [{ ...logical, volume_name: 'root' }] };
    await api.provision(uuid, 'active', {
      deploy_steps: [{ interface: 'raid', step: 'apply_configuration', priority: 90, args: { raid_config } }],
    });
    const active = await api.waitForState(uuid, 'active', { timeout: 6 * MINUTES });
    expect(active).toMatchObject({
      raid_config: {
        logical_disks: [
          { raid_level: '1', root_device_hint: { serial: expect.stringMatching(/^[0-9a-f:]{35}$/) } },
        ],
      },
      last_error: null,
    });
    await node1.machine.console.waitFor(new RegExp(`${image.hello.source}\n`), {
      since,
      timeout: 2 * MINUTES,
    });
    const said = node1.machine.console.text.slice(since);
    expect(said).toMatch(/\/dev\/md0: RAID 1 "root" of \/dev\/vda1, \/dev\/vdb1/);
    expect(said).toMatch(/boot entry .* of \/dev\/vda/);
    expect(said).toMatch(/boot entry .* of \/dev\/vdb/);

    await api.provision(uuid, 'deleted');
    await api.waitForState(uuid, 'available', { timeout: 2 * MINUTES });
    await api.provision(uuid, 'manage');
    await api.waitForState(uuid, 'manageable', { timeout: 2 * MINUTES });
    await api.provision(uuid, 'clean', {
      clean_steps: [{ interface: 'raid', step: 'delete_configuration' }],
    });
    const clean = await api.waitForState(uuid, 'manageable', { timeout: 5 * MINUTES });
    expect(clean).toMatchObject({ raid_config: {}, last_error: null });
    expect(clean['properties']).not.toHaveProperty('root_device');
    for (const disk of node1.machine.diskPaths) expect(isBlank(disk, 0, MIB), disk).toBe(true);
  });
});
