import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { DEBIAN_HELLO, debianImage } from '../../../lab/image/debian-image.js';
import { createLab } from '../../../lab/lab.js';

const MIB = 1024 * 1024;

describe('the Debian image', () => {
  const directory = mkdtempSync(join(tmpdir(), 'lab-debian-'));
  afterAll(() => rmSync(directory, { recursive: true }));

  it.each(['bios', 'uefi'] as const)(
    'boots on %s, reads its config drive and powers off when asked',
    async (firmware) => {
      const image = await debianImage('.lab/cache');
      expect(image.sha256).toBe(execFileSync('sha256sum', [image.path], { encoding: 'utf8' }).slice(0, 64));
      await using lab = await createLab({
        name: 'lab-debian',
        root: directory,
        machines: [
          {
            name: 'node1',
            firmware,
            disks: [
              { bus: firmware === 'bios' ? 'virtio' : 'nvme', size: 1024 * MIB },
              { bus: 'virtio', size: 4 * MIB },
            ],
            nics: [{ model: 'virtio' }],
          },
        ],
      });
      const { machine } = lab.machine('node1');
      const [system, drive] = machine.diskPaths as [string, string];
      execFileSync('qemu-img', ['convert', '-n', '-f', 'qcow2', '-O', 'raw', image.path, system]);
      const metadata = {
        uuid: '6d1f4a6e-4f0c-4b45-9c0f-8b6a4d3f9e21',
        hostname: `tenant-${firmware}`,
        name: 'other',
      };
      const latest = join(directory, firmware, 'openstack/latest');
      mkdirSync(latest, { recursive: true });
      writeFileSync(join(latest, 'meta_data.json'), JSON.stringify(metadata));
      execFileSync('genisoimage', [
        '-quiet',
        '-R',
        '-J',
        '-V',
        'config-2',
        '-o',
        drive,
        join(directory, firmware),
      ]);

      await machine.on();
      const [hello] = await machine.console.waitFor(new RegExp(`${DEBIAN_HELLO}.*\n`), { timeout: 180_000 });
      expect(hello).toContain(`host=tenant-${firmware} uuid=${metadata.uuid}`);
      expect(hello).toContain(firmware === 'bios' ? 'root=/dev/vda3' : 'root=/dev/nvme0n1p3');
      await machine.console.waitFor(new RegExp(`tenant-${firmware} login:`), { timeout: 60_000 });
      await machine.soft();
      for (let i = 0; i < 300 && machine.isOn(); i++) await sleep(100);
      expect(machine.isOn(), 'obeys the power button').toBe(false);
    },
  );
});
