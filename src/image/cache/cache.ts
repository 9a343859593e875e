import { randomUUID } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { link, lstat, mkdir, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FerricError } from '../../domain/errors.js';
import { diskRoom } from '../../platform/disk-room.js';
import { count } from '../../platform/meter/meter.js';
import { type CacheEntry, type CacheRecord, cacheRecord } from './cache-entry.js';
import { NOTES } from './cache-notes.js';

export interface CacheSettings {
  directory: string;
  /** Its directory in earlier versions: the files are moved. */
  before?: string;
  /** Size in bytes to which the clean-up reduces the cache. */
  maxBytes: number;
  /** Milliseconds that an image stays without being used. */
  maxAge: number;
  /** Bytes of the disk that stay free: the database may be on it. */
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

/** Disk space reserved for a transfer. */
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

/** The cache's own file names; other files in the directory are left alone. */
const OWN_NAME = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(\.part|(\.converted)?(\.json)?)$/;
/** Errors of link() after which a copy may work: other file system, no support for links, too many links. */
const NO_LINK = ['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP'];

/**
 * Verified images on disk: `<name>` and `<name>.json`, named by Glance UUID or by the UUID of the URL. Bytes arrive in
 * a `.part` file, which gets its name after verification. A file with a second link is in use. The caller holds the
 * lock of a name that it changes (see ImageFetcher); the cache handles the files only.
 */
export class ImageCache {
  private boot = '';
  /** Bytes that running transfers still have to write. */
  private reserved = 0;
  /** Names that must not be removed although nothing links to them yet. */
  private readonly pinned = new Map<string, number>();

  constructor(
    private readonly settings: CacheSettings,
    private readonly copy: (source: string, target: string, signal?: AbortSignal) => Promise<void>,
    private readonly sha256: (path: string) => Promise<string>,
    /** Names pinned by an operator. */
    private readonly isPinned: (name: string) => boolean = () => false,
  ) {}

  /** Makes the directory and removes the incomplete files of a killed daemon. */
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

  /** A new path for bytes that are not verified yet. */
  partPath(): string {
    return join(this.settings.directory, `${randomUUID()}.part`);
  }

  /**
   * The master of that name, if complete. After a reboot its bytes are hashed once: a power cut may have kept the name
   * and lost the data.
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

  /** Gives verified bytes their name in the cache. */
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

  /** Sets the access time to now; the modification time is the source's, where known. */
  async touch({ path, record }: CacheEntry): Promise<void> {
    const now = Date.now();
    await utimes(path, new Date(now), new Date(Math.min(record.original.lastModified ?? now, now)));
  }

  async discard(name: string): Promise<void> {
    const path = join(this.settings.directory, name);
    await rm(`${path}.json`, { force: true });
    await rm(path, { force: true });
  }

  /** Puts the bytes of `source` at `target` atomically: a hard link, or a copy where linking fails. */
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
      // rename() between two links to one file does nothing and leaves both.
      await rename(staged, target);
    } finally {
      await rm(staged, { force: true });
    }
  }

  /** Runs an action during which neither clean-up nor eviction removes these names. */
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
   * Reserves room for `bytes` beside all running transfers; evicts the least recently used images where needed.
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

  /** Removes an image that is sound: an eviction, which `discard` of a broken one is not. */
  async remove(name: string, reason: 'room' | 'age' | 'size' | 'request'): Promise<void> {
    await this.discard(name);
    count('image_cache_evictions_total', { reason });
  }

  /** Removes unused images, least recently used first, until `bytes` are freed or none is left. */
  async evict(bytes: number): Promise<number> {
    let freed = 0;
    for (const master of (await this.masters()).filter((m) => !m.inUse).sort((a, b) => a.usedAt - b.usedAt)) {
      if (freed >= bytes) break;
      if (this.isHeld(master.name)) continue;
      await this.remove(master.name, 'room');
      freed += master.size;
    }
    return freed;
  }

  /** Removes images unused for too long, then the least recently used until the size fits; none in use. */
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
      await this.remove(master.name, master.usedAt < oldest ? 'age' : 'size');
      report.removed.push(master.name);
      report.freed += master.size;
      report.left -= master.size;
    }
    return report;
  }

  /** Whether neither clean-up nor eviction may remove it. */
  isHeld(name: string): boolean {
    return this.pinned.has(name) || this.isPinned(name);
  }

  /** The masters with their records; a file without a record is left out. */
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
      if (!stat) continue; // removed since readdir
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

  /** Undefined where there is no readable record. */
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
      return undefined; // truncated by a power failure: the file is fetched again
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

/** A file:// path may allow the old directory: every file of the cache is moved out of it. */
async function moveCache(from: string, to: string): Promise<void> {
  const names = await readdir(from).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
    throw error;
  });
  for (const name of names) {
    if (OWN_NAME.test(name) || name === NOTES) await rename(join(from, name), join(to, name));
  }
}
