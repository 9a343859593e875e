// The work of the eleven steps. Each runs in a session with a scratch directory, and returns the files it made.
import { existsSync } from 'node:fs';
import { link, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { FerricError, NotFoundError } from '../../src/domain/errors.js';
import { MissingToolsError } from '../error.js';
import { diskFormatOf } from '../inspect/disk-format.js';
import { missingRights, missingTools } from '../probe/tool.js';
import { run } from '../process/run.js';
import { runContext, withRunContext } from '../process/run-context.js';
import { sha256Of } from '../session/artefact.js';
import { compressAndArchive } from './archive.js';
import { checksumOf } from './base-checksum.js';
import { hashed, IMAGE_SUMS, imageKey, manifestNames, SCRIPT_FILES } from './graph.js';
import { buildCommand, type DiskImage } from './manifest.js';
import type { ScriptKey } from './recipe.js';
import { fetchImage, treeHash } from './source.js';
import type { Made, StepContext } from './step-context.js';
import type { StepName } from './step-name.js';

const LONG = 24 * 3_600_000;
const GiB = 2 ** 30;

export const STEP_WORK: Readonly<Record<StepName, (context: StepContext) => Promise<Made>>> = {
  'base-image': async (context) => ({ 'minimal-base.qcow2': await sourceOf(context) }),
  repositories: (context) => scripted(context, 'artib_repo_script'),
  packages: (context) => scripted(context, 'artib_package_install_script'),
  'undercloud-base': async (context) => ({ 'undercloud-base.qcow2': await sourceOf(context) }),
  'undercloud-convert': convertUndercloud,
  'dib-prepare': prepareHost,
  'dib-workaround': async (context) =>
    context.recipe.configuration.flag('artib_dib_workarounds')
      ? scripted(context, 'artib_dib_workaround_script')
      : { 'overcloud-base.qcow2': await sourceOf(context) },
  'dib-build': buildImages,
  'dib-verify': verifyImages,
  'undercloud-inject': inject,
  archive: compressAndArchive,
};

/** Input image of a step: an earlier step's, as a hard link that nobody writes to, or an external one. */
async function sourceOf({ step, workshop, session, stage, recipe }: StepContext): Promise<string> {
  const target = session.path('source.qcow2');
  const [artefact] = step.artefacts;
  if (artefact) await link(workshop.artefactPath(artefact), target);
  else {
    stage.watch(target);
    const url = step.sources[0]!;
    const checksum = checksumOf(recipe.configuration.variables, url);
    await fetchImage({ url, checksum }, target, workshop, session.signal, stage.bytes);
  }
  return target;
}

/** Runs a script in the step's image. */
async function scripted(context: StepContext, key: ScriptKey): Promise<Made> {
  const { session, customiser, step } = context;
  const source = await sourceOf(context);
  const target = session.path('customised.qcow2');
  context.stage.watch(target);
  await customiser.customise(source, target, { scripts: [await scriptFile(context, key)], uploads: [] });
  return { [step.outputs[0]!]: target };
}

/** Writes a rendered script into the working directory, where its user can read it. */
async function scriptFile({ recipe, workshop }: StepContext, key: ScriptKey): Promise<string> {
  const path = workshop.path(SCRIPT_FILES[key]);
  await writeFile(`${path}.part`, recipe.scripts[key].text, { mode: 0o744 });
  await rename(`${path}.part`, path);
  return path;
}

async function convertUndercloud(context: StepContext): Promise<Made> {
  const { session, customiser, recipe, stage } = context;
  const resized = session.path('resized.qcow2');
  const target = session.path('customised.qcow2');
  const size = recipe.configuration.number('artib_undercloud_disk_size') * GiB;
  stage.watch(resized);
  await customiser.enlarge(await sourceOf(context), resized, size);
  const script = await scriptFile(context, 'artib_undercloud_convert_script');
  stage.watch(target);
  await customiser.customise(resized, target, { scripts: [script], uploads: [] });
  return { 'undercloud-base.qcow2': target };
}

async function prepareHost(context: StepContext): Promise<Made> {
  const { recipe, session, workshop } = context;
  const script = await scriptFile(context, 'artib_dib_prepare_script');
  const missing = missingRights();
  if (missing.length > 0) throw new MissingToolsError(missing, ` for ${script}`);
  // sh runs a script without a shebang line itself.
  await run('sh', ['-c', '"$0"', script], { cwd: workshop.directory, timeout: LONG, capture: false });
  const made: Made = {};
  for (const [index, name] of manifestNames(recipe).entries()) {
    made[name] = session.path(name);
    await writeFile(made[name], recipe.manifests[index]!.text);
  }
  return made;
}

async function buildImages(context: StepContext): Promise<Made> {
  const { recipe, workshop, session, stage } = context;
  const missing = [...missingRights(), ...missingTools(['disk-image-create'])];
  if (missing.length > 0) throw new MissingToolsError(missing, ' for disk-image-builder');
  const absent = context.step.trees.filter((tree) => !existsSync(tree));
  if (absent.length > 0)
    throw new NotFoundError(
      `ELEMENTS_PATH names directories that are not there, nor has the script of step 6 brought them: ${absent.join(', ')}`,
    );
  const inputs = hashed(
    JSON.stringify([
      context.step.artefacts.map((artefact) => [
        artefact,
        workshop.records[artefact.step]?.outputs[artefact.name],
      ]),
      await Promise.all(context.step.trees.map(treeHash)),
    ]),
  );
  const made: Made = {};
  for (const image of recipe.images) {
    const kept = workshop.ownPath('images', image.imagename);
    const key = hashed(`${imageKey(image)} ${inputs}`);
    if ((await readKey(kept)) === key) stage.note(`${image.imagename} was built before`);
    else await buildImage(context, image, kept, key);
    for (const name of await readdir(kept)) {
      if (name === KEY_FILE) continue;
      made[name] = session.path(name);
      await link(join(kept, name), made[name]!);
    }
  }
  return made;
}

const KEY_FILE = '.key';

async function readKey(directory: string): Promise<string | undefined> {
  try {
    return await readFile(join(directory, KEY_FILE), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function buildImage(
  { workshop, session, stage }: StepContext,
  image: DiskImage,
  kept: string,
  key: string,
): Promise<void> {
  const output = session.path('out');
  await rm(output, { recursive: true, force: true });
  await mkdir(output);
  stage.watch(join(output, `${image.imagename}.${image.imageext}`));
  const { file, args } = buildCommand(image, output);
  const log = await open(workshop.path(`${image.imagename}.log`), 'w');
  const pending: Promise<unknown>[] = [];
  const outer = runContext();
  try {
    const both = (text: string) => {
      outer.log?.(text);
      pending.push(log.write(text));
    };
    await withRunContext({ ...outer, log: both }, () =>
      run(file, args, {
        env: { DIB_JOBS: String(availableParallelism()), ...image.environment },
        timeout: LONG,
        capture: false,
        grace: 10_000,
      }),
    );
  } finally {
    await Promise.all(pending);
    await log.close();
  }
  const fresh = `${kept}.new`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { recursive: true });
  for (const entry of await readdir(output, { withFileTypes: true })) {
    const path = join(output, entry.name);
    // Directories NAME.d contain manifests of elements.
    if (entry.isDirectory())
      await run('tar', ['-C', output, '-cf', join(fresh, `${entry.name}.tar`), entry.name]);
    else await rename(path, join(fresh, entry.name));
  }
  await writeFile(join(fresh, KEY_FILE), key);
  await rm(kept, { recursive: true, force: true });
  await rename(fresh, kept);
}

async function verifyImages({ recipe, workshop, session, step }: StepContext): Promise<Made> {
  const made = new Map<string, string>();
  for (const artefact of step.artefacts)
    for (const name of workshop.artefactFiles(artefact))
      made.set(name, workshop.artefactPath({ step: artefact.step, name }));
  const promised = [
    ...recipe.images.flatMap(({ imagename, type, imageext }) =>
      type.includes(',') ? type.split(',').map((one) => `${imagename}.${one}`) : [`${imagename}.${imageext}`],
    ),
    ...recipe.configuration.list('artib_overcloud_images'),
  ];
  const faults = [...new Set(promised)].flatMap((name) => (made.has(name) ? [] : [`${name} was not made`]));
  for (const [name, path] of made) {
    if ((await stat(path)).size === 0) faults.push(`${name} is empty`);
    else if (name.endsWith('.qcow2'))
      await run('qemu-img', ['check', '-q', '-f', await diskFormatOf(path, name), path], {
        timeout: LONG,
        accepted: [0, 3],
      });
    else if (/\.(vmlinuz|kernel)$/.test(name) && !(await isKernel(path)))
      faults.push(`${name} is no Linux kernel`);
  }
  if (faults.length > 0)
    throw new FerricError(
      'command-failed',
      `${faults.join('; ')}. disk-image-builder made ${[...made.keys()].join(', ')}`,
    );
  const lines: string[] = [];
  for (const [name, path] of [...made].sort(([a], [b]) => (a < b ? -1 : 1)))
    lines.push(`${await sha256Of(path, session.signal)}  ${name}\n`);
  const sums = session.path(IMAGE_SUMS);
  await writeFile(sums, lines.join(''));
  return { [IMAGE_SUMS]: sums };
}

/** https://docs.kernel.org/arch/x86/boot.html: "HdrS" at 0x202; on arm64 "ARM\x64" at 56. */
async function isKernel(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(0x206), 0, 0x206, 0);
    return buffer.toString('latin1', 0x202) === 'HdrS' || buffer.toString('latin1', 56, 60) === 'ARMd';
  } finally {
    await file.close();
  }
}

/** Injects the swap file and all overcloud images in one appliance, where the role starts six. */
async function inject(context: StepContext): Promise<Made> {
  const { recipe, workshop, customiser, session, stage } = context;
  const uploads = recipe.configuration.list('artib_overcloud_images').map((name) => ({
    file: workshop.artefactPath({ step: 'dib-build', name }),
    directory: '/home/stack',
  }));
  const target = session.path('customised.qcow2');
  stage.watch(target);
  const script = await scriptFile(context, 'artib_swapfile_script');
  await customiser.customise(await sourceOf(context), target, { scripts: [script], uploads });
  return { 'undercloud-base.qcow2': target };
}
