import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loopDevicesOf, mountsBelow } from '../../image-build/session/leftover.js';
import { ferric } from '../support/cli/command-line.js';
import { bootMachine, diskOf, logIn, UEFI } from '../support/image-build/virtual-machine.js';

const PASSWORD = 'by-the-serial-console';
const PATIENCE = 900_000;
const home = mkdtempSync(join(tmpdir(), 'ferric-dib-'));
const scratch = join(home, 'scratch');
const out = (name: string) => join(home, name);

beforeAll(() => writeFileSync(out('password'), `${PASSWORD}\n`));
afterAll(() => rmSync(home, { recursive: true }));

async function build(name: string, ...args: string[]): Promise<void> {
  const cache = resolve('.lab/cache/image-build');
  const places = ['--scratch', scratch, '--cache', cache, '-o', out(name), '--backend', 'dib'];
  const { status, stderr } = await ferric(['image', 'build', 'user', ...places, ...args]);
  expect({ status, stderr }).toMatchObject({ status: 0 });
  execFileSync('sha256sum', ['--check', '--strict', `${name}.sha256`], { cwd: home, stdio: 'pipe' });
  expect({ scratch: readdirSync(scratch), mounts: mountsBelow(home), loops: loopDevicesOf(home) }).toEqual({
    scratch: [],
    mounts: [],
    loops: [],
  });
}

const inspect = async (name: string) =>
  JSON.parse((await ferric(['image', 'inspect', '--json', out(name)])).stdout);

describe('Debian by disk-image-builder', () => {
  test('the partition trio of the documentation', async () => {
    await build('my-image', '--type', 'partition', '--element', 'baremetal', 'dhcp-all-interfaces', 'grub2');
    expect(await inspect('my-image.qcow2')).toMatchObject({ kind: 'partition', safe: true });
    expect(await inspect('my-image.vmlinuz')).toMatchObject({ kind: 'kernel' });
    await using machine = await bootMachine([
      ...[
        ...diskOf(out('my-image.qcow2')),
        '-kernel',
        out('my-image.vmlinuz'),
        '-initrd',
        out('my-image.initrd'),
      ],
      ...['-append', 'root=LABEL=cloudimg-rootfs ro console=ttyS0'],
    ]);
    await machine.waitFor(/ login: /, PATIENCE);
  });

  test('the whole disk with an EFI partition boots by BIOS and by UEFI', async () => {
    const elements = ['--efi', '--element', 'vm', 'block-device-efi', 'dhcp-all-interfaces'];
    await build('disk', '--type', 'whole-disk', ...elements, '--root-password-file', out('password'));
    expect(await inspect('disk.qcow2')).toMatchObject({
      kind: 'whole-disk',
      boots: { bios: true, uefi: true },
    });
    {
      await using machine = await bootMachine(diskOf(out('disk.qcow2')));
      await logIn(machine, PASSWORD, PATIENCE);
    }
    await using machine = await bootMachine([...UEFI, ...diskOf(out('disk.qcow2'))]);
    await logIn(machine, PASSWORD, PATIENCE);
  });
});
