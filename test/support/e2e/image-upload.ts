import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BuiltImage, BuiltRamdisk } from '../../../demo/parts.js';
import type { Rack } from '../../../demo/rack.js';
import type { TinyPartition } from '../../../lab/image/tiny-partition.js';
import { runCommand } from '../../../src/platform/run-command.js';

/** UUIDs of the images that the guide in Ironic's documentation adds to the Image service. */
export interface UploadedImages {
  kernel: string;
  ramdisk: string;
  partition: string;
  wholeDisk: string;
  deployKernel: string;
  deployRamdisk: string;
}

/** Runs the guide's six commands, word for word, by Debian's `openstack` with the built-in Image service. */
export async function uploadGuideImages(
  rack: Rack,
  parts: TinyPartition,
  whole: BuiltImage,
  ramdisk: BuiltRamdisk,
): Promise<UploadedImages> {
  const work = mkdtempSync(join(tmpdir(), 'ferric-upload-'));
  try {
    const files = {
      'my-image.vmlinuz': parts.kernel.path,
      'my-image.initrd': parts.initrd.path,
      'my-image.qcow2': parts.image.path,
      'my-whole-disk-image.qcow2': whole.path,
      'ironic-python-agent.vmlinuz': ramdisk.kernel,
      'ironic-python-agent.initramfs': ramdisk.ramdisk,
    };
    for (const [name, path] of Object.entries(files)) symlinkSync(path, join(work, name));
    // One `openstack` process reads many commands, one on each line, which saves its start for each.
    const create = async (...commands: string[]) => {
      writeFileSync(join(work, 'commands'), commands.map((line) => `image create ${line}\n`).join(''));
      const { stdout } = await runCommand({
        file: '/bin/sh',
        args: ['-c', `cd "${work}" && openstack < commands 2>&1`],
        env: {
          PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
          OS_AUTH_TYPE: 'none',
          OS_ENDPOINT: `${rack.api.url}/v2`,
          HOME: work,
        },
        timeout: 300_000,
        maxOutput: 1 << 20,
      });
      const { images } = (await rack.api.request('GET', '/v2/images')) as {
        images: { id: string; name: string; status: string }[];
      };
      return (name: string): string => {
        const found = images.find((image) => image.name === name && image.status === 'active');
        if (!found) throw new Error(`the image ${name} did not become active: ${stdout}`);
        return found.id;
      };
    };
    const pair = await create(
      'my-kernel --public --disk-format aki --container-format aki --file my-image.vmlinuz',
      'my-image.initrd --public --disk-format ari --container-format ari --file my-image.initrd',
    );
    const [kernel, initrd] = [pair('my-kernel'), pair('my-image.initrd')];
    const all = await create(
      `my-image --public --disk-format qcow2 --container-format bare --property kernel_id=${kernel} --property ramdisk_id=${initrd} --file my-image.qcow2`,
      'my-whole-disk-image --public --disk-format qcow2 --container-format bare --file my-whole-disk-image.qcow2',
      'deploy-vmlinuz --public --disk-format aki --container-format aki --file ironic-python-agent.vmlinuz',
      'deploy-initrd --public --disk-format ari --container-format ari --file ironic-python-agent.initramfs',
    );
    return {
      kernel,
      ramdisk: initrd,
      partition: all('my-image'),
      wholeDisk: all('my-whole-disk-image'),
      deployKernel: all('deploy-vmlinuz'),
      deployRamdisk: all('deploy-initrd'),
    };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
