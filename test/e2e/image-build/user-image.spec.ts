import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { loopDevicesOf, mountsBelow } from '../../../image-build/session/leftover.js';
import { ferric } from '../../support/cli/command-line.js';
import { bootMachine, diskOf, logIn, UEFI } from '../../support/image-build/virtual-machine.js';
import { CACHE, PASSWORD, Workplace } from '../../support/image-build/workplace.js';

const PATIENCE = 600_000;
const place = new Workplace('user-image');

afterAll(() => place.remove());

describe('ferric image build user, backend direct', () => {
  test('a whole disk: one artefact with its sum; BIOS and UEFI boot it, and it is logged into', async () => {
    const said = await place.buildDisk('whole', '--efi');
    expect(said).toContain(`log: ${place.path('whole')}.log`);
    expect(said).not.toContain(PASSWORD);
    expect(readFileSync(place.path('whole.log'), 'utf8')).not.toContain(PASSWORD);
    expect(
      readdirSync(place.home)
        .filter((name) => name.startsWith('whole'))
        .sort(),
    ).toEqual(['whole.log', 'whole.qcow2', 'whole.sha256']);
    const seen = await place.inspect('whole.qcow2');
    expect(seen).toMatchObject({
      kind: 'whole-disk',
      format: 'qcow2',
      safe: true,
      partition_table: 'gpt',
      boots: { bios: true, uefi: true },
      system: { grub: { installer: true, bios: true, uefi: true, configuration: true } },
    });
    expect(seen.partitions).toMatchObject([
      { role: 'bios-boot' },
      { role: 'esp', file_system: 'vfat' },
      { file_system: 'ext4', label: 'img-rootfs' },
    ]);
    expect(seen.system.os).toContain('Debian GNU/Linux 12');
    const boot = async (firmware: readonly string[], seen: RegExp) => {
      await using machine = await bootMachine([...firmware, ...diskOf(place.path('whole.qcow2'))]);
      await logIn(machine, PASSWORD, PATIENCE);
      machine.type('test -d /sys/firmware/efi && echo by-UE""FI || echo by-BI""OS\n');
      await machine.waitFor(seen, PATIENCE);
    };
    await Promise.all([boot([], /by-BIOS/), boot(UEFI, /by-UEFI/)]);
  });

  test('a partition: the trio; its own kernel and ramdisk boot it, and GRUB is inside for both firmwares', async () => {
    const said = await place.build(
      'user',
      'part',
      ...['--type', 'partition', '--kernel', 'cloud', '--element', 'dhcp-all-interfaces', 'grub2'],
      ...['--root-password-file', place.path('password')],
    );
    expect(said).toContain('backend direct: the quickest that can do this');
    expect(said).toContain('from the cache');
    expect(readFileSync(place.path('part.sha256'), 'utf8').match(/part\.\w+/g)).toEqual([
      'part.qcow2',
      'part.vmlinuz',
      'part.initrd',
    ]);
    expect(await place.inspect('part.qcow2')).toMatchObject({
      kind: 'partition',
      safe: true,
      partition_table: null,
      boots: { bios: true, uefi: true },
    });
    expect(await place.inspect('part.vmlinuz')).toMatchObject({ kind: 'kernel' });
    expect(await place.inspect('part.initrd')).toMatchObject({ kind: 'ramdisk' });
    await using machine = await bootMachine([
      ...diskOf(place.path('part.qcow2')),
      ...['-kernel', place.path('part.vmlinuz'), '-initrd', place.path('part.initrd')],
      ...['-append', 'root=LABEL=img-rootfs ro console=ttyS0'],
    ]);
    await logIn(machine, PASSWORD, PATIENCE);
  });

  test('a package that there is not is named before anything is installed', async () => {
    const args = ['--type', 'partition', '--package', 'htop', 'openssh-servr', '-o', place.path('none')];
    const { status, stderr } = await ferric([
      'image',
      'build',
      'user',
      ...args,
      '--scratch',
      place.path('scratch'),
    ]);
    expect(stderr).toContain('--package: Debian bookworm has no openssh-servr; near to it: openssh-server');
    expect(stderr).not.toMatch(/^packages /m);
    expect(status).toBe(2);
  });

  test.concurrent.each(['sources', 'packages', 'configuration', 'disk', 'compress'])(
    'Ctrl-C in the stage %s leaves no mount, loop device, process or partial file',
    async (stage) => {
      // Each in a place of its own: they run side by side.
      const own = place.path(`given-up-${stage}`);
      // Packages are installed anew in that stage's own cache: mmdebstrap is to be at work.
      const cache = stage === 'packages' ? `${own}/cache` : CACHE;
      const scratch = `${own}-scratch`;
      const child = spawn(
        process.execPath,
        [
          ...['dist/cli/main.js', 'image', 'build', 'user', '--type', 'whole-disk', '--kernel', 'cloud'],
          ...['--element', 'dhcp-all-interfaces', '-o', `${own}/image`],
          ...['--scratch', scratch, '--cache', cache],
        ],
        { stdio: ['ignore', 'pipe', 'pipe'] },
      );
      let said = '';
      child.stderr.on('data', (chunk: Buffer) => {
        said += chunk.toString('utf8');
      });
      const closed = once(child, 'close');
      for (const late = performance.now() + PATIENCE; !said.includes(`${stage.padEnd(24)} started`); ) {
        if (performance.now() > late || child.exitCode !== null) throw new Error(`never began: ${said}`);
        await new Promise((done) => setTimeout(done, 20));
      }
      await new Promise((done) => setTimeout(done, stage === 'packages' ? 4_000 : 300));
      child.kill('SIGINT');
      const [status] = await closed;
      expect({ status, said }).toMatchObject({ status: 130 });
      expect(said).toContain(`log: ${own}/image.log`);
      expect(readdirSync(own).filter((name) => name !== 'cache')).toEqual(['image.log']);
      expect(readdirSync(scratch)).toEqual([]);
      for (const directory of [own, scratch]) {
        expect(mountsBelow(directory)).toEqual([]);
        expect(loopDevicesOf(directory)).toEqual([]);
        expect(processesNaming(directory)).toEqual([]);
      }
    },
  );
});

/** Command lines and environments that name a directory, of others than this process. */
function processesNaming(directory: string): string[] {
  const read = (path: string) => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return ''; // gone meanwhile
    }
  };
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && pid !== String(process.pid))
    .filter((pid) => ['cmdline', 'environ'].some((file) => read(`/proc/${pid}/${file}`).includes(directory)));
}
