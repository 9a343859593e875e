import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type BuiltRamdisk, buildImage } from '../../demo/parts.js';
import { sharedRoot } from '../../demo/rack.js';
import { StageClock } from '../../demo/stage-clock.js';
import { compareWithImage, isBlank } from '../support/e2e/disk.js';
import { readBytes, tableOf, tagOf, writeBytes } from '../support/e2e/disk-table.js';
import {
  builtPartition,
  deployedHello,
  HELLO,
  partitionFields,
  ROOT_WORD,
} from '../support/e2e/partition.js';
import { aMachine, availableNode, imageFields, MIB, raiseRack } from '../support/e2e/rack.js';
import { recordingOf } from '../support/interop/recording.js';

const MINUTES = 60_000;
const AGENT_PORT = 6386;
/** Bytes: protective MBR, header and entries of a GPT. */
const PARTITION_TABLE = 33 * 512;
/** MiB. Ramdisks of diskimage-builder unpack to more than a gigabyte. */
const MEMORY = Number(process.env['IPA_MEMORY'] || 4_096);

// Kernel and ramdisk with OpenStack's own ironic-python-agent, such as diskimage-builder makes or the project
// publishes; and, to keep what is said, a folder for recordings as test/contract/agent/fixtures/upstream-runs has them.
const { IPA_KERNEL, IPA_RAMDISK, IPA_RECORD } = process.env;
const given = Boolean(IPA_KERNEL && IPA_RAMDISK);
if (!given) {
  console.log(
    'upstream agent: skipped, since IPA_KERNEL and IPA_RAMDISK do not name a kernel and a ramdisk with ironic-python-agent',
  );
}

/** What is asked of a disk, and what is on it then: sizes in MiB and the labels of the file systems. */
const LAYOUTS = [
  {
    firmware: 'bios',
    label: 'dos',
    asked: { '/instance_info/swap_mb': 64, '/instance_info/ephemeral_gb': 1 },
    table: [1024, 64, 1, 1024],
    tags: ['ephemeral0', 'swap1', 'config-2', 'img-rootfs'],
  },
  {
    firmware: 'uefi',
    label: 'gpt',
    asked: { '/instance_info/swap_mb': 64, '/instance_info/ephemeral_gb': 1 },
    table: ['esp', 1024, 64, 1, 1024],
    tags: ['efi-part', 'ephemeral0', 'swap1', 'config-2', 'img-rootfs'],
  },
  {
    firmware: 'bios',
    label: 'gpt',
    asked: { '/instance_info/capabilities': { disk_label: 'gpt' } },
    table: [1, 1, 1024],
    tags: ['', 'config-2', 'img-rootfs'],
  },
] as const;

describe.runIf(given)('under this daemon, OpenStack’s ironic-python-agent', () => {
  const times: string[] = [];
  afterEach(() => {
    for (const line of times.splice(0)) console.log(line);
  });

  // The raw image comes from the daemon, which was not told its format; the qcow2 image from its own URL.
  it.each([
    { firmware: 'bios', format: 'raw', fields: {} },
    { firmware: 'uefi', format: 'qcow2', fields: { '/instance_info/image_disk_format': 'qcow2' } },
  ] as const)(
    'cleans, deploys a $format image on $firmware, and cleans again',
    async ({ firmware, format, fields }) => {
      const { cache } = sharedRoot();
      const image = await buildImage(cache, { system: 'tiny', format });
      const raw = await buildImage(cache, { system: 'tiny', format: 'raw' });
      const record = IPA_RECORD ? resolve(IPA_RECORD, `${firmware}-${format}.json`) : undefined;
      if (record !== undefined) {
        mkdirSync(dirname(record), { recursive: true });
        rmSync(`${record}.tap`, { force: true });
      }
      await using raised = await raiseRack({
        machines: [aMachine(firmware, { memory: MEMORY })],
        ramdisk: upstreamRamdisk(),
        ...(record === undefined ? {} : { env: tapped(`${record}.tap`) }),
      });
      const { rack } = raised;
      const { api } = rack;
      const node1 = rack.lab.machine('node1');
      const disk = node1.machine.diskPaths[0]!;
      writeBytes(disk, readBytes(raw.path, 0, 4 * MIB), 0);

      const uuid = await rack.enrol(node1, { capabilities: `boot_mode:${firmware}` });
      await api.patch(uuid, { '/driver_info/kernel_append_params': '%default% console=ttyS0' });
      await api.provision(uuid, 'manage');
      await api.waitForState(uuid, 'manageable', { timeout: MINUTES });

      let offered: Record<string, { step: string; priority: number }[]> | undefined;
      {
        using clock = new StageClock(node1, image.hello);
        await api.provision(uuid, 'provide');
        await api.waitForState(uuid, 'available', {
          timeout: 20 * MINUTES,
          onLook: ({ driver_internal_info: internal }) =>
            (offered ??= internal['agent_cached_clean_steps'] as typeof offered),
        });
        clock.mark('available');
        times.push(`${firmware} cleaning: ${clock}`);
      }
      expect(offered?.['deploy']).toContainEqual(
        expect.objectContaining({ step: 'erase_devices_metadata', priority: 99 }),
      );
      expect(isBlank(disk, 0, PARTITION_TABLE), 'the old partition table').toBe(true);

      await api.patch(uuid, { '/instance_info': {}, ...imageFields(rack.publish(image), image), ...fields });
      {
        using clock = new StageClock(node1, image.hello);
        const since = node1.machine.console.position;
        const configdrive = { meta_data: { hostname: 'interop' }, user_data: USER_DATA };
        await api.provision(uuid, 'active', { configdrive });
        await api.waitForState(uuid, 'active', { timeout: 20 * MINUTES });
        clock.mark('active');
        await node1.machine.console.waitFor(new RegExp(`${image.hello.source}\n`), {
          since,
          timeout: 3 * MINUTES,
        });
        times.push(`${firmware} deployment: ${clock}`);
      }
      expect(await api.node(uuid)).toMatchObject({ power_state: 'power on', last_error: null });
      expect(compareWithImage(disk, raw.path).unexplained, 'first sector that differs').toBeNull();
      expect(userDataOf(disk)).toBe(USER_DATA);

      await api.provision(uuid, 'deleted');
      const freed = await api.waitForState(uuid, 'available', { timeout: 20 * MINUTES });
      expect(freed).toMatchObject({ instance_info: {}, power_state: 'power off', last_error: null });
      expect(isBlank(disk, 0, PARTITION_TABLE), 'the partition table of the instance').toBe(true);
      if (record !== undefined) {
        const recording = recordingOf(readFileSync(`${record}.tap`, 'utf8'));
        writeFileSync(record, `${JSON.stringify(recording, null, 1)}\n`);
        rmSync(`${record}.tap`);
      }
    },
  );

  it.each(LAYOUTS)(
    'lays out and writes a partition image, which starts by its own GRUB: $firmware, $label',
    async ({ firmware, label, asked, table, tags }) => {
      const parts = await builtPartition();
      await using raised = await raiseRack({
        machines: [aMachine(firmware, { memory: MEMORY })],
        ramdisk: upstreamRamdisk(),
        // Versions with the mitigation of CVE-2026-43003 install no GRUB without.
        config: { deploy: { enable_bios_bootloader_install: true } },
      });
      const { rack } = raised;
      const { api } = rack;
      const node1 = rack.lab.machine('node1');
      const disk = node1.machine.diskPaths[0]!;
      const uuid = await availableNode(rack, node1, firmware);
      await api.patch(uuid, {
        '/driver_info/kernel_append_params': '%default% console=ttyS0 ipa-debug=1',
        ...partitionFields(rack, parts),
        ...asked,
      });
      using clock = new StageClock(node1, HELLO);
      await api.provision(uuid, 'active', { configdrive: { meta_data: { hostname: 'interop' } } });
      const words = await deployedHello(rack, node1, uuid);
      times.push(`${firmware} ${label} partition image: ${clock}`);
      expect(words).toContain(`cmdline=BOOT_IMAGE=/boot/vmlinuz-tiny ${ROOT_WORD} ro`);
      expect(await api.node(uuid)).toMatchObject({ power_state: 'power on', last_error: null });

      const found = tableOf(disk);
      expect(found.label).toBe(label);
      // The EFI system partition has the size that this agent gives it: ironic-lib's 200 MiB, or 550 (IPA's config.py).
      const sizes = found.partitions.map(({ size }) => (size * 512) / MIB);
      expect(sizes).toEqual(table.map((size) => (size === 'esp' ? expect.toBeOneOf([200, 550]) : size)));
      expect(found.partitions.map((partition) => tagOf(disk, partition, 'LABEL').toLowerCase())).toEqual(
        tags,
      );
    },
  );
});

const USER_DATA = '#cloud-config\nfinal_message: the config drive came through\n';

function upstreamRamdisk(): BuiltRamdisk {
  const [kernel, ramdisk] = [resolve(IPA_KERNEL!), resolve(IPA_RAMDISK!)];
  return { kernel, ramdisk, size: statSync(ramdisk).size, folder: dirname(kernel), cached: true };
}

/** The daemon notes its exchanges with the agent in this file. */
function tapped(file: string): Record<string, string> {
  const tap = join(import.meta.dirname, '../support/interop/tap.ts');
  return { NODE_OPTIONS: `--import=${tap}`, AGENT_TAP: file, AGENT_TAP_PORT: String(AGENT_PORT) };
}

/** From the config drive's partition, the last of the disk, read by programs of others. */
function userDataOf(disk: string): string {
  const { start, size } = tableOf(disk)
    .partitions.toSorted((a, b) => a.start - b.start)
    .at(-1)!;
  const volume = join(tmpdir(), 'ferric-interop-drive.iso');
  try {
    execFileSync('dd', [`if=${disk}`, `of=${volume}`, `skip=${start}`, `count=${size}`, 'status=none']);
    return execFileSync('bsdtar', ['-xOf', volume, 'openstack/latest/user_data'], { encoding: 'utf8' });
  } finally {
    rmSync(volume, { force: true });
  }
}
