// The page "Creating custom images", whole: its eleven steps with libguestfs and disk-image-builder, on a base image made
// of Debian packages, and every image that comes of them booted.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { STEP_NAMES } from '../../image-build/pipeline/step-name.js';
import { ferric } from '../support/cli/command-line.js';
import { bootMachine, diskOf, logIn } from '../support/image-build/virtual-machine.js';
import { PASSWORD, Workplace } from '../support/image-build/workplace.js';
import { writeDebianConfig } from '../support/pipeline/debian-config.js';

const PATIENCE = 900_000;
const place = new Workplace('eleven-steps');
let file: string;
const out = (...names: string[]) => place.path('oooq-images', ...names);
const runIt = () => ferric(['image', 'pipeline', 'run', file, '--set', `jenkins_workspace=${place.home}`]);

beforeAll(async () => {
  await place.buildDisk('base');
  file = await writeDebianConfig(place.home);
});
afterAll(() => place.remove());

describe('the image pipeline with libguestfs', () => {
  test('does its eleven steps in their order, and publishes', async () => {
    const { status, stdout, stderr } = await runIt();
    expect({ status, stderr }).toMatchObject({ status: 0 });
    const done = [...stderr.matchAll(/^(\d+) (\S+) +\d/gm)].map(([, number, name]) => `${number} ${name}`);
    expect(done).toEqual(STEP_NAMES.map((name, index) => `${index + 1} ${name}`));
    const published = place.path('published');
    expect(stdout.split('\n')).toContain(`${published}/undercloud.qcow2`);
    execFileSync('md5sum', ['--check', 'undercloud.qcow2.md5'], { cwd: published, stdio: 'pipe' });
    execFileSync('sha256sum', ['--check', 'SHA256SUMS'], { cwd: out(), stdio: 'pipe' });
    expect(readdirSync(out('.ferric', 'scratch'))).toEqual([]);
    const content = readFileSync(out('content-undercloud.csv'), 'utf8');
    for (const name of [
      'ironic-python-agent.initramfs',
      'ironic-python-agent.kernel',
      'overcloud-full.initrd',
    ])
      expect(content).toMatch(new RegExp(`^-,0\\d+,\\d{6,},/home/stack/${name}$`, 'm'));
    expect((await runIt()).stderr.match(/skipped/g)).toHaveLength(STEP_NAMES.length);
  });

  test('the undercloud boots: larger, converted, with swap space and the images of the overcloud', async () => {
    await using machine = await bootMachine(diskOf(place.path('published', 'undercloud.qcow2')));
    await logIn(machine, PASSWORD, PATIENCE);
    machine.type(
      'hostname; df --output=size -BM / | tail -1; swapon --show --noheadings; id -un stack; ls -1 /home/stack; ' +
        'tree --version | cut -c1-6; pv --version | head -c3; test -e /bin/nano || echo no na""no\n',
    );
    await machine.waitFor(/no nano/, PATIENCE);
    const said = machine.said();
    expect(said).toMatch(/undercloud\.localdomain\r?\n +2[6-9]\d\dM\r?\n\/swapfile +file +64M/);
    expect(said).toMatch(/\nstack\r?\n/);
    expect(said).toMatch(
      /ironic-python-agent\.initramfs\s+ironic-python-agent\.kernel\s+overcloud-full\.initrd/,
    );
    expect(said).toMatch(/\ntree v\r?\npv/);
  });

  test('the overcloud boots by its own kernel and ramdisk', async () => {
    await using machine = await bootMachine([
      ...diskOf(out('overcloud-full.qcow2')),
      ...['-kernel', out('overcloud-full.vmlinuz'), '-initrd', out('overcloud-full.initrd')],
      ...['-append', 'root=LABEL=cloudimg-rootfs ro console=ttyS0'],
    ]);
    await logIn(machine, PASSWORD, PATIENCE);
    machine.type('tree --version | cut -c1-6; echo do""ne\n');
    await machine.waitFor(/tree v\r?\ndone/, PATIENCE);
  });

  test('the ramdisk boots by itself', async () => {
    await using machine = await bootMachine([
      ...['-m', '2048', '-kernel', out('ironic-python-agent.kernel')],
      ...['-initrd', out('ironic-python-agent.initramfs'), '-append', 'console=ttyS0'],
    ]);
    await logIn(machine, PASSWORD, PATIENCE);
  });
});
