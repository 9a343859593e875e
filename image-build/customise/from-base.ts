import { existsSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { FerricError, UnsupportedError } from '../../src/domain/errors.js';
import { qemuSource } from '../../src/protocol/image-format/qemu-source.js';
import { inspectFile } from '../inspect/inspect.js';
import { run } from '../process/run.js';
import type { PublishedFile } from '../session/artefact.js';
import type { BuildSession } from '../session/build-session.js';
import type { Backend, UserImageRequest } from '../user/request.js';
import type { Customiser } from './customiser.js';
import { GuestfsCustomiser } from './guestfs.js';
import { LoopCustomiser } from './loop.js';

const HOUR = 3_600_000;

/** Backends `loop` and `guestfs` change an existing whole disk by packages and scripts only. */
function objection({ base, kind, elements, access, size, scripts }: UserImageRequest): string | undefined {
  if (base === undefined) return 'it changes an image that is there: name it with --base';
  if (kind !== 'whole-disk') return 'it changes whole disks only';
  if (elements.length > 0) return 'elements are for systems made of packages';
  if (access.rootPasswordHash !== undefined || access.sshKeys.length > 0 || access.user !== undefined)
    return 'logins are for systems made of packages; a --run script can make them';
  if (size !== undefined) return 'it keeps the size of the disk';
  const absent = [base, ...scripts].filter((path) => !existsSync(path));
  return absent.length > 0 ? `there is no ${absent.join(', ')}` : undefined;
}

export const loop: Backend = {
  name: 'loop',
  about: 'this kernel mounts the image, and programs run in it by chroot',
  objection,
  missing: () => customiser('loop', '').missing(),
};

export const guestfs: Backend = {
  name: 'guestfs',
  about: 'libguestfs changes the image in a virtual machine of its own',
  objection,
  missing: () => customiser('guestfs', '').missing(),
};

function customiser(name: 'loop' | 'guestfs', scratch: string): Customiser {
  const machine = { memory: 1024, processors: availableParallelism(), verbose: false, trace: false };
  return name === 'loop' ? new LoopCustomiser(scratch) : new GuestfsCustomiser(scratch, machine);
}

/** @throws FerricError `image-refused` when the base is unsafe or not a whole disk */
export async function buildFromBase(
  session: BuildSession,
  request: UserImageRequest,
  name: 'loop' | 'guestfs',
): Promise<PublishedFile[]> {
  const { base, packages, scripts, output } = request;
  if (base === undefined) throw new UnsupportedError('no base was named');
  const report = await inspectFile(session, base);
  if (!report.safe) throw new FerricError('image-refused', `${base} is unsafe: ${report.faults.join('; ')}`);
  if (report.kind !== 'whole-disk')
    throw new FerricError('image-refused', `${base} is no whole disk: ${report.kind}`);
  const [from, changed, image] = ['base.qcow2', 'changed.qcow2', 'image.qcow2'].map((file) =>
    session.path(file),
  );
  await session.stage('base', async (stage) => {
    stage.watch(from!);
    const { options, source } = qemuSource(report.format, report.file)!;
    await run('qemu-img', ['convert', ...options, '-O', 'qcow2', '--', source, from!], { timeout: HOUR });
  });
  const inside = customiser(name, session.scratch);
  await session.stage('change', async (stage) => {
    stage.watch(changed!);
    const install = packages.length > 0 ? [await installer(session.path('install-packages'), packages)] : [];
    const work = { scripts: [...install, ...scripts.map((script) => resolve(script))], uploads: [] };
    await inside.customise(from!, changed!, work);
  });
  await session.stage('compress', async (stage) => {
    stage.watch(image!);
    await inside.compress(changed!, image!);
  });
  return session.stage('publish', () => session.publish({ [`${output}.qcow2`]: image! }, `${output}.sha256`));
}

/** A script that installs Debian packages; their names have been validated. */
async function installer(path: string, packages: readonly string[]): Promise<string> {
  const install = `apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  await writeFile(
    path,
    `#!/bin/sh\nset -e\nexport DEBIAN_FRONTEND=noninteractive\napt-get update\n${install}\napt-get clean\n`,
  );
  await chmod(path, 0o755);
  return path;
}
