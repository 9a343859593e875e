import { createWriteStream, rmSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sharedRoot } from '../../../demo/rack.js';
import { TINY_HELLO, tinyBoot } from '../../../lab/image/tiny-image.js';
import { ImageServer } from '../../../lab/image-server.js';
import { createLab, type LabMachine } from '../../../lab/lab.js';
import type { Firmware } from '../../../lab/machine/specification.js';
import { debianDisc } from '../../support/e2e/boot-disc.js';

const MINUTE = 60_000;

/** By the machine's own Redfish service, as its administrator. @throws Error for a refusal */
function redfish(
  { redfish: bmc, users }: LabMachine,
  method: string,
  path: string,
  body: object,
): Promise<void> {
  const login = Buffer.from(`${users[0]!.name}:${users[0]!.password}`).toString('base64');
  const headers = { authorization: `Basic ${login}`, 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const options = { method, headers, ca: bmc!.certificate, agent: false as const };
    const sent = request(`${bmc!.url}${path}`, options, (answer) => {
      answer.resume();
      answer.on('end', () =>
        (answer.statusCode ?? 500) < 300
          ? resolve()
          : reject(new Error(`${method} ${path}: status ${answer.statusCode}`)),
      );
    });
    sent.on('error', reject);
    sent.end(JSON.stringify(body));
  });
}

describe('a machine of the lab starts from virtual media', () => {
  const { root, cache } = sharedRoot();
  const disc = join(root, `virtual-media-${process.pid}.iso`);
  let images: ImageServer;

  beforeAll(async () => {
    const { kernel, initrd } = await tinyBoot(cache);
    const image = debianDisc({
      kernel: kernel.path,
      ramdisk: initrd.path,
      line: 'console=ttyS0 marker=from-the-disc',
      files: { 'openstack/latest/network_data.json': '{}' },
    });
    await pipeline(Readable.from(image.read()), createWriteStream(disc));
    images = await ImageServer.listen();
    images.publish('/boot.iso', disc);
  }, 5 * MINUTE);
  afterAll(async () => {
    await images.close();
    rmSync(disc, { force: true });
  });

  it.each<[Firmware, 'Cd' | 'Usb']>([
    ['bios', 'Cd'],
    ['uefi', 'Cd'],
    ['uefi-secure', 'Cd'],
    ['uefi', 'Usb'],
  ])(
    '%s, %s',
    async (firmware, target) => {
      await using lab = await createLab({
        name: 'vmedia',
        root,
        machines: [
          {
            name: 'node1',
            firmware,
            memory: 512,
            media: true,
            disks: [{ bus: 'virtio', size: 64 * 2 ** 20 }],
            nics: [],
            bmc: 'loopback',
            redfish: {},
          },
        ],
        handleSignals: false,
      });
      const node = lab.machine('node1');
      const { machine } = node;
      const slot = `/redfish/v1/Systems/1/VirtualMedia/${target}/Actions/VirtualMedia`;
      await redfish(node, 'POST', `${slot}.InsertMedia`, { Image: images.url('/boot.iso') });
      await redfish(node, 'PATCH', '/redfish/v1/Systems/1', {
        Boot: { BootSourceOverrideTarget: target, BootSourceOverrideEnabled: 'Once' },
      });
      await redfish(node, 'POST', '/redfish/v1/Systems/1/Actions/ComputerSystem.Reset', { ResetType: 'On' });
      const said = await machine.console.waitFor(new RegExp(`${TINY_HELLO}.*\\n`), { timeout: 4 * MINUTE });
      expect(said[0]).toContain('marker=from-the-disc');
      if (firmware === 'uefi-secure') expect(machine.console.text).toMatch(/[Ss]ecure boot enabled/);
      expect(machine.boot.selection()).toBeNull();
      await redfish(node, 'POST', `${slot}.EjectMedia`, {});
      expect(machine.isOn()).toBe(true);
    },
    6 * MINUTE,
  );
});
