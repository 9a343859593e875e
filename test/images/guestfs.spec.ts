// libguestfs: a virtual machine of its own, emulated where there is no KVM, looks into images and changes them.
import { createHash } from 'node:crypto';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GuestfsCustomiser } from '../../image-build/customise/guestfs.js';
import { BuildSession } from '../../image-build/session/build-session.js';
import { ferric } from '../support/cli/command-line.js';
import { machineXml, startLibvirt } from '../support/image-build/libvirt.js';
import { bootMachine, diskOf, logIn, UEFI } from '../support/image-build/virtual-machine.js';
import { PASSWORD, Workplace } from '../support/image-build/workplace.js';

const PATIENCE = 900_000;
const place = new Workplace('guestfs');
const sumOf = (name: string) =>
  createHash('sha256')
    .update(readFileSync(place.path(name)))
    .digest('hex');

beforeAll(async () => {
  await place.buildDisk('base');
});
afterAll(() => place.remove());

describe('guestfs', () => {
  test('changes an image by packages and a script; it boots and shows both', async () => {
    const before = sumOf('base.qcow2');
    writeFileSync(place.path('change'), '#!/bin/sh\nset -eu\necho changed-inside > /etc/marker\n');
    chmodSync(place.path('change'), 0o755);
    await place.build(
      'user',
      'changed',
      ...['--backend', 'guestfs', '--type', 'whole-disk', '--base', place.path('base.qcow2')],
      ...['--package', 'tree', '--run', place.path('change')],
    );
    expect(sumOf('base.qcow2')).toBe(before);
    await using machine = await bootMachine(diskOf(place.path('changed.qcow2')));
    await logIn(machine, PASSWORD, PATIENCE);
    machine.type('cat /etc/marker; tree --version | cut -c1-6; echo do""ne\n');
    await machine.waitFor(/changed-inside\r?\ntree v\r?\ndone/, PATIENCE);
  });

  test('makes a disk larger, with its partition and file system; it boots by BIOS and by UEFI', async () => {
    const size = 3 * 2 ** 30;
    const [base, larger] = [place.path('base.qcow2'), place.path('larger.qcow2')];
    await BuildSession.use(
      { logFile: place.path('larger.log'), scratchBase: place.path('scratch') },
      (session) => {
        const machine = { memory: 1024, processors: 2, verbose: false, trace: false };
        return new GuestfsCustomiser(session.scratch, machine).enlarge(base, larger, size);
      },
    );
    const report = await place.inspect('larger.qcow2');
    expect(report).toMatchObject({ virtual_size: size, boots: { bios: true, uefi: true } });
    for (const firmware of [[], UEFI]) {
      await using machine = await bootMachine([...firmware, ...diskOf(larger)]);
      await logIn(machine, PASSWORD, PATIENCE);
      machine.type('df --output=size -BM / | tail -1\n');
      await machine.waitFor(/ 2[6-9]\d\dM/, PATIENCE);
    }
  });
});

describe('import-vm of a machine that libvirt runs', () => {
  test('is refused while it runs; shut off it becomes a template that boots', async () => {
    const name = `ferric-test-${process.pid}`;
    const importIt = (...args: string[]) =>
      ferric([
        ...['image', 'import-vm', '--domain', name, '--connect', 'qemu:///system', '--no-add'],
        ...['--scratch', place.path('scratch'), '-o', place.path('imported'), ...args],
      ]);
    await using libvirt = await startLibvirt();
    writeFileSync(place.path('machine.xml'), machineXml(name, place.path('base.qcow2')));
    await libvirt.define(name, place.path('machine.xml'));
    await libvirt.virsh('start', name);
    const running = await importIt();
    expect(running).toMatchObject({ status: 3 });
    expect(running.stderr).toContain(`the machine ${name} is running: shut it down first`);
    await libvirt.virsh('destroy', name);
    const made = await importIt('--sysprep', '--sparsify');
    expect({ status: made.status, stderr: made.stderr }).toMatchObject({ status: 0 });
    place.checkSums('imported');
    place.expectClean();
    await using machine = await bootMachine(diskOf(place.path('imported.qcow2')));
    await logIn(machine, PASSWORD, PATIENCE);
  });
});
