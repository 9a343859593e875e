import { existsSync, readdirSync } from 'node:fs';
import { mkdir, rm, truncate, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { UnsupportedError } from '../../src/domain/errors.js';
import { gptSectorSizes } from '../../src/protocol/image-format/partition-table.js';
import { PARTITION_TABLE_BYTES, type Partition } from '../../src/protocol/image-format/partitions.js';
import { bytesAt } from '../inspect/bytes-at.js';
import { diskFormatOf } from '../inspect/disk-format.js';
import { missingRights, missingTools } from '../probe/tool.js';
import { run } from '../process/run.js';
import type { Customisation, Customiser } from './customiser.js';
import { INSIDE } from './inside.js';
import { readPartitions, rootPartition, virtualSize } from './partition-table.js';

/** Timeout, ms: scripts install packages. */
const LONG = 6 * 3_600_000;
const ALIGNMENT = 2 ** 20;

type Mode = 'customise' | 'grow' | 'trim' | 'list';

/** This machine's kernel mounts the image, and scripts run by chroot: fast, but for Linux file systems only. */
export class LoopCustomiser implements Customiser {
  readonly name = 'loop';

  constructor(private readonly scratch: string) {}

  missing(): string[] {
    return [
      ...missingRights(),
      ...missingTools(['losetup', 'partx', 'qemu-img', 'sfdisk', 'unshare']),
      ...(existsSync('/dev/loop-control') ? [] : ['loop devices (/dev/loop-control)']),
    ];
  }

  async customise(image: string, target: string, { scripts, uploads }: Customisation): Promise<void> {
    const work = [
      ...scripts.flatMap((script) => ['run', script]),
      ...uploads.flatMap(({ file, directory }) => ['put', file, directory]),
    ];
    await this.#changed(image, target, (disk) => this.#inside('customise', disk, work));
  }

  async enlarge(image: string, target: string, bytes: number): Promise<void> {
    const size = await virtualSize(image);
    if (size > bytes)
      throw new UnsupportedError(`the image has a disk of ${size} bytes, which is more than ${bytes}`);
    await this.#changed(image, target, async (disk) => {
      if (size < bytes) {
        await truncate(disk, bytes);
        const partitions = await readPartitions(disk);
        if (partitions) await growLast(disk, partitions);
      }
      await this.#inside('grow', disk);
    });
  }

  async compress(image: string, target: string): Promise<void> {
    await this.#changed(image, target, (disk) => this.#inside('trim', disk), ['-c']);
  }

  async list(image: string, target: string): Promise<void> {
    const disk = await this.#raw(image);
    try {
      await this.#inside('list', disk, [], target);
    } finally {
      await rm(disk, { force: true });
    }
  }

  async builderLog(_image: string, target: string): Promise<void> {
    await writeFile(target, 'the loop backend keeps what scripts print in the logs of the steps alone\n');
  }

  async #changed(
    image: string,
    target: string,
    change: (disk: string) => Promise<void>,
    flags: readonly string[] = [],
  ): Promise<void> {
    const disk = await this.#raw(image);
    try {
      await change(disk);
      await run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', ...flags, disk, target], {
        timeout: LONG,
      });
    } finally {
      await rm(disk, { force: true });
    }
  }

  async #raw(image: string): Promise<string> {
    const disk = join(this.scratch, 'disk.raw');
    await run('qemu-img', ['convert', '-f', await diskFormatOf(image), '-O', 'raw', image, disk], {
      timeout: LONG,
    });
    return disk;
  }

  /** @param output file of the result of `list` */
  async #inside(mode: Mode, disk: string, work: readonly string[] = [], output = '/dev/null'): Promise<void> {
    const root = join(this.scratch, 'root');
    await mkdir(root, { recursive: true });
    const readOnly = mode === 'list' ? ['--read-only'] : [];
    const partitions = await readPartitions(disk);
    const [sector] = await gptSectors(disk);
    const sectors = sector === undefined ? [] : ['--sector-size', String(sector)];
    const device = await run('losetup', ['--find', '--show', ...sectors, ...readOnly, disk]);
    const name = basename(device);
    // Partitions that another program has added outlive the detaching of a device, and block the names of ours.
    if (partitionDevices(name).length > 0) await run('partx', ['--delete', device]);
    // BLKPG, which kernels without partition scanning support, too.
    if (partitions) await run('partx', ['--add', device]);
    const program = join(this.scratch, 'inside.sh');
    await writeFile(program, INSIDE);
    await run(
      'unshare',
      [
        ...['--mount', '--pid', '--fork', '--kill-child', '--uts', '--ipc', '--', 'sh', program],
        ...[output, root, mode, device, ...partitionDevices(name), '--', ...work],
      ],
      { timeout: LONG, capture: false },
    );
    // After a failure the session detaches the devices of files below its scratch directory.
    if (partitions) await run('partx', ['--delete', device]);
    await run('losetup', ['--detach', device]);
  }
}

/** Partitions of a loop device that the kernel has now. */
function partitionDevices(name: string): string[] {
  return readdirSync(`/sys/block/${name}`)
    .filter((entry) => entry.startsWith(`${name}p`))
    .map((entry) => join('/dev', entry));
}

/** Sector sizes for which the disk has a GPT; empty: no GPT. */
async function gptSectors(disk: string): Promise<number[]> {
  return gptSectorSizes(await bytesAt(disk, 0, PARTITION_TABLE_BYTES));
}

/** Extends the partition of the root file system into the new space at the end of the disk. */
async function growLast(disk: string, partitions: readonly Partition[]): Promise<void> {
  const root = rootPartition(partitions);
  const last = partitions.reduce((a, b) => (b.start > a.start ? b : a));
  if (root.number !== last.number)
    throw new UnsupportedError(
      `partition ${root.number} is not the last one of the disk; the loop backend can only grow the last, guestfs can`,
    );
  // A GPT can grow only after its backup has moved to the new end.
  const sectors = await gptSectors(disk);
  if (sectors.length > 0 && !sectors.includes(512))
    throw new UnsupportedError(
      `the image is made for disks with sectors of ${sectors.join(' or ')} bytes; the loop backend can grow those of 512`,
    );
  if (sectors.length > 0) await run('sfdisk', ['--relocate', 'gpt-bak-std', disk]);
  await run('sfdisk', ['--no-reread', '-N', String(root.number), disk], { input: ', +\n' });
  const grown = (await readPartitions(disk))!.find(({ number }) => number === root.number)!;
  if (grown.size < root.size + ALIGNMENT)
    throw new UnsupportedError(`partition ${root.number} of the image did not grow`);
}
