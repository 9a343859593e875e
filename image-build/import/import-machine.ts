import { FerricError } from '../../src/domain/errors.js';
import { qemuSource } from '../../src/protocol/image-format/qemu-source.js';
import { applianceEnvironment, missingKernel } from '../customise/appliance.js';
import { GuestfsCustomiser } from '../customise/guestfs.js';
import { toQcow2 } from '../direct/whole-disk.js';
import { MissingToolsError } from '../error.js';
import { inspectFile } from '../inspect/inspect.js';
import type { ImageReport } from '../inspect/report.js';
import { missingTools } from '../probe/tool.js';
import { run } from '../process/run.js';
import type { PublishedFile } from '../session/artefact.js';
import type { BuildSession } from '../session/build-session.js';
import { refuseInUse } from './machine-disk.js';

const HOUR = 3_600_000;

export interface ImportWishes {
  /** Whether to make it a template: removes host keys, machine id, logs and the like (virt-sysprep). */
  sysprep: boolean;
  /** Whether to discard blocks that its file systems do not use (virt-sparsify). */
  sparsify: boolean;
}

export interface ImportedDisk {
  image: PublishedFile;
  report: ImageReport;
}

/**
 * Makes an image from a machine's disk; the disk itself is only read.
 * @param disk path of the disk file
 * @param output path without extension: `.qcow2` and `.sha256` follow
 * @throws FerricError `conflict` when the disk is in use, `image-refused` when it is unsafe or not a disk
 */
export async function importMachine(
  session: BuildSession,
  disk: string,
  output: string,
  { sysprep, sparsify }: ImportWishes,
): Promise<ImportedDisk> {
  refuseInUse(disk);
  const report = await inspectFile(session, disk);
  if (!report.safe) throw new FerricError('image-refused', `${disk} is unsafe: ${report.faults.join('; ')}`);
  if (report.kind !== 'whole-disk')
    throw new FerricError(
      'image-refused',
      `${disk} is no disk of a machine: ${report.kind}, ${report.unseen.join('; ')}`,
    );
  const [copy, image] = [session.path('copy.qcow2'), session.path('image.qcow2')];
  const { options, source } = qemuSource(report.format, report.file)!;
  const convert = (to: string, ...flags: string[]) =>
    session.stage('convert', async (stage) => {
      stage.watch(to);
      await run('qemu-img', ['convert', ...flags, ...options, '-O', 'qcow2', '--', source, to], {
        timeout: 6 * HOUR,
      });
    });
  if (!sysprep && !sparsify) await convert(image, '-c');
  else {
    await convert(copy);
    if (sysprep) await session.stage('sysprep', () => prepare(copy));
    await session.stage(sparsify ? 'sparsify' : 'compress', async (stage) => {
      stage.watch(image);
      if (sparsify) await guestfs(session.scratch).compress(copy, image);
      else await toQcow2(copy, image, 'qcow2');
    });
  }
  refuseInUse(disk); // a machine started meanwhile would have changed the disk during the copy
  const [published] = await session.stage('publish', () =>
    session.publish({ [`${output}.qcow2`]: image }, `${output}.sha256`),
  );
  return { image: published!, report };
}

/** @throws MissingToolsError before any work */
export function probeImport({ sysprep, sparsify }: ImportWishes): void {
  const appliance = sysprep || sparsify;
  const missing = [
    ...missingTools(['qemu-img', 'debugfs', 'mdir']),
    ...(sysprep ? missingTools(['virt-sysprep']) : []),
    ...(sparsify ? missingTools(['virt-sparsify']) : []),
    ...(appliance ? missingKernel() : []),
  ];
  if (missing.length > 0) throw new MissingToolsError(missing);
}

async function prepare(image: string): Promise<void> {
  await run('virt-sysprep', ['--format', 'qcow2', '-a', image], {
    timeout: HOUR,
    env: applianceEnvironment(),
    grace: 10_000,
  });
}

function guestfs(scratch: string): GuestfsCustomiser {
  return new GuestfsCustomiser(scratch, { memory: 1024, processors: 2, verbose: false, trace: false });
}
