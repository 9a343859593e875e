// The last step, and the files that a run keeps whether it succeeds or fails.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, rename, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { messageOf } from '../../src/domain/errors.js';
import type { Customiser } from '../customise/customiser.js';
import { run } from '../process/run.js';
import type { BuildSession } from '../session/build-session.js';
import { FINISHED } from './graph.js';
import type { Made, StepContext } from './step-context.js';
import type { Workshop } from './workshop.js';

const LONG = 24 * 3_600_000;
export const LOG_ARCHIVE = 'artib-logs.tar.gz';

/** Compresses the undercloud image, and puts each image of the manifest into an archive with its kernel and ramdisk. */
export async function compressAndArchive(context: StepContext): Promise<Made> {
  const { step, workshop, session, stage, customiser, recipe } = context;
  const [undercloud] = step.artefacts;
  const made: Made = { [FINISHED]: session.path(FINISHED) };
  stage.watch(made[FINISHED]!);
  await customiser.compress(workshop.artefactPath(undercloud!), made[FINISHED]!);
  for (const { imagename } of recipe.images) {
    const files = workshop.artefactFiles({ step: 'dib-build', name: `${imagename}.*` });
    const archive = session.path(`${imagename}.tar`);
    stage.watch(archive);
    // Options that make the archive reproducible.
    const plain = [
      '--sort=name',
      '--owner=0',
      '--group=0',
      '--numeric-owner',
      '--mtime=@0',
      '--sparse',
      '-cf',
      archive,
    ];
    const directory = workshop.artefactPath({ step: 'dib-build', name: '' });
    await run('tar', ['-C', directory, ...plain, ...files.sort()], { timeout: LONG });
    made[basename(archive)] = archive;
  }
  for (const [name, path] of Object.entries(made)) {
    for (const [algorithm, sum] of Object.entries(await sumsOf(path, ['md5', 'sha256'], session.signal))) {
      made[`${name}.${algorithm}`] = `${path}.${algorithm}`;
      await writeFile(`${path}.${algorithm}`, `${sum}  ${name}\n`);
    }
  }
  return made;
}

/** Checksums of a file, in one read. */
export async function sumsOf(
  path: string,
  algorithms: readonly string[],
  signal?: AbortSignal,
): Promise<Record<string, string>> {
  const hashes = algorithms.map((algorithm) => [algorithm, createHash(algorithm)] as const);
  await pipeline(
    createReadStream(path, { highWaterMark: 2 ** 20 }),
    async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) for (const [, hash] of hashes) hash.update(chunk);
    },
    ...(signal ? [{ signal }] : []),
  );
  return Object.fromEntries(hashes.map(([algorithm, hash]) => [algorithm, hash.digest('hex')]));
}

interface Survey {
  image: string;
  sha256: string;
  /** Name of the output file. */
  name: string;
  survey: 'list' | 'builderLog';
}

/** Surveys of the images: the role's content-*.csv and builder-*.log. */
function surveysOf(workshop: Workshop): Survey[] {
  const latest = (
    name: string,
    steps: readonly ('archive' | 'dib-workaround' | 'packages' | 'dib-build')[],
  ) =>
    steps.flatMap((step) => {
      const made = workshop.records[step]?.outputs[name];
      return made ? [{ image: workshop.artefactPath({ step, name }), sha256: made.sha256 }] : [];
    })[0];
  const undercloud = latest(FINISHED, ['archive']);
  const base = latest('overcloud-base.qcow2', ['dib-workaround', 'packages']);
  const overcloud = latest('overcloud-full.qcow2', ['dib-build']);
  return [
    ...(undercloud ? [{ ...undercloud, name: 'builder-undercloud.log', survey: 'builderLog' as const }] : []),
    ...(base ? [{ ...base, name: 'builder-overcloud.log', survey: 'builderLog' as const }] : []),
    ...(undercloud ? [{ ...undercloud, name: 'content-undercloud.csv', survey: 'list' as const }] : []),
    ...(overcloud ? [{ ...overcloud, name: 'content-overcloud.csv', survey: 'list' as const }] : []),
  ];
}

/** Collects the logs, scripts, manifests and lists of contents of a run, and archives them. */
export async function collectLogs(
  workshop: Workshop,
  session: BuildSession,
  customiser: Customiser,
): Promise<void> {
  for (const { image, sha256, name, survey } of surveysOf(workshop)) {
    if (workshop.noteOf(name) === sha256) continue; // up to date: made from this very image
    const fresh = session.path(name);
    try {
      await customiser[survey](image, fresh);
    } catch (error) {
      // A survey is only a report: the artefacts are usable without it.
      session.signal.throwIfAborted();
      session.log.note(`${name}: ${messageOf(error)}`);
      await writeFile(workshop.path(name), `this could not be made: ${messageOf(error)}\n`);
      continue;
    }
    await rename(fresh, workshop.path(name));
    await workshop.setNote(name, sha256);
  }
  const names = (await readdir(workshop.directory)).filter((name) => /\.(log|sh|yml|csv)$/.test(name)).sort();
  const archive = session.path(LOG_ARCHIVE);
  // The log of this collection grows while tar reads it.
  await run('tar', ['-C', workshop.directory, '--warning=no-file-changed', '-czf', archive, '--', ...names], {
    timeout: LONG,
    accepted: [0, 1],
  });
  const { md5 } = await sumsOf(archive, ['md5'], session.signal);
  await writeFile(`${archive}.md5`, `${md5}  ${LOG_ARCHIVE}\n`);
  for (const name of [LOG_ARCHIVE, `${LOG_ARCHIVE}.md5`])
    await rename(session.path(name), workshop.path(name));
}
