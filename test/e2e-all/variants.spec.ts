import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { LabMachineOptions } from '../../lab/lab.js';
import { compareWithImage, isBlank } from '../support/e2e/disk.js';
import { writeBytes } from '../support/e2e/disk-table.js';
import { aMachine, builtParts, GIB, imageFields, MIB, raiseRack } from '../support/e2e/rack.js';

const MINUTES = 60_000;
const TINY = { system: 'tiny', format: 'raw' } as const;

/** Ways of booting and of writing that are rarer, or slower, than what test/e2e goes through. */
describe('deployment by other ways', () => {
  it('UEFI’s own PXE client: first stage by TFTP, the rest by HTTP; cleaned before, byte for byte the image after', async () => {
    const { image } = await builtParts(TINY);
    const { rack, uuid, hello } = await deployed(
      aMachine('uefi', { nics: [{ model: 'virtio', rom: 'none' }] }),
      TINY,
      {},
      {},
      // Somebody's old disk: what is on it must be gone after cleaning.
      readFileSync(image.path).subarray(0, MIB),
    );
    await using _ = rack;
    expect(hello).not.toContain('ipa-api-url');
    expect(rack.rack.daemon.log()).toMatch(/"file":"snponly\.efi"[^\n]*TFTP: sent/);
    expect(await rack.rack.api.node(uuid)).toMatchObject({ power_state: 'power on' });
    const difference = compareWithImage(rack.rack.lab.machine('node1').machine.diskPaths[0]!, image.path);
    expect(difference.unexplained, 'first sector that differs').toBeNull();
    expect(difference.explained, 'the backup table has moved').toBeGreaterThan(0);
  });

  it.each(['ipxe', 'pxe'])(
    'UEFI HTTP boot alone, without any TFTP; boot interface %s',
    async (boot_interface) => {
      const machine = aMachine('uefi', { nics: [{ model: 'virtio', rom: 'none' }], networkBoot: 'http' });
      const { rack, uuid, hello } = await deployed(machine, TINY, {}, {}, undefined, {
        config: { netboot: { tftp: { listen: null } } },
        node: { '/boot_interface': boot_interface },
      });
      await using _ = rack;
      expect(hello).not.toContain('ipa-api-url');
      expect(await rack.rack.api.node(uuid)).toMatchObject({ boot_interface, power_state: 'power on' });
      const log = rack.rack.daemon.log();
      expect(log).toContain('"file":"http://10.77.0.1:8080/snponly.efi"');
      expect(log).toContain('"name":"snponly.efi","status":200');
      expect(log).not.toMatch(/PXEClient|TFTP: sent/);
    },
  );

  it('a Debian qcow2 with a config drive, on NVMe behind an e1000e', async () => {
    const instance = randomUUID();
    const { rack, hello } = await deployed(
      aMachine('uefi', { disks: [{ bus: 'nvme', size: 6 * GIB }], nics: [{ model: 'e1000e' }] }),
      { system: 'debian', format: 'qcow2' },
      {
        configdrive: {
          meta_data: { uuid: instance, name: 'tenant-1', hostname: 'tenant-1' },
          user_data: '#cloud-config\n',
        },
      },
      { '/instance_info/image_disk_format': 'qcow2' },
    );
    await using _ = rack;
    expect(hello).toContain(`host=tenant-1 uuid=${instance}`);
    expect(hello).toMatch(/config-drive=\/dev\/nvme0n1p\d+ root=\/dev\/nvme0n1p3/);
  });
});

/** @param before what stands at the start of the disk, and is cleaned away; none: no cleaning */
async function deployed(
  machine: LabMachineOptions,
  choice: Parameters<typeof builtParts>[0],
  provision: Record<string, unknown>,
  fields: Record<string, unknown> = {},
  before?: Uint8Array,
  more: { config?: Record<string, unknown>; node?: Record<string, unknown> } = {},
) {
  const { image, ramdisk } = await builtParts(choice);
  await using parts = new AsyncDisposableStack();
  const rack = parts.use(
    await raiseRack({
      machines: [machine],
      ramdisk,
      config: { conductor: { automated_clean: before !== undefined }, ...more.config },
    }),
  );
  const { api, lab } = rack.rack;
  const node1 = lab.machine('node1');
  const uuid = await rack.rack.enrol(node1, { capabilities: `boot_mode:${machine.firmware}` });
  if (more.node) await api.patch(uuid, more.node);
  await api.provision(uuid, 'manage');
  await api.waitForState(uuid, 'manageable', { timeout: MINUTES });
  const disk = node1.machine.diskPaths[0]!;
  if (before) {
    writeBytes(disk, before, 0);
    expect(isBlank(disk, 0, MIB)).toBe(false);
  }
  await api.provision(uuid, 'provide');
  await api.waitForState(uuid, 'available', { timeout: before ? 8 * MINUTES : MINUTES });
  if (before) expect(isBlank(disk, 0, MIB), 'the old partition table').toBe(true);
  await api.patch(uuid, { ...imageFields(rack.rack.publish(image), image), ...fields });
  const since = node1.machine.console.position;
  await api.provision(uuid, 'active', provision);
  await api.waitForState(uuid, 'active', { timeout: 10 * MINUTES });
  const hello = new RegExp(`${image.hello.source}\n`);
  const [line] = await node1.machine.console.waitFor(hello, { since, timeout: 5 * MINUTES });
  parts.move();
  return { rack, uuid, hello: line };
}
