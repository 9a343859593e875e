import { writeFile } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { UnsupportedError } from '../../src/domain/errors.js';
import { ProgramError } from '../error.js';
import { diskFormatOf } from '../inspect/disk-format.js';
import { missingTools } from '../probe/tool.js';
import { run } from '../process/run.js';
import { applianceEnvironment, missingKernel } from './appliance.js';
import type { Customisation, Customiser, Machine } from './customiser.js';
import { partitionsOf, rootPartition, virtualSize } from './partition-table.js';

/** Timeout, ms: scripts install packages, and the appliance may be emulated. */
const LONG = 6 * 3_600_000;

/** Backend libguestfs: each operation runs in an appliance, isolated from this machine. */
export class GuestfsCustomiser implements Customiser {
  readonly name = 'guestfs';

  constructor(
    private readonly scratch: string,
    private readonly machine: Machine,
    /** virt-sparsify's --check-tmpdir: its reaction when the scratch space looks too small. */
    private readonly checkTmpdir = 'fail',
  ) {}

  missing(): string[] {
    return [
      ...missingTools(['virt-customize', 'virt-resize', 'virt-sparsify', 'virt-ls', 'virt-cat', 'qemu-img']),
      ...missingKernel(),
    ];
  }

  async customise(image: string, target: string, { scripts, uploads }: Customisation): Promise<void> {
    const { verbose, trace } = this.machine;
    await copyImage(image, target);
    const directories = [...new Set(uploads.map(({ directory }) => directory))];
    await this.#run('virt-customize', [
      ...['-m', String(memory(this.machine)), '--smp', String(processors(this.machine))],
      ...(verbose ? ['-v'] : []),
      ...(trace ? ['-x'] : []),
      ...(await disk(target)),
      ...scripts.flatMap((script) => ['--run', script]),
      ...directories.flatMap((directory) => ['--mkdir', directory]),
      ...uploads.flatMap(({ file, directory }) => ['--upload', `${file}:${directory}`]),
    ]);
  }

  async enlarge(image: string, target: string, bytes: number): Promise<void> {
    const size = await virtualSize(image);
    if (size > bytes)
      throw new UnsupportedError(`the image has a disk of ${size} bytes, which is more than ${bytes}`);
    if (size === bytes) return copyImage(image, target);
    const partitions = await partitionsOf(image, join(this.scratch, 'head.raw'));
    if (!partitions) throw new UnsupportedError('the image has no partition table; virt-resize needs one');
    await run('qemu-img', ['create', '-q', '-f', 'qcow2', target, String(bytes)]);
    await this.#run('virt-resize', [
      ...['--format', await diskFormatOf(image), '--output-format', 'qcow2'],
      '--expand',
      `/dev/sda${rootPartition(partitions).number}`,
      image,
      target,
    ]);
  }

  async compress(image: string, target: string): Promise<void> {
    const flags = ['--tmp', this.scratch, '--check-tmpdir', this.checkTmpdir];
    await this.#run('virt-sparsify', [
      ...flags,
      '--format',
      await diskFormatOf(image),
      '--compress',
      image,
      target,
    ]);
  }

  async list(image: string, target: string): Promise<void> {
    await writeFile(target, `${await this.#run('virt-ls', [...(await disk(image)), '-lR', '--csv', '/'])}\n`);
  }

  async builderLog(image: string, target: string): Promise<void> {
    try {
      await writeFile(
        target,
        `${await this.#run('virt-cat', [...(await disk(image)), '/tmp/builder.log'])}\n`,
      );
    } catch (error) {
      // No script has run in it, or one has cleared /tmp.
      if (!(error instanceof ProgramError) || !/No such file|builder\.log/.test(error.output)) throw error;
      await writeFile(target, 'the image has no /tmp/builder.log\n');
    }
  }

  #run(program: string, args: readonly string[]): Promise<string> {
    return run(program, args, { timeout: LONG, env: applianceEnvironment(), grace: 10_000 });
  }
}

/** Options for an image with its format, which libguestfs would otherwise guess. */
async function disk(image: string): Promise<string[]> {
  return ['--format', await diskFormatOf(image), '-a', image];
}

export async function copyImage(image: string, target: string): Promise<void> {
  await run('cp', ['--reflink=auto', '--sparse=always', image, target], { timeout: LONG });
}

/** Memory of the appliance, MiB: at most half of this machine's. */
function memory({ memory }: Machine): number {
  return Math.min(memory, Math.floor(totalmem() / 2 ** 21));
}

function processors({ processors }: Machine): number {
  return Math.min(processors, availableParallelism());
}
