// Publishes finished artefacts to a directory, another machine or the Image service. Each artefact is verified there
// before it gets its final name.
import { access, constants, mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FerricError, UnsupportedError } from '../../src/domain/errors.js';
import { MissingToolsError } from '../error.js';
import { onPath, run } from '../process/run.js';
import { sha256Of } from '../session/artefact.js';
import type { Stage } from '../session/build-session.js';
import { sumsOf } from './archive.js';
import type { Configuration } from './configuration.js';
import { FINISHED, hashed } from './graph.js';
import type { Recipe } from './recipe.js';
import type { Workshop } from './workshop.js';

const LONG = 24 * 3_600_000;

/** The part of the Image API v2 that publishing needs. */
export interface ImageTarget {
  list(): Promise<StoredImage[]>;
  show(id: string): Promise<StoredImage>;
  create(image: NewImage): Promise<StoredImage>;
  upload(id: string, file: string, sent?: (bytes: number) => void): Promise<unknown>;
  remove(id: string): Promise<void>;
}
interface StoredImage {
  id: string;
  name: string | null;
  status: string;
  checksum: string | null;
  os_hash_value?: string | null;
}
interface NewImage {
  name: string;
  disk_format: string;
  container_format: string;
  /** Absent: the service's default. */
  visibility?: string;
  [property: string]: string | undefined;
}

interface Published {
  /** Present place of each artefact. */
  place: string;
}

/**
 * Checks the conditions of publishing beforehand.
 * @throws UnsupportedError, MissingToolsError
 */
export async function checkPublishing(
  { configuration }: Recipe,
  target: ImageTarget | undefined,
): Promise<void> {
  if (!configuration.flag('artib_publish')) return;
  const key = configuration.optional('artib_publish_dest_key');
  const place = configuration.optional('artib_publish_dest_basepath');
  if (configuration.optional('artib_publish_dest_host') !== undefined) {
    const missing = ['ssh', 'scp'].filter((program) => !onPath(program));
    if (missing.length > 0)
      throw new MissingToolsError(missing.map((program) => `${program} (package openssh-client)`));
    if (key !== undefined && !(await isReadable(key)))
      throw new UnsupportedError(`artib_publish_dest_key: ${key} can't be read`);
    if (place === undefined)
      throw new UnsupportedError('artib_publish_dest_basepath: which directory of that host?');
  } else if (place !== undefined && !configuration.flag('artib_publish_create_dest_via_ssh')) {
    const isDirectory = await stat(place).then((found) => found.isDirectory(), isAbsent);
    if (!isDirectory)
      throw new UnsupportedError(
        `artib_publish_dest_basepath: ${place} is no directory; artib_publish_create_dest_via_ssh: true makes it`,
      );
  }
  if (configuration.optional('ferric_image_endpoint') !== undefined && target === undefined)
    throw new UnsupportedError('ferric_image_endpoint: no way to the Image service was given');
}

/** Hash of what would be published now, and where. Undefined: no publishing is configured. */
export function publication({ configuration, images }: Recipe, workshop: Workshop): string | undefined {
  if (!configuration.flag('artib_publish')) return undefined;
  const { archive, 'dib-build': built } = workshop.records;
  const keys = [
    'artib_publish_dest_host',
    'artib_publish_dest_user',
    'artib_publish_dest_basepath',
    'ferric_image_endpoint',
  ] as const;
  return hashed(
    JSON.stringify([
      keys.map((key) => configuration.optional(key)),
      configuration.list('artib_publish_artifacts'),
      images.map(({ imagename }) => imagename),
      [archive, built].map((record) =>
        Object.entries(record?.outputs ?? {}).map(([name, { sha256 }]) => [name, sha256]),
      ),
    ]),
  );
}

/** Publishes to every configured place. @returns the places */
export async function publishArtefacts(
  recipe: Recipe,
  workshop: Workshop,
  target: ImageTarget | undefined,
  stage: Stage,
  signal: AbortSignal,
): Promise<Published[]> {
  const { configuration } = recipe;
  const done: Published[] = [];
  const names = configuration.list('artib_publish_artifacts');
  const place = configuration.optional('artib_publish_dest_basepath');
  const absent = [];
  for (const name of place === undefined ? [] : names)
    if (!(await isReadable(workshop.path(name)))) absent.push(name);
  if (absent.length > 0)
    throw new FerricError(
      'command-failed',
      `artib_publish_artifacts: ${absent.join(', ')} not in ${workshop.directory}`,
    );
  const host = configuration.optional('artib_publish_dest_host');
  if (place !== undefined && host !== undefined) {
    const remote = new Remote(configuration, host, workshop);
    if (configuration.flag('artib_publish_create_dest_via_ssh'))
      await remote.run(`mkdir -p -- ${quoted(place)}`);
    for (const name of names)
      done.push({ place: await remote.put(workshop.path(name), `${place}/${name}`, signal) });
  } else if (place !== undefined) {
    if (configuration.flag('artib_publish_create_dest_via_ssh')) await mkdir(place, { recursive: true });
    for (const name of names)
      done.push({ place: await copyTo(workshop.path(name), join(place, name), signal) });
  }
  if (target !== undefined && configuration.optional('ferric_image_endpoint') !== undefined)
    done.push(...(await addImages(recipe, workshop, target, stage, signal)));
  return done;
}

async function copyTo(file: string, target: string, signal: AbortSignal): Promise<string> {
  const part = `${target}.part-${process.pid}`;
  try {
    await run('cp', ['--reflink=auto', '--sparse=always', file, part], { timeout: LONG });
    if ((await sha256Of(part, signal)) !== (await sha256Of(file, signal)))
      throw new FerricError('command-failed', `${target}: what was written is not what was read`);
    await rename(part, target);
  } finally {
    await rm(part, { force: true });
  }
  return target;
}

/** Another machine, by ssh and scp: no password prompt; a new host key is stored, a changed one refused. */
class Remote {
  readonly #flags: string[];
  readonly #who: string;
  readonly #port: string;

  constructor(
    configuration: Configuration,
    private readonly host: string,
    workshop: Workshop,
  ) {
    const user = configuration.optional('artib_publish_dest_user');
    const key = configuration.optional('artib_publish_dest_key');
    this.#who = user === undefined ? host : `${user}@${host}`;
    this.#port = configuration.text('ferric_publish_port');
    this.#flags = [
      ...['-o', 'BatchMode=yes', '-o', 'ConnectTimeout=20', '-o', 'StrictHostKeyChecking=accept-new'],
      ...['-o', `UserKnownHostsFile="${workshop.ownPath('known_hosts')}" ~/.ssh/known_hosts`],
      ...(key === undefined ? [] : ['-o', 'IdentitiesOnly=yes', '-i', key]),
    ];
  }

  run(command: string): Promise<string> {
    return run('ssh', ['-p', this.#port, ...this.#flags, this.#who, command], { timeout: LONG });
  }

  async put(file: string, target: string, signal: AbortSignal): Promise<string> {
    const part = `${target}.part-${process.pid}`;
    const host = this.host.includes(':') ? this.#who.replace(this.host, `[${this.host}]`) : this.#who;
    let isWhole = false;
    try {
      await run('scp', ['-q', '-P', this.#port, ...this.#flags, file, `${host}:${part}`], { timeout: LONG });
      const sum = await sha256Of(file, signal);
      const check = `echo ${quoted(`${sum}  ${part}`)} | sha256sum --check --status`;
      await this.run(`${check} && mv -f -- ${quoted(part)} ${quoted(target)}`);
      isWhole = true;
    } finally {
      if (!isWhole && !signal.aborted) await this.run(`rm -f -- ${quoted(part)}`).catch(() => ''); // first error thrown
    }
    return `${this.#who}:${target}`;
  }
}

/** Disk format of a file for the Image service; kernels and ramdisks come first. */
const KINDS = [
  { ending: 'vmlinuz', format: 'aki', property: 'kernel_id' },
  { ending: 'kernel', format: 'aki', property: 'kernel_id' },
  { ending: 'initrd', format: 'ari', property: 'ramdisk_id' },
  { ending: 'initramfs', format: 'ari', property: 'ramdisk_id' },
] as const;

async function addImages(
  recipe: Recipe,
  workshop: Workshop,
  target: ImageTarget,
  stage: Stage,
  signal: AbortSignal,
): Promise<Published[]> {
  const done: Published[] = [];
  const known = await target.list();
  const visibility = recipe.configuration.optional('ferric_image_visibility');
  const add = async (name: string, path: string, format: string, properties: Record<string, string>) => {
    const sums = await sumsOf(path, ['md5', 'sha512'], signal);
    const same = known.find(
      (image) => image.name === name && image.status === 'active' && image.checksum === sums['md5'],
    );
    const image: NewImage = {
      name,
      disk_format: format,
      container_format: format === 'qcow2' ? 'bare' : format,
      ...(visibility === undefined ? {} : { visibility }),
      ...properties,
    };
    const id = same?.id ?? (await upload(target, image, path, sums['sha512']!, stage));
    done.push({ place: `image ${id} ${name}${same ? ' (was there)' : ''}` });
    return id;
  };
  for (const { imagename } of recipe.images) {
    const files = workshop.artefactFiles({ step: 'dib-build', name: `${imagename}.*` });
    const pathOf = (name: string) => workshop.artefactPath({ step: 'dib-build', name });
    const properties: Record<string, string> = {};
    let isRamdisk = false;
    for (const { ending, format, property } of KINDS) {
      const name = `${imagename}.${ending}`;
      if (!files.includes(name)) continue;
      properties[property] = await add(`${imagename}-${ending}`, pathOf(name), format, {});
      isRamdisk ||= ending === 'initramfs';
    }
    // The image that a deploy ramdisk was packed from serves no further purpose.
    const disk = `${imagename}.qcow2`;
    if (!isRamdisk && files.includes(disk)) await add(imagename, pathOf(disk), 'qcow2', properties);
  }
  await add('undercloud', workshop.artefactPath({ step: 'archive', name: FINISHED }), 'qcow2', {});
  return done;
}

async function upload(
  target: ImageTarget,
  image: NewImage,
  path: string,
  sha512: string,
  stage: Stage,
): Promise<string> {
  const { id } = await target.create(image);
  try {
    await target.upload(id, path, stage.bytes);
    const stored = await target.show(id);
    if (stored.os_hash_value !== undefined && stored.os_hash_value !== sha512)
      throw new FerricError(
        'command-failed',
        `image ${id} ${image.name}: the service keeps other bytes than were sent`,
      );
  } catch (error) {
    await target.remove(id);
    throw error;
  }
  return id;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function isAbsent(error: NodeJS.ErrnoException): false {
  if (error.code === 'ENOENT') return false;
  throw error;
}

async function isReadable(path: string): Promise<boolean> {
  try {
    await access(path, constants.R_OK);
    return true;
  } catch (error) {
    if (['ENOENT', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}
