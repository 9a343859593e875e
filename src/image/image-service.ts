import { InvalidError } from '../domain/errors.js';
import { parseChecksumFields, parseValue } from '../domain/image/checksum.js';
import {
  type ImageFields,
  type ImageKind,
  imageKind,
  parseInstanceImage,
} from '../domain/image/instance-image.js';
import { type ImageReference, parseHttpUrl } from '../domain/image/reference.js';
import type { ProxySettings } from '../domain/network/proxy-rule.js';
import { type CachedImage, type CleanUpReport, ImageCache } from './cache/cache.js';
import { CacheAdmin } from './cache/cache-admin.js';
import { CacheNotes } from './cache/cache-notes.js';
import type { LocalImages } from './cache/local-images.js';
import { ImageBuilder } from './fetch/builder.js';
import type { Digested } from './fetch/digester.js';
import { ImageFetcher } from './fetch/fetcher.js';
import { configured, GlanceClient } from './fetch/glance.js';
import { placesOf } from './fetch/open-file.js';
import { ImageSources } from './fetch/source.js';
import type { Progress } from './fetch/transfer-job.js';
import { TransferPool } from './fetch/transfer-pool.js';
import { pathsInImage } from './look/root-file-system.js';
import { type ImageChecksum, ImageResolver, type ResolvedImage, sha256Of } from './resolver.js';
import type { ImageServiceSettings } from './settings.js';

export interface FetchOptions {
  /** Checked before anything is delivered. */
  checksum?: ImageChecksum;
  /** A kernel or ramdisk: its bytes are never inspected. */
  opaque?: boolean;
  /** Formats accepted; default: the configured ones. */
  permitted?: readonly string[];
  /** The declared format; any other is refused. */
  disk_format?: string;
  /** The kind that it will be written as: other bytes are refused, with advice. */
  kind?: ImageKind;
  /** Delivers the disk inside as raw; default: as configured. */
  force_raw?: boolean;
  signal?: AbortSignal;
  /** Bytes so far, and of the whole; it may go back when a transfer restarts. */
  onProgress?: Progress;
  /** The node's own proxy; default: the daemon's. */
  proxy?: ProxySettings;
  /** The waiter's name for operators: `node UUID`. */
  waiter?: string;
}

export interface FetchedImage {
  path: string;
  /** Bytes of the file at `path`. */
  size: number;
  /** Digest of the file at `path`: after a conversion, of the converted one. */
  sha256: string;
  /** Format of the file at `path`; `raw` for every disk image without a container, and when not inspected. */
  disk_format: string;
  /** No transfer was needed. */
  from_cache: boolean;
}

/** All work on images: inspect, fetch once, cache, convert. */
export class ImageService {
  private readonly pool: TransferPool;
  private readonly cache: ImageCache;
  private readonly notes: CacheNotes;
  /** The cache for operators: report, pins, prefetches. */
  readonly cacheAdmin: CacheAdmin;
  private readonly sources: ImageSources;
  private readonly fetcher: ImageFetcher;
  private readonly resolver: ImageResolver;
  /** The outside Image service, if one is configured. */
  readonly glance: GlanceClient | undefined;

  /** @param localImages the built-in Image service; a configured external one takes precedence */
  constructor(
    private readonly settings: ImageServiceSettings,
    private readonly localImages?: LocalImages,
  ) {
    const { transfer, rules, maxBytes, client, glance, cache, convert, maxVirtualBytes } = settings;
    this.pool = new TransferPool(transfer.workers);
    const { connectTimeout, idleTimeout } = client();
    this.glance = glance && new GlanceClient(glance, { ...settings.outbound, connectTimeout, idleTimeout });
    this.notes = new CacheNotes(cache.directory);
    this.cache = new ImageCache(
      cache,
      async (source, target, signal) => {
        await this.pool.run<'copy'>({ kind: 'copy', source, target }, signal ? { signal } : {});
      },
      async (path) => sha256Of(this.pool, path),
      (name) => this.notes.isPinned(name),
    );
    this.sources = new ImageSources(
      {
        places: placesOf(this.settings.rules),
        maxBytes,
        transfer,
        client,
        permission: { permitted: settings.permitted, maxVirtualBytes },
      },
      this.pool,
      this.glance,
      this.glance ? undefined : localImages,
    );
    this.resolver = new ImageResolver({
      rules,
      client,
      sources: this.sources,
      cache: this.cache,
      pool: this.pool,
      imageService: this.glance ?? localImages,
    });
    const limits = { maxVirtualBytes, convert, parallel: transfer.parallel };
    this.fetcher = new ImageFetcher(
      this.cache,
      new ImageBuilder(limits, this.cache, this.sources, this.pool),
      (name, bytes) => this.notes.hit(name, bytes),
    );
    this.cacheAdmin = new CacheAdmin({
      cache: this.cache,
      notes: this.notes,
      maxBytes: cache.maxBytes,
      waiting: () => this.fetcher.waiting(),
      alone: (name, action) => this.fetcher.alone(name, action),
      isCacheable: async (href, signal) =>
        (await this.sources.state(this.resolver.parse(href, 'href'), signal)).cacheable,
      check: (href, checksum) => {
        this.validateReference(href, 'href');
        if (checksum !== null) parseChecksumFields({ image_checksum: checksum }, rules);
      },
      fetch: async ({ id, href, checksum, opaque }, target, signal, onProgress) => {
        const declared =
          checksum === null ? undefined : parseChecksumFields({ image_checksum: checksum }, rules);
        const source = this.resolver.parse(href, 'href');
        const wanted = declared && (await this.resolver.checksumOf(declared, source, signal));
        const request = { source, checksum: wanted, opaque, permitted: settings.permitted };
        return this.fetcher.fetch(
          { ...request, declared: undefined, forceRaw: settings.forceRaw, kind: undefined },
          target,
          { signal, onProgress, name: `prefetch ${id}` },
        );
      },
    });
  }

  /** Makes the cache directory and removes what a killed daemon left. Call once, before any other method. */
  async start(): Promise<void> {
    await this.cache.start();
    await this.notes.load();
    this.cacheAdmin.start();
  }

  /** Stops all transfers; waiters get CancelledError. */
  async close(): Promise<void> {
    await this.cacheAdmin.close();
    await this.fetcher.close();
    await this.pool.close();
    this.glance?.close();
  }

  /**
   * Checks the image fields of instance_info, without network or disk, for node validation.
   * @throws InvalidError naming the field
   */
  validate(instanceInfo: ImageFields): void {
    const image = parseInstanceImage(instanceInfo, this.settings.rules);
    imageKind(instanceInfo);
    if ([image.source, image.kernel, image.ramdisk].some((part) => part?.kind === 'glance'))
      configured(this.glance ?? this.localImages);
  }

  /**
   * The same for a single reference such as deploy_kernel.
   * @throws InvalidError naming the field
   */
  validateReference(ref: unknown, field: string): void {
    if (this.resolver.parse(ref, field).kind === 'glance') configured(this.glance ?? this.localImages);
  }

  /**
   * The present facts of an image, from the server, the Image service or the file, and from a checksum file.
   * @param fields instance_info, or nothing for a lone kernel or ramdisk
   * @throws InvalidError, NotFoundError, CancelledError; FerricError image-unavailable, image-refused
   */
  resolve(
    ref: string,
    fields: ImageFields = {},
    options: { signal?: AbortSignal; proxy?: ProxySettings } = {},
  ): Promise<ResolvedImage> {
    return this.resolver.resolve(ref, fields, options);
  }

  /**
   * Puts a verified image at `target`, replacing an existing file atomically: a hard link to the cached file where
   * possible, so the target must not be written to. Concurrent requests for the same image share one fetch.
   * @param target absolute path; its directory is made
   * @throws InvalidError, NotFoundError, CancelledError
   * @throws FerricError image-refused (checksum, format, unsafe, not permitted, too large, address), image-unavailable
   *   (server, network, file, no room); `target` is unchanged then
   */
  async fetchTo(ref: string, target: string, options: FetchOptions = {}): Promise<FetchedImage> {
    const { rules, permitted, forceRaw } = this.settings;
    const { checksum, signal, onProgress } = options;
    if (!target.startsWith('/')) throw new InvalidError('The target of an image must be an absolute path.');
    const opaque = options.opaque ?? false;
    const { record, fromCache } = await this.fetcher.fetch(
      {
        source: this.resolver.parse(ref, 'image'),
        checksum: checksum && parseValue(checksum.value, checksum.algo, 'checksum', rules),
        opaque,
        permitted: options.permitted ?? permitted,
        declared: options.disk_format,
        forceRaw: options.force_raw ?? forceRaw,
        kind: options.kind,
        proxy: options.proxy,
      },
      target,
      {
        ...(signal ? { signal } : {}),
        ...(onProgress ? { onProgress } : {}),
        ...(options.waiter === undefined ? {} : { name: options.waiter }),
      },
    );
    const { format } = record.inspection;
    return {
      path: target,
      size: record.size,
      sha256: record.sha256,
      disk_format: opaque || format === undefined || format === 'gpt' ? 'raw' : format,
      from_cache: fromCache,
    };
  }

  /**
   * Checks by the first bytes that an image, which a machine fetches itself, is of the kind that it will be written as.
   * @throws FerricError image-refused for bytes of another kind, image-unavailable
   */
  async checkKind(
    ref: string,
    options: {
      size: number;
      disk_format: string;
      kind: ImageKind;
      signal: AbortSignal;
      proxy?: ProxySettings;
    },
  ): Promise<void> {
    const source = this.resolver.parse(ref, 'image_source');
    if (source.kind !== 'http') throw new InvalidError('Only an image at a URL is fetched by machines.');
    const { size, disk_format: format, kind, signal } = options;
    await this.sources.checkKind(source.url, { size, format, kind }, signal, options.proxy);
  }

  /** Which of the paths the file system of a raw partition image has, or why that is unknown. */
  pathsIn(path: string, paths: readonly string[]): ReturnType<typeof pathsInImage> {
    return pathsInImage(path, paths);
  }

  /** Removes unused images that are too old or too many: for the periodic task. */
  async cleanUp(): Promise<CleanUpReport> {
    await this.localImages?.sweep();
    return this.cache.cleanUp();
  }

  /**
   * Downloads a user's URL into a local file, under the rules for such URLs.
   * @param target absolute path
   * @throws InvalidError, CancelledError; FerricError image-unavailable, image-refused
   */
  async download(
    url: string,
    target: string,
    algorithms: readonly string[],
    signal: AbortSignal,
  ): Promise<Digested> {
    const source: ImageReference = { kind: 'http', url: parseHttpUrl(url, 'uri'), href: url };
    const state = await this.sources.state(source, signal);
    const options = { signal, onProgress: () => undefined };
    return (await this.sources.transfer(source, state, target, algorithms, options)).digested;
  }

  async cacheList(): Promise<CachedImage[]> {
    return this.cache.list();
  }

  /** Bytes of disk space, and how many files. */
  async cacheUse(): Promise<{ bytes: number; files: number }> {
    const images = await this.cache.list();
    return { bytes: images.reduce((sum, { size }) => sum + size, 0), files: images.length };
  }
}
