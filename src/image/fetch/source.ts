// Sources of images: their present state, and the transfer of their bytes into a local file.

import { FerricError } from '../../domain/errors.js';
import type { ImageKind } from '../../domain/image/instance-image.js';
import { kindFault } from '../../domain/image/kind.js';
import type { ImageReference } from '../../domain/image/reference.js';
import type { ProxySettings } from '../../domain/network/proxy-rule.js';
import { HttpClient, type HttpClientSettings } from '../../platform/http-client.js';
import { type MeasuredOutcome, measured } from '../../platform/meter/measured.js';
import { count, observe } from '../../platform/meter/meter.js';
import type { CacheRecord } from '../cache/cache-entry.js';
import type { LocalImages } from '../cache/local-images.js';
import { contentsBehind } from '../look/disk-contents.js';
import { judgeHeadOf, type Permission } from '../look/verdict.js';
import type { TransferSettings } from '../settings.js';
import type { Digested } from './digester.js';
import { configured, type GlanceClient } from './glance.js';
import type { FilePlaces } from './open-file.js';
import { askRemote, checkSize, rangeReader } from './remote.js';
import type { Progress } from './transfer-job.js';
import type { TransferPool } from './transfer-pool.js';

/** The present state of a source; a copy is fresh when it was taken from an equal state. */
export interface SourceState {
  /** Bytes; undefined where the server gives none. */
  size: number | undefined;
  /** False: it is fetched again for each use. */
  cacheable: boolean;
  /** Milliseconds: Last-Modified. */
  lastModified?: number;
  etag?: string;
  /** A file's inode, time and size. */
  identity?: string;
}

export interface SourceSettings {
  places: FilePlaces;
  maxBytes: number;
  permission: Permission;
  transfer: TransferSettings;
  client: (proxy?: ProxySettings) => HttpClientSettings;
}

interface TransferOptions {
  signal: AbortSignal;
  onProgress: Progress;
  proxy?: ProxySettings | undefined;
}

interface Transferred {
  digested: Digested;
  state: SourceState;
}

function meterTransfer(outcome: MeasuredOutcome, seconds: number): void {
  observe('image_download_duration_seconds', { outcome }, seconds);
}

export class ImageSources {
  constructor(
    private readonly settings: SourceSettings,
    private readonly pool: TransferPool,
    private readonly glance: GlanceClient | undefined,
    /** The built-in Image service, when no other is configured. */
    readonly localImages: LocalImages | undefined,
  ) {}

  /** @throws FerricError image-unavailable, image-refused, not-found */
  async state(source: ImageReference, signal: AbortSignal, proxy?: ProxySettings): Promise<SourceState> {
    const { maxBytes, places } = this.settings;
    switch (source.kind) {
      case 'http': {
        const client = new HttpClient(this.settings.client(proxy));
        try {
          const remote = await askRemote(client, source.url, maxBytes, signal);
          const { size, lastModified, noStore, etag } = remote;
          return lastModified === undefined || noStore
            ? { size, cacheable: false }
            : { size, lastModified, cacheable: true, ...(etag === undefined ? {} : { etag }) };
        } finally {
          client.close();
        }
      }
      case 'file': {
        const facts = await this.pool.run<'stat'>({ kind: 'stat', source: source.path, places }, { signal });
        checkSize(facts.size, maxBytes);
        return { size: facts.size, identity: facts.identity, cacheable: true };
      }
      case 'glance': {
        const { size } = await configured(this.glance ?? this.localImages).show(source.id, signal);
        checkSize(size, maxBytes);
        return { size, cacheable: true };
      }
    }
  }

  /**
   * Reads the first bytes of an image that a machine will fetch itself and write as `kind`: their format, whether it is
   * safe, and the contents of the disk inside.
   * @param format the declared one
   * @throws FerricError image-refused for bytes of another kind or format, image-unavailable
   */
  async checkKind(
    url: string,
    { size, format, kind }: { size: number; format: string | undefined; kind: ImageKind },
    signal: AbortSignal,
    proxy?: ProxySettings,
  ): Promise<void> {
    const client = new HttpClient(this.settings.client(proxy));
    try {
      const read = rangeReader(client, url, size, signal);
      await judgeHeadOf(read, format, this.settings.permission);
      const fault = kindFault(kind, await contentsBehind(read, format));
      if (fault !== undefined) throw new FerricError('image-refused', fault);
    } finally {
      client.close();
    }
  }

  /** Transfers all bytes to `target`, hashed and inspected on the way. */
  async transfer(
    source: ImageReference,
    state: SourceState,
    target: string,
    algorithms: readonly string[],
    options: TransferOptions,
  ): Promise<Transferred> {
    const transferred = await measured(
      () => this.#transfer(source, state, target, algorithms, options),
      meterTransfer,
    );
    count('image_download_bytes_total', {}, transferred.digested.size);
    return transferred;
  }

  async #transfer(
    source: ImageReference,
    state: SourceState,
    target: string,
    algorithms: readonly string[],
    options: TransferOptions,
  ): Promise<Transferred> {
    if (source.kind === 'file') {
      const { places } = this.settings;
      const job = { kind: 'copy' as const, source: source.path, places, target, algorithms };
      const { digested, identity, size } = await this.pool.run<'copy'>(job, options);
      return { digested: digested!, state: { size, identity, cacheable: true } };
    }
    const { attempts, pause, minRate, timeout } = this.settings.transfer;
    const glance = source.kind === 'glance' ? configured(this.glance) : undefined;
    const digested = await this.pool.run<'download'>(
      {
        kind: 'download',
        url: source.kind === 'http' ? source.url : configured(this.glance).fileUrl(source.id),
        client: glance?.clientSettings ?? this.settings.client(options.proxy),
        ...{
          target,
          algorithms,
          attempts,
          pause,
          minRate,
          timeout,
          size: state.size,
          maxBytes: this.settings.maxBytes,
        },
      },
      options,
    );
    return { digested, state };
  }
}

/** Images of the Image service never change; for others the state of the source decides. */
export function isFresh(
  source: ImageReference,
  state: SourceState,
  original: CacheRecord['original'],
): boolean {
  if (!state.cacheable) return false;
  if (state.size !== undefined && state.size !== original.size) return false;
  if (source.kind === 'glance') return true;
  if (source.kind === 'file') return state.identity === original.identity;
  return original.lastModified !== undefined && state.lastModified! <= original.lastModified;
}
