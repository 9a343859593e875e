import { randomUUID } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { link, lstat, mkdir, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FerricError } from '../../domain/errors.js';
import { diskRoom } from '../../platform/disk-room.js';
import { type CacheEntry, type CacheRecord, cacheRecord } from './cache-entry.js';
import { NOTES } from './cache-notes.js';

export interface CacheSettings {
  directory: string;
  /** Where it was in earlier versions: its files are moved. */
  before?: string;
  /** Bytes that the clean-up brings the cache back to. */
  maxBytes: number;
  /** Milliseconds that an image stays without being used. */
  maxAge: number;
  /** Bytes of the disk that are left alone: the database may live there. */
  keepFree: number;
}

export interface CachedImage {
  name: string;
  href: string;
  /** Bytes on disk. */
  size: number;
  /** Milliseconds since the epoch. */
  usedAt: number;
  inUse: boolean;
}

/** Room on the disk that a transfer may count on. */
export interface DiskReservation {
  /** Bytes that still have to be written. */
  left(bytes: number): void;
  release(): void;
}

export interface CleanUpReport {
  /** Names. */
  removed: string[];
  /** Bytes given back, and left. */
  freed: number;
  left: number;
}

interface Master extends CachedImage {
  path: string;
}

export interface CachedMaster extends CachedImage {
  record: CacheRecord;
}

/** What this cache calls its files; anything else in the directory is not its business. */
const OWN_NAME = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(\.part|(\.converted)?(\.json)?)$/;
/** Link fails where a copy does: other file system, no links there, too many of them. */
const NO_LINK = ['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP'];

/**
 * Verified images on disk: `<name>` and `<name>.json`, under a Glance UUID or the UUID of a URL.
 * Bytes come in as a `.part` and take their name only when they were found right. A file with a second link is in
 * use. Who changes a name holds its lock (see ImageFetcher); the cache itself only sees to the files.
 */
export class ImageCache {
  private boot = '';
  /** Bytes that transfers under way still have to write. */
  private reserved = 0;
  /** Names that must stay although nothing is linked to them yet. */
  private readonly pinned = new Map<string, number>();

  constructor(
    private readonly settings: CacheSettings,
    private readonly copy: (source: string, target: string, signal?: AbortSignal) => Promise<void>,
    private readonly sha256: (path: string) => Promise<string>,
    /** Names that an operator wants to stay. */
    private readonly isPinned: (name: string) => boolean = () => false,
  ) {}

  /** Makes the directory and removes what a killed daemon left half done. */
  async start(): Promise<void> {
    const { directory, before } = this.settings;
    await mkdir(directory, { recursive: true });
    if (before !== undefined) await moveCache(before, directory);
    this.boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
    const names = new Set(await readdir(directory));
    for (const name of names) {
      if (!OWN_NAME.test(name)) continue;
      // A file without its record was never verified, a `.part` least of all.
      const partner = name.endsWith('.json') ? name.slice(0, -'.json'.length) : `${name}.json`;
      if (!names.has(partner)) await rm(join(directory, name), { force: true });
    }
  }

  /** A path of its own for bytes that are not verified yet. */
  partPath(): string {
    return join(this.settings.directory, `${randomUUID()}.part`);
  }

  /**
   * The master of that name, if it is whole. After a reboot its bytes are hashed once before they are trusted:
   * a power cut may have kept the name and lost the data.
   */
  async find(name: string): Promise<CacheEntry | undefined> {
    const path = join(this.settings.directory, name);
    const record = await this.record(name);
    if (!record) return undefined;
    const stat = await statIfThere(path);
    let whole = stat !== undefined && Number(stat.size) === record.size;
    if (whole && record.boot !== this.boot) {
      whole = (await this.sha256(path)) === record.sha256;
      if (whole) await this.write(name, { ...record, boot: this.boot });
    }
    if (whole) return { name, path, record };
    await this.discard(name);
    return undefined;
  }

  /** Gives verified bytes their name. */
  async commit(
    part: string,
    name: string,
    record: Omit<CacheRecord, 'version' | 'boot'>,
  ): Promise<CacheEntry> {
    const path = join(this.settings.directory, name);
    const whole: CacheRecord = {
      ...record,
      fetched: record.fetched ?? Date.now(),
      version: 1,
      boot: this.boot,
    };
    // A crash between these steps leaves a file without a record, which the next start removes.
    await rm(`${path}.json`, { force: true });
    await rename(part, path);
    await this.write(name, whole);
    await this.touch({ name, path, record: whole });
    return { name, path, record: whole };
  }

  /** Notes a use; the modification time stays the source's own, as far as it told one. */
  async touch({ path, record }: CacheEntry): Promise<void> {
    const now = Date.now();
    await utimes(path, new Date(now), new Date(Math.min(record.original.lastModified ?? now, now)));
  }

  async discard(name: string): Promise<void> {
    const path = join(this.settings.directory, name);
    await rm(`${path}.json`, { force: true });
    await rm(path, { force: true });
  }

  /** Puts the bytes of `source` at `target` in one step: a hard link, or a copy where none can be had. */
  async deliver(source: string, target: string, signal?: AbortSignal): Promise<void> {
    await mkdir(dirname(target), { recursive: true });
    const staged = `${target}.${randomUUID()}.part`;
    try {
      try {
        await link(source, staged);
      } catch (error) {
        if (!NO_LINK.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
        await this.copy(source, staged, signal);
      }
      // rename() of two links to one file does nothing, and leaves both.
      await rename(staged, target);
    } finally {
      await rm(staged, { force: true });
    }
  }

  /** Runs while neither clean-up nor lack of room removes these names. */
  async holding<T>(names: readonly string[], action: () => Promise<T>): Promise<T> {
    for (const name of names) this.pinned.set(name, (this.pinned.get(name) ?? 0) + 1);
    try {
      return await action();
    } finally {
      for (const name of names) {
        const left = this.pinned.get(name)! - 1;
        if (left > 0) this.pinned.set(name, left);
        else this.pinned.delete(name);
      }
    }
  }

  /**
   * Makes sure of room for `bytes` beside everything else that is under way, removing the images that were unused
   * longest where that is needed.
   * @throws FerricError image-unavailable
   */
  async reserve(bytes: number): Promise<DiskReservation> {
    let held = bytes;
    const left = (value: number) => {
      this.reserved += value - held;
      held = value;
    };
    this.reserved += bytes;
    try {
      const missing = this.reserved - (await this.free());
      if (missing > 0) await this.evict(missing);
      const room = Math.max(0, (await this.free()) - (this.reserved - bytes));
      if (bytes > room)
        throw new FerricError(
          'image-unavailable',
          `The image cache has no room: ${bytes} bytes are needed, ${room} are free.`,
        );
    } catch (error) {
      left(0);
      throw error;
    }
    return { left, release: () => left(0) };
  }

  /** Removes unused images, those unused longest first, until `bytes` are freed or none is left. */
  async evict(bytes: number): Promise<number> {
    let freed = 0;
    for (const master of (await this.masters()).filter((m) => !m.inUse).sort((a, b) => a.usedAt - b.usedAt)) {
      if (freed >= bytes) break;
      if (this.isHeld(master.name)) continue;
      await this.discard(master.name);
      freed += master.size;
    }
    return freed;
  }

  /** Removes what was not used for too long, then what was unused longest until the size fits; nothing in use. */
  async cleanUp(): Promise<CleanUpReport> {
    const masters = (await this.masters()).sort((a, b) => a.usedAt - b.usedAt);
    const oldest = Date.now() - this.settings.maxAge;
    const report: CleanUpReport = {
      removed: [],
      freed: 0,
      left: masters.reduce((sum, m) => sum + m.size, 0),
    };
    for (const master of masters) {
      if (master.usedAt >= oldest && report.left <= this.settings.maxBytes) continue;
      if (master.inUse || this.isHeld(master.name)) continue;
      await this.discard(master.name);
      report.removed.push(master.name);
      report.freed += master.size;
      report.left -= master.size;
    }
    return report;
  }

  /** Whether neither clean-up nor lack of room may take it, used or not. */
  isHeld(name: string): boolean {
    return this.pinned.has(name) || this.isPinned(name);
  }

  /** With what is known of each; a file whose record is gone is left out. */
  async described(): Promise<CachedMaster[]> {
    const found: CachedMaster[] = [];
    for (const { path: _, ...master } of await this.masters()) {
      const record = await this.record(master.name);
      if (record) found.push({ ...master, record });
    }
    return found;
  }

  async list(): Promise<CachedImage[]> {
    return (await this.masters()).map(({ path: _, ...image }) => image);
  }

  private async masters(): Promise<Master[]> {
    const names = (await readdir(this.settings.directory)).filter(
      (name) => name.endsWith('.json') && OWN_NAME.test(name),
    );
    const found: Master[] = [];
    for (const name of names.map((file) => file.slice(0, -'.json'.length))) {
      const path = join(this.settings.directory, name);
      const [stat, record] = [await statIfThere(path), await this.record(name)];
      if (!stat) continue; // removed since
      found.push({
        name,
        path,
        href: record?.href ?? '',
        size: Number(stat.blocks) * 512,
        usedAt: Number([stat.atimeMs, stat.mtimeMs, stat.ctimeMs].reduce((a, b) => (b > a ? b : a))),
        inUse: stat.nlink > 1n,
      });
    }
    return found;
  }

  /** Undefined where there is none, or none that can be read. */
  private async record(name: string): Promise<CacheRecord | undefined> {
    let text: string;
    try {
      text = await readFile(join(this.settings.directory, `${name}.json`), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return undefined; // cut off by a power failure: the file is fetched anew
    }
    const parsed = cacheRecord.safeParse(value);
    return parsed.success ? parsed.data : undefined;
  }

  private async write(name: string, record: CacheRecord): Promise<void> {
    const part = this.partPath();
    await writeFile(part, JSON.stringify(record));
    await rename(part, join(this.settings.directory, `${name}.json`));
  }

  /** Bytes that this process may still write. */
  private async free(): Promise<number> {
    return Math.max(0, (await diskRoom(this.settings.directory)) - this.settings.keepFree);
  }
}

async function statIfThere(path: string): Promise<BigIntStats | undefined> {
  try {
    return await lstat(path, { bigint: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A file:// path may name the old directory: none of the cache's files stays there. */
async function moveCache(from: string, to: string): Promise<void> {
  const names = await readdir(from).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
    throw error;
  });
  for (const name of names) {
    if (OWN_NAME.test(name) || name === NOTES) await rename(join(from, name), join(to, name));
  }
}
