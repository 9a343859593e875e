// Our deploy agent and ramdisk under Debian's ironic-api and ironic-conductor; nothing of our daemon takes part.
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { StageClock } from '../../demo/stage-clock.js';
import { run } from '../../image-build/process/run.js';
import { compareWithImage, isBlank } from '../support/e2e/disk.js';
import { tableOf } from '../support/e2e/disk-table.js';
import { builtPartition, HELLO, partitionFields, ROOT_WORD } from '../support/e2e/partition.js';
import { aMachine, builtParts, imageFields, MIB } from '../support/e2e/rack.js';
import { PeerRack } from '../support/peer/rack.js';
import { namesOf, toRecord, writeRecording } from '../support/peer/recording.js';

const MINUTES = 60_000;

const WAYS = [
  { title: 'BIOS, iPXE in the NIC, all by HTTP', firmware: 'bios', rom: 'ipxe' },
  { title: 'UEFI’s own PXE client, first stage by TFTP', firmware: 'uefi', rom: 'none' },
] as const;

describe('our agent under Debian’s Ironic', () => {
  it.each(WAYS)('a node is cleaned, deployed with a config drive, and freed: $title', async (way) => {
    const { firmware, rom } = way;
    const { image, ramdisk } = await builtParts();
    const machine = aMachine(firmware, { nics: [{ model: 'virtio', rom }] });
    const record = toRecord && firmware === 'bios';
    await using rack = await PeerRack.raise({ ramdisk, machines: [machine], record });
    const { api } = rack;
    const node1 = rack.lab.machine('node1');
    const disk = node1.machine.diskPaths[0]!;
    // Somebody's old disk: what is on it must be gone after cleaning.
    writeOver(disk, readFileSync(image.path).subarray(0, 4 * MIB));

    const uuid = await rack.enrol(node1, { capabilities: `boot_mode:${firmware}` });
    await api.provision(uuid, 'manage');
    await api.waitForState(uuid, 'manageable', { timeout: MINUTES });
    {
      using clock = new StageClock(node1, image.hello);
      await api.provision(uuid, 'provide');
      await api.waitForState(uuid, 'available', { timeout: 6 * MINUTES });
      clock.mark('available');
      console.log(`cleaning: ${clock}`);
    }
    expect(isBlank(disk, 0, MIB), 'the old partition table').toBe(true);

    await api.patch(uuid, imageFields(rack.publish(image), image));
    const since = node1.machine.console.position;
    using clock = new StageClock(node1, image.hello);
    await api.provision(uuid, 'active', {
      configdrive: { meta_data: { name: 'tenant-1' }, user_data: '#cloud-config\n' },
    });
    const node = await api.waitForState(uuid, 'active', { timeout: 8 * MINUTES });
    clock.mark('active');
    expect(node).toMatchObject({ power_state: 'power on', last_error: null });
    const [hello] = await node1.machine.console.waitFor(new RegExp(`${image.hello.source}\n`), {
      since,
      timeout: 3 * MINUTES,
    });
    console.log(`deployment: ${clock}`);
    expect(hello).not.toContain('ipa-api-url');
    expect(compareWithImage(disk, image.path).unexplained, 'first sector that differs').toBeNull();
    expect(await configDriveOf(disk)).toMatchObject({ name: 'tenant-1' });

    await api.provision(uuid, 'deleted');
    await api.waitForState(uuid, 'available', { timeout: 6 * MINUTES });
    expect(isBlank(disk, 0, MIB), 'the partition table of the instance').toBe(true);
    if (rack.recorder) {
      writeRecording(
        'deployment',
        'Our agent in a machine of QEMU under ironic-api and ironic-conductor 21.4.4 of Debian 12: automated cleaning, ' +
          'a deployment with a config drive, and the cleaning after it',
        rack.recorder.exchanges,
        { ...namesOf(uuid, rack.peer.directory), [ramdisk.folder]: '/var/lib/ironic/ferric' },
      );
    }
    expect(rack.complaints(), 'what Ironic complains of').toEqual([]);
  });

  it('a partition image is laid out, written, and started by its own GRUB', async () => {
    const { ramdisk } = await builtParts();
    const parts = await builtPartition();
    await using rack = await PeerRack.raise({ ramdisk, machines: [aMachine('bios')] });
    const { api } = rack;
    const node1 = rack.lab.machine('node1');
    const uuid = await rack.enrol(node1, { capabilities: 'boot_mode:bios' });
    await api.patch(uuid, { '/automated_clean': false });
    await api.provision(uuid, 'manage');
    await api.waitForState(uuid, 'manageable', { timeout: MINUTES });
    await api.provision(uuid, 'provide');
    await api.waitForState(uuid, 'available', { timeout: MINUTES });
    await api.patch(uuid, {
      ...partitionFields(rack, parts),
      '/instance_info/swap_mb': 64,
      '/instance_info/ephemeral_gb': 1,
    });
    const since = node1.machine.console.position;
    await api.provision(uuid, 'active', { configdrive: { meta_data: { name: 'tenant-1' } } });
    const node = await api.waitForState(uuid, 'active', { timeout: 15 * MINUTES });
    expect(node).toMatchObject({ power_state: 'power on', last_error: null });
    const [words] = await node1.machine.console.waitFor(HELLO, { since, timeout: 5 * MINUTES });
    expect(words).toContain(`cmdline=BOOT_IMAGE=/boot/vmlinuz-tiny ${ROOT_WORD} ro`);
    expect(words).toContain('labels=config-2,ephemeral0,img-rootfs,swap1,');
    expect(tableOf(node1.machine.diskPaths[0]!)).toMatchObject({ label: 'dos' });
    expect(rack.complaints(), 'what Ironic complains of').toEqual([]);
  });
});

/** meta_data.json of the config drive in the last partition of a disk. */
async function configDriveOf(disk: string): Promise<unknown> {
  const table = JSON.parse(await run('sfdisk', ['--json', disk])) as {
    partitiontable: { partitions: { start: number; size: number }[] };
  };
  const { start, size } = table.partitiontable.partitions.toSorted((a, b) => a.start - b.start).at(-1)!;
  const directory = mkdtempSync(join(tmpdir(), 'ferric-drive-'));
  const bytes = Buffer.alloc(size * 512);
  const file = openSync(disk, 'r');
  try {
    readSync(file, bytes, 0, bytes.length, start * 512);
    writeFileSync(join(directory, 'drive'), bytes);
    const path = 'openstack/latest/meta_data.json';
    return JSON.parse(await run('bsdtar', ['-xOf', join(directory, 'drive'), path]));
  } finally {
    closeSync(file);
    rmSync(directory, { recursive: true });
  }
}

function writeOver(path: string, bytes: Uint8Array): void {
  const file = openSync(path, 'r+');
  try {
    writeSync(file, bytes, 0, bytes.length, 0);
  } finally {
    closeSync(file);
  }
}
