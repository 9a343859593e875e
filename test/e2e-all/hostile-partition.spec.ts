import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { hostileImage, WAYS_OUT, waysOut } from '../support/agent/hostile-image.js';
import { tableOf } from '../support/e2e/disk-table.js';
import { builtPartition, deployedHello, partitionFields } from '../support/e2e/partition.js';
import { aMachine, availableNode, builtParts, GIB, raiseRack } from '../support/e2e/rack.js';

/** Files of the ramdisk: the agent, the programs, the first process, its log, what the kernel was told. */
const OF_THE_RAMDISK = [
  '/agent/agent.mjs',
  '/usr.squashfs',
  '/init',
  '/run/ferric-agent/agent.log',
  '/early/loop.ko',
];
/** In the place of GRUB's installer; ends as that one, so that the deployment succeeds all the same. */
const INSTALLER = `#!/bin/sh
{
  for path in ${OF_THE_RAMDISK.join(' ')}; do
    export CANARY=$path NAME=ferric
    /usr/bin/perl /ways-out.pl
    [ -e "$path" ] && echo "$path ok"
  done
} > /ways-out.txt 2>&1
exec /usr/sbin/grub-install.real "$@"
`;

it('programs of a partition image find no way out into the deploy ramdisk, and its system starts', async () => {
  const { ramdisk } = await builtParts();
  const parts = await builtPartition();
  const dir = mkdtempSync(join(tmpdir(), 'hostile-'));
  const image = join(dir, 'image.raw');
  try {
    copyFileSync(parts.image.path, image);
    const mounted = join(dir, 'mounted');
    execFileSync('mkdir', [mounted]);
    execFileSync('mount', ['-o', 'loop', image, mounted]);
    try {
      hostileImage(mounted);
      writeFileSync(join(mounted, 'ways-out.pl'), WAYS_OUT);
      renameSync(join(mounted, 'usr/sbin/grub-install'), join(mounted, 'usr/sbin/grub-install.real'));
      writeFileSync(join(mounted, 'usr/sbin/grub-install'), INSTALLER, { mode: 0o755 });
    } finally {
      execFileSync('umount', [mounted]);
    }
    const sha256 = createHash('sha256').update(readFileSync(image)).digest('hex');
    const disks = [{ bus: 'virtio' as const, size: 6 * GIB }];
    await using raised = await raiseRack({ machines: [aMachine('bios', { disks })], ramdisk });
    const { rack } = raised;
    const one = await availableNode(rack, rack.lab.machine('node1'), 'bios');
    await rack.api.patch(
      one,
      partitionFields(rack, { ...parts, image: { ...parts.image, path: image, sha256 } }),
    );
    await rack.api.provision(one, 'active');
    const { machine } = rack.lab.machine('node1');
    await deployedHello(rack, rack.lab.machine('node1'), one);
    await machine.off();
    const disk = machine.diskPaths[0]!;
    const { start } = tableOf(disk).partitions.at(-1)!;
    const text = execFileSync('debugfs', ['-R', 'cat /ways-out.txt', `${disk}?offset=${start * 512}`], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const found = waysOut(text);
    expect(found.size).toBeGreaterThan(120);
    expect([...found].filter(([, how]) => how === 'ok')).toEqual([]);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
