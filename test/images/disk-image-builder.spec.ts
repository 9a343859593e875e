// Debian's disk-image-builder, each image built from packages and booted to its login.
import { readdirSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { bootMachine, diskOf, logIn, UEFI } from '../support/image-build/virtual-machine.js';
import { PASSWORD, Workplace } from '../support/image-build/workplace.js';

const PATIENCE = 900_000;
const place = new Workplace('dib');
const build = (name: string, type: string, ...args: string[]) =>
  place.build('user', name, '--backend', 'dib', '--type', type, ...args);
const password = ['--root-password-file', place.path('password')];

afterAll(() => place.remove());

describe('Debian by disk-image-builder', () => {
  test('the partition trio of the documentation', async () => {
    await build('my-image', 'partition', '--element', 'baremetal', 'dhcp-all-interfaces', 'grub2');
    const names = readdirSync(place.home).filter((name) => name.startsWith('my-image'));
    expect(names.sort()).toEqual(
      ['initrd', 'log', 'qcow2', 'sha256', 'vmlinuz'].map((extension) => `my-image.${extension}`),
    );
    expect(await place.inspect('my-image.qcow2')).toMatchObject({ kind: 'partition', safe: true });
    expect(await place.inspect('my-image.vmlinuz')).toMatchObject({ kind: 'kernel' });
    await using machine = await bootMachine([
      ...diskOf(place.path('my-image.qcow2')),
      ...['-kernel', place.path('my-image.vmlinuz'), '-initrd', place.path('my-image.initrd')],
      ...['-append', 'root=LABEL=cloudimg-rootfs ro console=ttyS0'],
    ]);
    await machine.waitFor(/ login: /, PATIENCE);
  });

  test('the whole disk', async () => {
    await build('disk', 'whole-disk', '--element', 'vm', 'dhcp-all-interfaces', ...password);
    const report = await place.inspect('disk.qcow2');
    expect(report).toMatchObject({ kind: 'whole-disk', safe: true, boots: { bios: true } });
    await using machine = await bootMachine(diskOf(place.path('disk.qcow2')));
    await logIn(machine, PASSWORD, PATIENCE);
  });

  test('the whole disk with an EFI partition, which boots by BIOS too', async () => {
    const elements = ['vm', 'block-device-efi', 'dhcp-all-interfaces'];
    await build('efi', 'whole-disk', '--efi', '--element', ...elements, ...password);
    const report = await place.inspect('efi.qcow2');
    expect(report).toMatchObject({ kind: 'whole-disk', safe: true, boots: { bios: true, uefi: true } });
    for (const firmware of [UEFI, []]) {
      await using machine = await bootMachine([...firmware, ...diskOf(place.path('efi.qcow2'))]);
      await logIn(machine, PASSWORD, PATIENCE);
    }
  });
});
