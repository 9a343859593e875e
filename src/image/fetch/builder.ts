// From a source to verified bytes in the cache: a fresh copy, else transfer, checksum, inspection, conversion.
import { rm } from 'node:fs/promises';
import { FerricError } from '../../domain/errors.js';
import type { Checksum } from '../../domain/image/checksum.js';
import type { ImageKind } from '../../domain/image/instance-image.js';
import { kindFault } from '../../domain/image/kind.js';
import type { ImageReference } from '../../domain/image/reference.js';
import type { ProxySettings } from '../../domain/network/proxy-rule.js';
import { Semaphore } from '../../platform/mutex.js';
import { usedFormat } from '../../protocol/image-format/check.js';
import { isFlat } from '../../protocol/image-format/formats.js';
import type { Inspection } from '../../protocol/image-format/inspection.js';
import type { ImageCache } from '../cache/cache.js';
import { type CacheEntry, type CacheRecord, CONVERTED, uuid5 } from '../cache/cache-entry.js';
import type { LocalImage } from '../cache/local-images.js';
import { diskContents } from '../look/disk-contents.js';
import { judgeImage } from '../look/verdict.js';
import { type ConvertLimits, convertToRaw } from './convert.js';
import type { Digested } from './digester.js';
import { type ImageSources, isFresh, type SourceState } from './source.js';
import type { Progress } from './transfer-job.js';
import { TransferError, type TransferPool } from './transfer-pool.js';

/** Two equal requests share one fetch. */
export interface FetchRequest {
  source: ImageReference;
  checksum: Checksum | undefined;
  /** A kernel or ramdisk: never inspected, never converted. */
  opaque: boolean;
  permitted: readonly string[];
  /** The declared format. */
  declared: string | undefined;
  forceRaw: boolean;
  /** The kind of image that it will be written as; undefined: any. */
  kind: ImageKind | undefined;
  /** The node's own proxy; undefined: the daemon's. */
  proxy?: ProxySettings | undefined;
}

export interface BuilderSettings {
  maxVirtualBytes: number;
  convert: ConvertLimits;
  parallel: number;
}

export interface Built {
  path: string;
  record: CacheRecord;
  fromCache: boolean;
  /** Removes a file that is not to stay in the cache. */
  dispose(): Promise<void>;
}

interface Work {
  signal: AbortSignal;
  onProgress: Progress;
}

type NewRecord = Omit<CacheRecord, 'version' | 'boot'>;

/** Names of an image in the cache: original, and converted to raw. */
export function namesOf(source: ImageReference): [string, string] {
  const name = source.kind === 'glance' ? source.id : uuid5(source.href);
  return [name, name + CONVERTED];
}

export class ImageBuilder {
  private readonly slots: Semaphore;

  constructor(
    private readonly settings: BuilderSettings,
    private readonly cache: ImageCache,
    private readonly sources: ImageSources,
    private readonly pool: TransferPool,
  ) {
    this.slots = new Semaphore(settings.parallel);
  }

  /**
   * From the cache or fetched. One retry where it may help: after eviction for a full disk, or for an image that was
   * replaced meanwhile. The caller holds the lock of the names.
   */
  async build(request: FetchRequest, work: Work): Promise<Built> {
    try {
      return await this.checked(request, work);
    } catch (error) {
      if (!(error instanceof TransferError) || error.remedy === undefined || work.signal.aborted) throw error;
      if (error.remedy === 'room' && (await this.cache.evict(Number.POSITIVE_INFINITY)) === 0) throw error;
      return this.checked(request, work);
    }
  }

  /** @throws FerricError image-refused for bytes of another kind than the image will be written as */
  private async checked(request: FetchRequest, work: Work): Promise<Built> {
    const built = await this.attempt(request, work);
    if (request.kind === undefined || request.opaque) return built;
    const fault = kindFault(request.kind, await diskContents(built.path, built.record.inspection.format));
    if (fault === undefined) return built;
    await built.dispose();
    throw new FerricError('image-refused', fault);
  }

  private async attempt(request: FetchRequest, work: Work): Promise<Built> {
    const { localImages } = this.sources;
    if (request.source.kind === 'glance' && localImages)
      return this.fromLocalImages(request, await localImages.show(request.source.id), work);
    const state = await this.sources.state(request.source, work.signal, request.proxy);
    const cached = await this.fromCache(request, state, work);
    return cached ?? this.slots.run(work.signal, () => this.transfer(request, state, work));
  }

  private async fromCache(request: FetchRequest, state: SourceState, work: Work): Promise<Built | undefined> {
    const [plain, converted] = namesOf(request.source);
    if (!state.cacheable) return undefined;
    if (request.forceRaw && !request.opaque) {
      const entry = await this.usable(converted, request, state, work.signal);
      if (entry) return this.hit(entry);
    }
    const entry = await this.usable(plain, request, state, work.signal);
    if (!entry) return undefined;
    if (!request.opaque) this.judge(entry.record.inspection, request);
    const { inspection } = entry.record;
    if (!this.needsConversion(request, inspection)) return this.hit(entry);
    const part = await this.convert(entry.path, inspection, request, work);
    return this.keep(part.path, converted, { ...entry.record, ...part.facts, converted: true }, true);
  }

  /** An image of the built-in Image service: its local bytes were checked at upload, and are linked, not copied. */
  private async fromLocalImages(request: FetchRequest, image: LocalImage, work: Work): Promise<Built> {
    const { facts } = image;
    const { digests, inspection, size } = facts;
    const { checksum, source } = request;
    if (checksum) {
      const value = Object.entries(digests).find(([name]) => name === checksum.algorithm)?.[1];
      verify(
        { digests: { [checksum.algorithm]: value ?? (await this.digest(image, checksum, work)) } },
        checksum,
      );
    }
    if (!request.opaque) this.judge(inspection, request);
    const original = { size, digests, format: inspection.format };
    const record: NewRecord = {
      href: source.href,
      size,
      sha256: digests.sha256,
      inspection,
      converted: false,
      original,
    };
    if (this.needsConversion(request, inspection)) return this.convertHeld(request, image, record, work);
    // A separate link: deleting the image meanwhile does not remove these bytes.
    const part = this.cache.partPath();
    await this.cache.deliver(image.path, part, work.signal);
    const dispose = () => rm(part, { force: true });
    return { path: part, record: { ...record, version: 1, boot: '' }, fromCache: true, dispose };
  }

  private async convertHeld(
    request: FetchRequest,
    image: LocalImage,
    record: NewRecord,
    work: Work,
  ): Promise<Built> {
    const [, converted] = namesOf(request.source);
    const entry = await this.cache.find(converted);
    // An image deleted and created again has other bytes under the same name.
    if (entry && entry.record.original.digests['sha256'] === image.facts.digests.sha256)
      return this.hit(entry);
    return this.slots.run(work.signal, async () => {
      const room = await this.cache.reserve(image.facts.inspection.virtualSize ?? 0);
      try {
        const raw = await this.convert(image.path, image.facts.inspection, request, work);
        return await this.keep(raw.path, converted, { ...record, ...raw.facts, converted: true }, true);
      } finally {
        room.release();
      }
    });
  }

  private async digest({ path }: LocalImage, { algorithm }: Checksum, { signal }: Work): Promise<string> {
    const job = { kind: 'copy' as const, source: path, algorithms: [algorithm] };
    return (await this.pool.run<'copy'>(job, { signal })).digested!.digests[algorithm]!;
  }

  private async hit(entry: CacheEntry): Promise<Built> {
    await this.cache.touch(entry);
    return { path: entry.path, record: entry.record, fromCache: true, dispose: async () => undefined };
  }

  /** The cached copy, if it matches the source's present state and the checksum. */
  private async usable(
    name: string,
    request: FetchRequest,
    state: SourceState,
    signal: AbortSignal,
  ): Promise<CacheEntry | undefined> {
    const entry = await this.cache.find(name);
    if (!entry || !isFresh(request.source, state, entry.record.original)) return undefined;
    const { checksum } = request;
    const { converted, original } = entry.record;
    if (converted)
      this.judge({ ...NOTHING_WRONG, format: original.format, matches: [original.format!] }, request);
    if (!checksum) return entry;
    let value = original.digests[checksum.algorithm];
    if (value === undefined && !converted) {
      const job = { kind: 'copy' as const, source: entry.path, algorithms: [checksum.algorithm] };
      value = (await this.pool.run<'copy'>(job, { signal })).digested!.digests[checksum.algorithm];
    }
    return value === checksum.value ? entry : undefined;
  }

  private async transfer(request: FetchRequest, expected: SourceState, work: Work): Promise<Built> {
    const { source, checksum } = request;
    const [plain, converted] = namesOf(source);
    const part = this.cache.partPath();
    const room = await this.cache.reserve(expected.size ?? 0);
    try {
      const { digested, state } = await this.sources.transfer(
        source,
        expected,
        part,
        checksum ? [checksum.algorithm] : [],
        {
          signal: work.signal,
          proxy: request.proxy,
          onProgress: (bytes, total) => {
            room.left(Math.max(0, total - bytes));
            work.onProgress(bytes, total);
          },
        },
      );
      room.release();
      verify(digested, checksum);
      if (!request.opaque) this.judge(digested.inspection, request);
      const record = recordOf(source, state, digested);
      if (!this.needsConversion(request, digested.inspection))
        return await this.keep(part, plain, record, state.cacheable);
      const raw = await this.convert(part, digested.inspection, request, work);
      await rm(part);
      return await this.keep(
        raw.path,
        converted,
        { ...record, ...raw.facts, converted: true },
        state.cacheable,
      );
    } catch (error) {
      await rm(part, { force: true });
      throw error;
    } finally {
      room.release();
    }
  }

  /** Keeps the bytes in the cache; where their source forbids copies, only until delivery. */
  private async keep(part: string, name: string, record: NewRecord, cacheable: boolean): Promise<Built> {
    if (cacheable) {
      const entry = await this.cache.commit(part, name, record);
      return { path: entry.path, record: entry.record, fromCache: false, dispose: async () => undefined };
    }
    // An older copy, from when the source still sent its time, is useless now.
    await this.cache.discard(name);
    const whole: CacheRecord = { ...record, version: 1, boot: '' };
    return { path: part, record: whole, fromCache: false, dispose: () => rm(part, { force: true }) };
  }

  private needsConversion(request: FetchRequest, inspection: Inspected): boolean {
    return request.forceRaw && !request.opaque && !isFlat(usedFormat(inspection, request.declared));
  }

  private async convert(
    source: string,
    inspection: Inspected,
    request: FetchRequest,
    work: Work,
  ): Promise<{ path: string; facts: Pick<NewRecord, 'size' | 'sha256' | 'inspection'> }> {
    const { virtualSize } = inspection;
    const format = usedFormat(inspection, request.declared);
    if (format === undefined || virtualSize === undefined)
      throw new FerricError('image-refused', 'The image does not tell the size of the disk in it.');
    const path = this.cache.partPath();
    try {
      await convertToRaw({ source, format, target: path, virtualSize }, this.settings.convert, work.signal);
      const job = { kind: 'copy' as const, source: path, algorithms: [] };
      const digested = (await this.pool.run<'copy'>(job, { signal: work.signal })).digested!;
      const became = digested.inspection.format;
      if (became !== 'raw' && became !== 'gpt')
        throw new FerricError(
          'image-refused',
          `The image holds another image (${digested.inspection.matches.join(', ')}).`,
        );
      const { size, digests, inspection: inside } = digested;
      return { path, facts: { size, sha256: digests['sha256']!, inspection: inside } };
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
  }

  /** @throws FerricError image-refused */
  private judge(inspection: Inspected, request: FetchRequest): void {
    const { permitted } = request;
    const { maxVirtualBytes } = this.settings;
    judgeImage({ ...NOTHING_WRONG, ...inspection }, request.declared, { permitted, maxVirtualBytes });
  }
}

type Inspected = Inspection | CacheRecord['inspection'];

const NOTHING_WRONG: Inspection = {
  format: undefined,
  matches: [],
  faults: [],
  virtualSize: undefined,
  partitionTable: undefined,
  compression: undefined,
};

function verify({ digests }: Pick<Digested, 'digests'>, checksum: Checksum | undefined): void {
  if (!checksum) return;
  const value = digests[checksum.algorithm];
  if (value !== checksum.value)
    throw new FerricError(
      'image-refused',
      `The image's ${checksum.algorithm} checksum is ${value}, but ${checksum.value} was expected.`,
    );
}

function recordOf(source: ImageReference, state: SourceState, digested: Digested): NewRecord {
  const { size, digests, inspection } = digested;
  return {
    href: source.href,
    size,
    sha256: digests['sha256']!,
    inspection,
    converted: false,
    original: {
      size,
      digests,
      format: inspection.format,
      lastModified: state.lastModified,
      etag: state.etag,
      identity: state.identity,
    },
  };
}
