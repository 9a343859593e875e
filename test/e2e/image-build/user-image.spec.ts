import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loopDevicesOf, mountsBelow } from '../../../image-build/session/leftover.js';
import { ferric } from '../../support/cli/command-line.js';
import { bootMachine, diskOf, logIn } from '../../support/image-build/virtual-machine.js';

const PASSWORD = 'by-the-serial-console';
const PATIENCE = 600_000;
const home = mkdtempSync(join(tmpdir(), 'ferric-user-image-'));
const scratch = join(home, 'scratch');
const cache = resolve('.lab/cache/image-build');
const out = (name: string) => join(home, name);
const shared = [
  '--scratch',
  scratch,
  '--cache',
  cache,
  '--kernel',
  'cloud',
  '--element',
  'dhcp-all-interfaces',
];
const build = (name: string, ...args: string[]) =>
  ferric([
    ...['image', 'build', 'user', '-o', out(name), '--root-password-file', out('password')],
    ...shared,
    ...args,
  ]);

beforeAll(() => writeFileSync(out('password'), `${PASSWORD}\n`));
afterAll(() => rmSync(home, { recursive: true }));

describe('ferric image build user, backend direct', () => {
  test('a whole disk: one artefact with its sum; it boots by both firmwares’ loaders and is logged into', async () => {
    const { status, stderr } = await build('whole', '--type', 'whole-disk');
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(stderr).toContain('backend direct: the quickest that can do this');
    expect(stderr).toContain(`log: ${out('whole')}.log`);
    expect(stderr).not.toContain(PASSWORD);
    expect(readFileSync(out('whole.log'), 'utf8')).not.toContain(PASSWORD);
    expect(
      readdirSync(home)
        .filter((name) => name.startsWith('whole'))
        .sort(),
    ).toEqual(['whole.log', 'whole.qcow2', 'whole.sha256']);
    execFileSync('sha256sum', ['--check', '--strict', 'whole.sha256'], { cwd: home, stdio: 'pipe' });
    const seen = JSON.parse((await ferric(['image', 'inspect', '--json', out('whole.qcow2')])).stdout);
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
    await using machine = await bootMachine(diskOf(out('whole.qcow2')));
    await logIn(machine, PASSWORD, PATIENCE);
  });

  test('a partition: the trio; its own kernel and ramdisk boot it, and GRUB is inside for both firmwares', async () => {
    const { status, stderr } = await build(
      'part',
      '--type',
      'partition',
      '--element',
      'dhcp-all-interfaces',
      'grub2',
    );
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(stderr).toContain('from the cache');
    execFileSync('sha256sum', ['--check', '--strict', 'part.sha256'], { cwd: home, stdio: 'pipe' });
    expect(readFileSync(out('part.sha256'), 'utf8').match(/part\.\w+/g)).toEqual([
      'part.qcow2',
      'part.vmlinuz',
      'part.initrd',
    ]);
    const seen = async (name: string) =>
      JSON.parse((await ferric(['image', 'inspect', '--json', out(name)])).stdout);
    expect(await seen('part.qcow2')).toMatchObject({
      kind: 'partition',
      safe: true,
      partition_table: null,
      boots: { bios: true, uefi: true },
    });
    expect(await seen('part.vmlinuz')).toMatchObject({ kind: 'kernel' });
    expect(await seen('part.initrd')).toMatchObject({ kind: 'ramdisk' });
    await using machine = await bootMachine([
      ...[...diskOf(out('part.qcow2')), '-kernel', out('part.vmlinuz'), '-initrd', out('part.initrd')],
      ...['-append', 'root=LABEL=img-rootfs ro console=ttyS0'],
    ]);
    await machine.waitFor(/ login: /, PATIENCE);
  });

  test.each(['sources', 'packages', 'configuration', 'disk', 'compress'])(
    'Ctrl-C in the stage %s leaves no mount, loop device, process or partial file',
    async (stage) => {
      const own = join(home, `given-up-${stage}`);
      // Packages are installed anew in that stage's own cache: mmdebstrap is to be at work.
      const caches = stage === 'packages' ? ['--cache', join(own, 'cache')] : [];
      const args = [
        'image',
        'build',
        'user',
        '--type',
        'whole-disk',
        '-o',
        join(own, 'image'),
        ...shared,
        ...caches,
      ];
      const child = spawn(process.execPath, ['dist/cli/main.js', ...args], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
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
      expect(said).toContain(`log: ${join(own, 'image')}.log`);
      expect(readdirSync(own).filter((name) => name !== 'cache')).toEqual(['image.log']);
      expect(readdirSync(scratch)).toEqual([]);
      expect(mountsBelow(home)).toEqual([]);
      expect(loopDevicesOf(home)).toEqual([]);
      expect(processesNaming(home)).toEqual([]);
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
