import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Extension } from '../../../agent/src/command-board.js';
import type { StepOutcome } from '../../../src/domain/step/step.js';
import type { InstanceImageSource } from '../../../src/driver/agent/instance-image.js';
import { agentImplementations } from '../../../src/driver/composition.js';
import { AgentMachine } from '../../support/agent-machine.js';
import { driverConfig } from '../../support/driver-config.js';
import { DriverBench, NODE_UUID } from '../../support/driver-context.js';
import { PublishedInMemory } from '../../support/published.js';

const SHA = 'a'.repeat(64);
const ROOT = '5f0e1d2c-3b4a-4596-8778-69a0b1c2d3e4';
const IMAGE = {
  image_source: 'http://images/my-image.qcow2',
  image_os_hash_algo: 'sha256',
  image_os_hash_value: SHA,
  kernel: 'http://images/my-image.vmlinuz',
  ramdisk: 'http://images/my-image.initrd',
  root_gb: 10,
};
const GRUB: Record<string, string> = { bios: 'i386-pc', uefi: 'x86_64-efi' };
const GLANCE = { image_source: '7daa1a92-c3d7-4add-aaed-66fcbba58912', root_gb: 10 };

let directory: string;
let inImage: { found: ReadonlySet<string> } | { unseen: string };
let fetched: { ref: string; force_raw: boolean | undefined }[];
let uuids: Record<string, string>;
let parts: { kernel_id?: string; ramdisk_id?: string };

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'partition-'));
  inImage = { found: new Set(['/usr/sbin/grub-install', '/usr/lib/grub/i386-pc']) };
  fetched = [];
  uuids = { 'root uuid': ROOT };
  parts = {};
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function bed(instance_info: object, more: { capabilities?: string; internal?: object } = {}) {
  const bench = new DriverBench({
    instance_info: instance_info as never,
    properties: { capabilities: more.capabilities ?? 'boot_mode:bios' },
    driver_internal_info: (more.internal ?? {}) as never,
  });
  bench.ports = [{ uuid: 'p', address: '52:54:00:00:00:01', pxe_enabled: true, extra: {} }];
  const extension: Record<string, Extension> = {
    deploy: {
      get_deploy_steps: {
        kind: 'sync',
        run: async () => ({ deploy_steps: { m: [] }, hardware_manager_version: { m: '1' } }),
      },
      execute_deploy_step: { kind: 'async', run: async () => ({ result: 'written' }) },
    },
    standby: { get_partition_uuids: { kind: 'sync', run: async () => uuids } },
    image: { install_bootloader: { kind: 'async', run: async () => null } },
  };
  const machine = new AgentMachine(bench, extension);
  const served = join(directory, 'http', 'agent_images', NODE_UUID);
  const images: InstanceImageSource = {
    validate: () => {},
    resolve: async (href, info) => ({
      href,
      size: 1024,
      disk_format: 'qcow2',
      checksum: { algo: 'sha256', value: SHA },
      whole_disk: info['kernel'] === undefined && parts.kernel_id === undefined,
      ...parts,
    }),
    checkKind: async () => {},
    fetchTo: async (ref, target, options) => {
      fetched.push({ ref, force_raw: options.force_raw });
      await mkdir(dirname(target), { recursive: true });
      writeFileSync(target, 'image');
      return { size: 5 * 2 ** 30, sha256: 'b'.repeat(64), disk_format: 'raw' };
    },
    pathsIn: async () => inImage,
  };
  const config = driverConfig(directory);
  const [deploy] = agentImplementations({ config, images, published: new PublishedInMemory() }).deploy;
  const run = (name: string) => deploy.steps.find((step) => step.name === name)!.run;
  const drive = async (name: string): Promise<StepOutcome> =>
    (await bench.drive(machine.interfaces, run(name), { step: name })).outcome;
  const boot = async () => {
    await drive('prepare_deploy');
    bench.saved = null;
    await run('deploy')(bench.context(machine.interfaces, { step: 'deploy' }));
    bench.saved = { phase: 'booting' };
    await run('deploy')(bench.context(machine.interfaces, { step: 'deploy', wake: 'heartbeat' }));
  };
  return {
    bench,
    machine,
    deploy,
    served,
    drive,
    boot,
    validate: () => deploy.validate(bench.context()),
    [Symbol.asyncDispose]: () => machine[Symbol.asyncDispose](),
  };
}

describe('direct deploy of a partition image', () => {
  it('tells the agent what upstream’s conductor tells it, and has the boot loader installed', async () => {
    await using at = bed({ ...IMAGE, swap_mb: 512, ephemeral_gb: 2 });
    await at.boot();
    // Served by the conductor as raw, whose file system it has looked into.
    expect(fetched).toEqual([{ ref: IMAGE.image_source, force_raw: true }]);
    expect(at.bench.committed.instance_info).toMatchObject({ image_type: 'partition' });
    expect(await at.drive('write_image')).toEqual({ is: 'done' });
    const { params } = at.machine.heard.find(({ name }) => name === 'deploy.execute_deploy_step')!;
    expect(params).toMatchObject({
      node: { driver_internal_info: { is_whole_disk_image: false } },
      step: {
        args: {
          image_info: {
            id: 'my-image.qcow2',
            urls: [expect.stringContaining(`http://10.77.0.1:8080/agent_images/${NODE_UUID}/`)],
            disk_format: 'raw',
            stream_raw_images: true,
            image_type: 'partition',
            kernel: IMAGE.kernel,
            ramdisk: IMAGE.ramdisk,
            root_gb: 10,
            root_mb: 10_240,
            swap_mb: 512,
            ephemeral_mb: 2_048,
            ephemeral_format: 'ext4',
            preserve_ephemeral: false,
            deploy_boot_mode: 'bios',
            boot_option: 'local',
            disk_label: 'msdos',
          },
        },
      },
    });
    expect(await at.drive('prepare_instance_boot')).toEqual({ is: 'done' });
    expect(at.machine.heard.at(-1)).toMatchObject({
      name: 'image.install_bootloader',
      params: {
        root_uuid: ROOT,
        efi_system_part_uuid: null,
        prep_boot_part_uuid: null,
        target_boot_mode: 'bios',
      },
    });
    expect(at.machine.acts.slice(-3)).toEqual(['clean up ramdisk', 'prepare instance', 'disk persistent']);
    expect(existsSync(at.served)).toBe(false);
    expect(at.bench.committed.driver_internal_info).toMatchObject({
      root_uuid_or_disk_id: ROOT,
      deployed_layout: { root_gb: 10, swap_mb: 512, ephemeral_gb: 2 },
    });
    await at.drive('tear_down');
    expect(Object.keys(at.bench.committed.driver_internal_info)).toEqual([]);
  });

  // Upstream's agent takes boot mode and label from the node that a command carries, not from image_info.
  it.each([
    [{}, 'boot_mode:bios,disk_label:gpt', { mode: 'bios', label: 'gpt' }],
    [{ disk_label: 'msdos' }, 'boot_mode:bios,disk_label:gpt', { mode: 'bios', label: 'msdos' }],
    [{ boot_mode: 'uefi' }, 'boot_mode:bios', { mode: 'uefi', label: 'gpt' }],
    [{}, 'boot_mode:uefi,disk_label:msdos', { mode: 'uefi', label: 'gpt' }],
  ])(
    'an instance’s %j on a node’s %s is one wish to either agent',
    async (wish, capabilities, { mode, label }) => {
      inImage = { found: new Set(['/usr/sbin/grub-install', `/usr/lib/grub/${GRUB[mode]}`]) };
      await using at = bed({ ...IMAGE, capabilities: wish }, { capabilities });
      await at.boot();
      await at.drive('write_image');
      const { params } = at.machine.heard.find(({ name }) => name === 'deploy.execute_deploy_step')!;
      expect(params).toMatchObject({
        node: {
          instance_info: { capabilities: wish, deploy_boot_mode: mode },
          properties: { capabilities },
        },
        step: { args: { image_info: { deploy_boot_mode: mode, disk_label: label } } },
      });
    },
  );

  it('names the EFI system partition on UEFI, and asks for the UUIDs once', async () => {
    uuids = { 'root uuid': ROOT, 'efi system partition uuid': 'ABCD-1234' };
    inImage = { found: new Set(['/boot/efi/EFI']) };
    await using at = bed(IMAGE, { capabilities: 'boot_mode:uefi' });
    await at.boot();
    await at.drive('write_image');
    await at.drive('prepare_instance_boot');
    expect(at.machine.heard.at(-1)?.params).toEqual({
      root_uuid: ROOT,
      efi_system_part_uuid: 'ABCD-1234',
      prep_boot_part_uuid: null,
      target_boot_mode: 'uefi',
    });
    expect(at.machine.count('standby.get_partition_uuids')).toBe(1);
  });

  it('leaves the boot loader alone where the network starts the instance', async () => {
    inImage = { found: new Set() };
    await using at = bed({ ...IMAGE, capabilities: { boot_option: 'netboot' } });
    await at.boot();
    await at.drive('write_image');
    await at.drive('prepare_instance_boot');
    expect(at.machine.count('image.install_bootloader')).toBe(0);
    expect(at.machine.acts.slice(-3)).toEqual(['clean up ramdisk', 'prepare instance', 'pxe persistent']);
    expect(at.bench.committed.driver_internal_info).toMatchObject({
      instance_boot: { kernel: IMAGE.kernel, ramdisk: IMAGE.ramdisk },
    });
  });

  it('takes kernel and ramdisk from the Image service', async () => {
    parts = { kernel_id: 'k-id', ramdisk_id: 'r-id' };
    await using at = bed({ ...GLANCE, capabilities: { boot_option: 'netboot' } });
    await at.drive('prepare_deploy');
    expect(at.bench.committed.driver_internal_info).toMatchObject({
      instance_boot: { kernel: 'k-id', ramdisk: 'r-id' },
    });
    expect(at.bench.committed.instance_info).not.toHaveProperty('kernel');
  });

  it.each([
    [{ found: new Set<string>() }, IMAGE, 'without GRUB for BIOS'],
    [{ found: new Set(['/usr/sbin/grub-install']) }, IMAGE, 'no /usr/lib/grub/i386-pc'],
    [{ unseen: 'x' }, { ...IMAGE, root_gb: 1 }, 'Root partition is too small for requested image'],
  ])('refuses %j before the machine is touched', async (seen, info, words) => {
    inImage = seen;
    await using at = bed(info);
    await expect(at.drive('prepare_deploy')).rejects.toThrow(words);
    expect(at.machine.acts).toEqual([]);
    expect(existsSync(at.served), 'what the conductor served').toBe(false);
  });

  it('goes on where it cannot look into the file system: the agent finds out', async () => {
    inImage = { unseen: 'its file system is not ext2, ext3 or ext4' };
    await using at = bed(IMAGE);
    expect(await at.drive('prepare_deploy')).toEqual({ is: 'done' });
    expect(at.bench.lines.join()).toContain('could not be seen beforehand');
  });

  it.each<[object, string]>([
    [{ root_gb: undefined }, "Missing are: ['root_gb']"],
    [{ swap_mb: 'much' }, 'swap_mb'],
    [{ capabilities: { disk_label: 'sun' } }, 'disk_label must be msdos or gpt'],
    [{ preserve_ephemeral: true, ephemeral_gb: 1 }, 'nothing is known of a deployment'],
    [
      { capabilities: { boot_option: 'netboot' }, kernel: undefined, image_type: 'partition' },
      'is missing the following properties: kernel',
    ],
  ])('node validate names %j', async (fields, words) => {
    await expect(bed({ ...IMAGE, ...fields }).validate()).rejects.toThrow(words);
  });

  it('a rebuild keeps the ephemeral partition only with the layout of before', async () => {
    const internal = { deployed_layout: { root_gb: 10, swap_mb: 0, ephemeral_gb: 2 } };
    const keep = { ...IMAGE, ephemeral_gb: 2, preserve_ephemeral: true };
    await expect(bed(keep, { internal }).validate()).resolves.toBeUndefined();
    await expect(bed({ ...keep, swap_mb: 1 }, { internal }).validate()).rejects.toThrow(
      'different values from previous deployment: Deployed value of swap_mb was 0 but requested value is 1.',
    );
  });

  it('an agent that tells no root UUID fails the step', async () => {
    uuids = { 'root uuid': 'x; reboot' };
    await using at = bed(IMAGE);
    await at.boot();
    await at.drive('write_image');
    await expect(at.drive('prepare_instance_boot')).rejects.toThrow('no UUID of the root partition');
  });
});
