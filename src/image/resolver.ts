// What an image is at present: its source, size, format and checksum.
import { FerricError } from '../domain/errors.js';
import {
  type Checksum,
  type ChecksumSource,
  parseChecksumFields,
  parseValue,
} from '../domain/image/checksum.js';
import { parseChecksumFile } from '../domain/image/checksum-file.js';
import { checksumText, MAX_CHECKSUM_FILE } from '../domain/image/checksum-text.js';
import { checkFilePath } from '../domain/image/file-path.js';
import {
  type ImageFields,
  type ImageProperties,
  type ImageRules,
  imageKind,
} from '../domain/image/instance-image.js';
import { type ImageReference, parseImageReference } from '../domain/image/reference.js';
import type { ProxySettings } from '../domain/network/proxy-rule.js';
import { HttpClient, type HttpClientSettings } from '../platform/http-client.js';
import type { ImageCache } from './cache/cache.js';
import { namesOf } from './fetch/builder.js';
import { configured, type GlanceImage } from './fetch/glance.js';
import { type FilePlaces, placesOf } from './fetch/open-file.js';
import { type ImageSources, isFresh } from './fetch/source.js';
import type { TransferPool } from './fetch/transfer-pool.js';

/** In the form of the API and the agent protocol. */
export interface ImageChecksum {
  algo: string;
  /** Lower-case hex. */
  value: string;
}

export interface ResolvedImage {
  /** glance://UUID, or the URL as given. */
  href: string;
  /** Bytes; undefined where the server gives none. */
  size: number | undefined;
  /** As declared by instance_info or the Image service; undefined where neither does. */
  disk_format: string | undefined;
  /** Undefined only for an http URL without a declared checksum. */
  checksum: ImageChecksum | undefined;
  kernel_id?: string;
  ramdisk_id?: string;
  boot_iso_id?: string;
  /** False: a partition image. */
  whole_disk: boolean;
}

export interface ResolverParts {
  rules: ImageRules;
  client: (proxy?: ProxySettings) => HttpClientSettings;
  sources: ImageSources;
  cache: ImageCache;
  pool: TransferPool;
  /** The outside Image service, else the built-in one. */
  imageService: { show(id: string, signal: AbortSignal): Promise<GlanceImage> } | undefined;
}

export class ImageResolver {
  constructor(private readonly parts: ResolverParts) {}

  /**
   * The present facts of an image, from the server, the Image service or the file, and from a checksum file. The
   * checksum of a file:// image that declares none is computed.
   * @param fields instance_info, or nothing for a lone kernel or ramdisk
   * @throws InvalidError, NotFoundError, CancelledError; FerricError image-unavailable, image-refused
   */
  async resolve(
    ref: string,
    fields: ImageFields = {},
    options: { signal?: AbortSignal; proxy?: ProxySettings } = {},
  ): Promise<ResolvedImage> {
    const signal = options.signal ?? new AbortController().signal;
    const source = this.parse(ref, 'image_source');
    const declared = parseChecksumFields(fields, this.parts.rules);
    const format = fields['image_disk_format'];
    const diskFormat = typeof format === 'string' ? format : undefined;
    if (source.kind === 'glance') {
      const image = await configured(this.parts.imageService).show(source.id, signal);
      const { kernel_id, ramdisk_id, boot_iso_id, hash } = image;
      const checksum = declared
        ? await this.checksumOf(declared, source, signal, options.proxy)
        : hash &&
          parseValue(hash.value, hash.algorithm, `The checksum of image ${image.id}`, this.parts.rules);
      return {
        href: source.href,
        size: image.size,
        disk_format: diskFormat ?? image.diskFormat,
        checksum: wire(checksum),
        ...(kernel_id === undefined ? {} : { kernel_id }),
        ...(ramdisk_id === undefined ? {} : { ramdisk_id }),
        ...(boot_iso_id === undefined ? {} : { boot_iso_id }),
        whole_disk: isWhole(fields, image),
      };
    }
    const { size, identity } = await this.parts.sources.state(source, signal, options.proxy);
    const checksum = declared
      ? await this.checksumOf(declared, source, signal, options.proxy)
      : source.kind === 'file'
        ? { algorithm: 'sha256', value: await this.sha256OfFile(source, identity, signal) }
        : undefined;
    return {
      href: source.href,
      size,
      disk_format: diskFormat,
      checksum: wire(checksum),
      whole_disk: isWhole(fields),
    };
  }

  /** @throws InvalidError naming the field */
  parse(ref: unknown, field: string): ImageReference {
    const source = parseImageReference(ref, field);
    const { filePaths, ownPaths } = this.parts.rules;
    if (source.kind === 'file') checkFilePath(source.path, filePaths, field, ownPaths);
    return source;
  }

  /** @throws FerricError for a checksum file that cannot be read, or names no checksum of the image */
  async checksumOf(
    declared: ChecksumSource,
    source: ImageReference,
    signal: AbortSignal,
    proxy?: ProxySettings,
  ): Promise<Checksum> {
    if (declared.kind === 'value') return declared.checksum;
    const client = new HttpClient(this.parts.client(proxy));
    try {
      const bytes = await client.bytes({ url: declared.url, maxBytes: MAX_CHECKSUM_FILE, signal });
      const image = source.kind === 'http' ? source.url : source.kind === 'file' ? source.path : '';
      return parseChecksumFile(await checksumText(bytes), image, this.parts.rules, declared.url);
    } finally {
      client.close();
    }
  }

  /** The digest of a file:// image; the file is read once for each state that is cached. */
  private async sha256OfFile(
    source: Extract<ImageReference, { kind: 'file' }>,
    identity: string | undefined,
    signal: AbortSignal,
  ): Promise<string> {
    for (const name of namesOf(source)) {
      const entry = await this.parts.cache.find(name);
      const original = entry?.record.original;
      const digest = original?.digests['sha256'];
      if (
        original &&
        digest !== undefined &&
        identity !== undefined &&
        isFresh(source, { size: original.size, cacheable: true, identity }, original)
      )
        return digest;
    }
    return sha256Of(this.parts.pool, source.path, placesOf(this.parts.rules), signal);
  }
}

/** The digest of a file, by a transfer thread. @throws CancelledError; FerricError for an unreadable file */
export async function sha256Of(
  pool: TransferPool,
  path: string,
  places?: FilePlaces,
  signal?: AbortSignal,
): Promise<string> {
  const job = { kind: 'copy' as const, source: path, algorithms: [], ...(places ? { places } : {}) };
  const { digested } = await pool.run<'copy'>(job, signal ? { signal } : {});
  const value = digested?.digests['sha256'];
  if (value === undefined) throw new FerricError('internal', 'A transfer thread gave no checksum.');
  return value;
}

function isWhole(fields: ImageFields, properties?: ImageProperties): boolean {
  return imageKind(fields, properties) === 'whole-disk';
}

function wire(checksum: Checksum | undefined): ImageChecksum | undefined {
  return checksum && { algo: checksum.algorithm, value: checksum.value };
}
