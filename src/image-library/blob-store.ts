import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FerricError, messageOf } from '../domain/errors.js';
import { type BlobFacts, blobFacts } from '../image/cache/blob.js';
import { KeyedMutex } from '../image/cache/mutex.js';
import { diskRoom } from '../platform/disk-room.js';
import { writeFileAtomically } from '../platform/write-file.js';

export interface BlobStoreSettings {
  directory: string;
  /** Bytes of the disk that are left alone. */
  keepFree: number;
}

const SHA512 = /^[0-9a-f]{128}$/;
const PART = /^[0-9a-f-]{36}\.part$/;

/**
 * Images on disk, each bytes once: `blobs/ab/abcd…` by SHA-512, with its description beside it. Bytes come in as
 * `parts/<uuid>.part` and take their name when they were found right and are on the disk. Who changes what a name
 * stands for holds its lock (`holding`); the store itself knows nothing of records.
 */
export class BlobStore {
  readonly #lock = new KeyedMutex();

  constructor(private readonly settings: BlobStoreSettings) {}

  async start(): Promise<void> {
    await mkdir(join(this.settings.directory, 'blobs'), { recursive: true, mode: 0o700 });
    await mkdir(join(this.settings.directory, 'parts'), { recursive: true, mode: 0o700 });
  }

  /** Where bytes of an image come in. @param name a UUID: the image's own for one that may be carried on later */
  partPath(name: string = randomUUID()): string {
    return join(this.settings.directory, 'parts', `${name}.part`);
  }

  path(sha512: string): string {
    if (!SHA512.test(sha512)) throw new FerricError('internal', 'The image store was asked for no SHA-512.');
    return join(this.settings.directory, 'blobs', sha512.slice(0, 2), sha512);
  }

  /** One action at a time on what a name stands for. */
  holding<T>(sha512: string, action: () => Promise<T>): Promise<T> {
    return this.#lock.run(sha512, action);
  }

  /** @throws FerricError too-large where `bytes` more would fill the disk */
  async demandRoom(bytes: number): Promise<void> {
    const free = Math.max(0, (await diskRoom(this.settings.directory)) - this.settings.keepFree);
    if (bytes > free)
      throw new FerricError(
        'too-large',
        `Image storage media is full: the image needs ${bytes} bytes, and ${free} are left in the store.`,
      );
  }

  /** Gives verified bytes their name; the ones that are there already stay. The caller holds the name. */
  async adopt(part: string, facts: BlobFacts): Promise<void> {
    const path = this.path(facts.digests.sha512);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    if ((await sizeOf(path)) === facts.size) {
      await rm(part);
    } else {
      await rename(part, path);
      await syncDirectory(dirname(path));
    }
    await writeFileAtomically(`${path}.json`, JSON.stringify(facts), 0o600);
  }

  /** @throws FerricError image-unavailable where the bytes are not there, or not all of them */
  async facts(sha512: string): Promise<BlobFacts> {
    const path = this.path(sha512);
    let text: string;
    try {
      text = await readFile(`${path}.json`, 'utf8');
    } catch (error) {
      throw new FerricError(
        'image-unavailable',
        `The image store cannot read what it keeps as ${sha512}: ${messageOf(error)}`,
      );
    }
    const parsed = blobFacts.safeParse(parseJson(text));
    if (!parsed.success || (await sizeOf(path)) !== parsed.data.size)
      throw new FerricError('image-unavailable', `The image store has lost bytes of ${sha512}.`);
    return parsed.data;
  }

  /** The caller holds the name, and has seen that no record needs it. */
  async remove(sha512: string): Promise<void> {
    const path = this.path(sha512);
    await rm(`${path}.json`, { force: true });
    await rm(path, { force: true });
  }

  /** Bytes of a part; 0 where there is none. */
  async partSize(name: string): Promise<number> {
    return (await sizeOf(this.partPath(name))) ?? 0;
  }

  async dropPart(name: string): Promise<void> {
    await this.dropFile(this.partPath(name));
  }

  /** @param part as `partPath` gave it */
  async dropFile(part: string): Promise<void> {
    await rm(part, { force: true });
  }

  /** Names of blobs; of bytes and of descriptions, whichever is there. */
  async blobs(): Promise<string[]> {
    const root = join(this.settings.directory, 'blobs');
    const names = new Set<string>();
    for (const folder of await readdir(root)) {
      for (const file of await readdir(join(root, folder))) {
        const name = file.replace(/\.json$/, '');
        if (SHA512.test(name)) names.add(name);
      }
    }
    return [...names];
  }

  /** Parts, and when they were last written to, ms. */
  async parts(): Promise<{ name: string; modified: number }[]> {
    const root = join(this.settings.directory, 'parts');
    const found: { name: string; modified: number }[] = [];
    for (const file of await readdir(root)) {
      if (!PART.test(file)) continue;
      const { mtimeMs } = await stat(join(root, file));
      found.push({ name: file.slice(0, -'.part'.length), modified: mtimeMs });
    }
    return found;
  }
}

/** What is not whole is as good as no JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** So that a name that was given is still there after a power cut. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
