import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FerricError, messageOf } from '../domain/errors.js';
import { type BlobFacts, blobFacts } from '../image/cache/blob.js';
import { diskRoom } from '../platform/disk-room.js';
import { KeyedMutex } from '../platform/mutex.js';
import { writeFileAtomically } from '../platform/write-file.js';

export interface BlobStoreSettings {
  directory: string;
  /** Bytes of the disk that stay free. */
  keepFree: number;
}

const SHA512 = /^[0-9a-f]{128}$/;
const PART = /^[0-9a-f-]{36}\.part$/;

/**
 * Image bytes on disk, each content once: `blobs/ab/abcd…` by SHA-512, with its description beside it. Bytes arrive in
 * `parts/<uuid>.part`; they get their name once verified and synced to disk. The caller holds the lock of a name that
 * it changes (`holding`). The store does not know image records.
 */
export class BlobStore {
  readonly #lock = new KeyedMutex();

  constructor(private readonly settings: BlobStoreSettings) {}

  async start(): Promise<void> {
    await mkdir(join(this.settings.directory, 'blobs'), { recursive: true, mode: 0o700 });
    await mkdir(join(this.settings.directory, 'parts'), { recursive: true, mode: 0o700 });
  }

  /** Path for arriving bytes. @param name a UUID: the image's own for an upload that may be resumed */
  partPath(name: string = randomUUID()): string {
    return join(this.settings.directory, 'parts', `${name}.part`);
  }

  path(sha512: string): string {
    if (!SHA512.test(sha512)) throw new FerricError('internal', 'The image store was asked for no SHA-512.');
    return join(this.settings.directory, 'blobs', sha512.slice(0, 2), sha512);
  }

  /** One action at a time on a blob. */
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

  /** Gives verified bytes their name; existing ones are kept. The caller holds the name. */
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

  /** @throws FerricError image-unavailable where bytes or their description are missing or incomplete */
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

  /** The caller holds the name, and has checked that no record needs it. */
  async remove(sha512: string): Promise<void> {
    const path = this.path(sha512);
    await rm(`${path}.json`, { force: true });
    await rm(path, { force: true });
  }

  /** Size of a part in bytes; 0 where there is none. */
  async partSize(name: string): Promise<number> {
    return (await sizeOf(this.partPath(name))) ?? 0;
  }

  async dropPart(name: string): Promise<void> {
    await this.dropFile(this.partPath(name));
  }

  /** @param part path from `partPath` */
  async dropFile(part: string): Promise<void> {
    await rm(part, { force: true });
  }

  /** Names of all blobs, also of one without its description or bytes. */
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

  /** All parts, with their modification times in ms. */
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

/** Undefined for a text that is not JSON, such as a truncated one. */
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

/** Makes a rename durable: the name survives a power cut. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
