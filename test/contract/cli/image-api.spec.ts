import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ferric } from '../../support/cli/command-line.js';
import { type Glance, startGlance } from '../../support/glance.js';

let glance: Glance;
const home = mkdtempSync(join(tmpdir(), 'ferric-image-api-'));
const disk = join(home, 'machine.raw');
const libvirt = join(home, 'node.xml');

beforeAll(async () => {
  glance = await startGlance();
  // A disk with a table and a file system: what a machine leaves behind when it is shut down.
  const shell = `truncate -s 24M ${disk}
printf 'label: gpt\\nstart=2048, size=32768\\n' | sfdisk --quiet ${disk}
mke2fs -q -F -t ext4 -L root -E offset=1048576 ${disk} 16M`;
  execFileSync('sh', ['-ec', shell], { stdio: 'pipe' });
  // libvirt's own test driver: machines in a file, one shut off (5), one running.
  const domain = (name: string, file: string, state: number) => `<domain type='test'
    xmlns:test='http://libvirt.org/schemas/domain/test/1.0'><name>${name}</name><memory unit='MiB'>64</memory>
    <os><type>hvm</type></os><devices>
      <disk type='file' device='cdrom'><source file='/x.iso'/><target dev='sda'/></disk>
      <disk type='file' device='disk'><source file='${file}'/><target dev='vda'/></disk>
    </devices><test:runstate>${state}</test:runstate></domain>`;
  writeFileSync(libvirt, `<node>${domain('off', disk, 5)}${domain('on', disk, 1)}</node>`);
});
afterAll(async () => {
  await glance?.stop();
  rmSync(home, { recursive: true });
});

const importVm = (...args: string[]) =>
  ferric(['image', 'import-vm', '--endpoint', glance.url, '--scratch', join(home, 'scratch'), ...args]);

test('image list shows what Debian’s Image service has', async () => {
  const file = join(home, 'a.img');
  writeFileSync(file, Buffer.alloc(3 * 1024 * 1024, 7));
  await glance.openstack(
    'create',
    'mine',
    '--disk-format',
    'raw',
    '--container-format',
    'bare',
    '--file',
    file,
  );
  const { status, stdout, stderr } = await ferric(['image', 'list'], { OS_ENDPOINT: `${glance.url}/v2` });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(/^ID +Name +Format +Size +Status\n[0-9a-f-]{36} +mine +raw +3.0 MiB +active\n$/);
  const json = await ferric(['image', 'list', '--json', '--endpoint', glance.url]);
  expect(JSON.parse(json.stdout)).toMatchObject([{ name: 'mine', size: 3 * 1024 * 1024, status: 'active' }]);
});

describe('import-vm', () => {
  test('a machine of libvirt that is shut down becomes an image that the Image service gives back', async () => {
    const output = join(home, 'imported');
    const made = await importVm(
      ...['--domain', 'off', '--connect', `test://${libvirt}`, '-o', output, '--json'],
    );
    expect({ status: made.status, stderr: made.stderr }).toMatchObject({ status: 0 });
    const { files, image } = JSON.parse(made.stdout);
    expect(image).toMatchObject({ name: 'off', status: 'active', disk_format: 'qcow2', size: files[0].size });
    // Nothing was said of who may see it: that is the service's to say.
    expect(image.visibility).toBe('shared');
    execFileSync('sha256sum', ['--check', '--strict', 'imported.sha256'], { cwd: home, stdio: 'pipe' });
    const back = join(home, 'back.qcow2');
    await glance.openstack('save', '--file', back, image.id);
    execFileSync('cmp', [back, `${output}.qcow2`]);
    // The independent reader of the format finds the disk's own bytes.
    execFileSync('qemu-img', ['compare', '-f', 'qcow2', '-F', 'raw', back, disk], { stdio: 'pipe' });
  });

  test('one that runs, or whose disk is open somewhere, is refused before anything is made', async () => {
    const running = await importVm(
      '--domain',
      'on',
      '--connect',
      `test://${libvirt}`,
      '-o',
      join(home, 'no'),
    );
    expect(running).toMatchObject({ status: 3, stdout: '' });
    expect(running.stderr).toContain('the machine on is running: shut it down first');
    const holder = spawn('tail', ['-f', disk], { stdio: 'ignore' });
    await once(holder, 'spawn');
    try {
      const open = await importVm(disk, '-o', join(home, 'no'), '--no-add');
      expect(open).toMatchObject({ status: 3, stdout: '' });
      expect(open.stderr).toContain(`in use by tail (process ${holder.pid})`);
    } finally {
      holder.kill();
      await once(holder, 'exit');
    }
    const unknown = await importVm('--domain', 'none', '--connect', `test://${libvirt}`);
    expect(unknown).toMatchObject({ status: 2 });
    expect(unknown.stderr).toContain('libvirt knows no machine none');
    expect(readdirSync(home).filter((name) => /^no\.(qcow2|sha256)/.test(name))).toEqual([]);
  });
});
