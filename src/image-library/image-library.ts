import { rename } from 'node:fs/promises';
import { ConflictError, FerricError, ForbiddenError, messageOf, NotFoundError } from '../domain/errors.js';
import { type ImageEvent, type ImageStatus, ways } from '../domain/image/status.js';
import {
  checkFormatsSet,
  checkFormatsSetForImport,
  checkOffset,
  checkUploadSize,
  isInspected,
  type UploadRange,
} from '../domain/image/upload.js';
import { type BlobFacts, factsOf } from '../image/cache/blob.js';
import { type LocalImage, LocalImages } from '../image/cache/local-images.js';
import type { ImageRecord } from '../persistence/image-record/image-record.entity.js';
import type {
  ImageChanges,
  ImageNote,
  ImageRecordRepository,
} from '../persistence/image-record/image-record.repository.js';
import type { Logger } from '../platform/logger.js';
import type { BlobStore } from './blob-store.js';
import { HeadWatch, judge } from './judge.js';
import { localImageOf } from './local-image.js';
import type { Received, Receiver } from './receiver.js';

export interface LibrarySettings {
  /** Bytes. */
  maxBytes: number;
  maxVirtualBytes: number;
  /** Milliseconds. */
  partTtl: number;
}

/** Downloads a user's URL into a local file, hashed and inspected, under the rules for such URLs. */
export type Download = (
  url: string,
  target: string,
  algorithms: readonly string[],
  signal: AbortSignal,
) => Promise<Received>;

export interface IncomingBytes {
  chunks: AsyncIterable<Uint8Array>;
  /** Announced bytes; undefined: until the stream ends. */
  length: number | undefined;
}

/** Milliseconds during which a part may still belong to a running request. */
const PART_GRACE = 3_600_000;

/** The built-in Image service: changes a record together with its bytes. */
export class ImageLibrary extends LocalImages {
  readonly #imports = new Map<string, { abort: AbortController; done: Promise<void> }>();
  /** Uploads and stagings that requests to this process carry out. */
  readonly #receiving = new Set<{ readonly uuid: string }>();
  #download: Download | undefined;

  constructor(
    private readonly records: ImageRecordRepository,
    private readonly store: BlobStore,
    private readonly receiver: Receiver,
    private readonly settings: LibrarySettings,
    private readonly log: Logger,
  ) {
    super();
  }

  /** Queues the uploads again that a killed daemon left. Call once, before any other method. */
  async start(download: Download): Promise<void> {
    this.#download = download;
    await this.store.start();
    const again = await this.records.requeueInterrupted();
    if (again > 0) this.log.info({ images: again }, 'images: uploads that were cut off are queued again');
    for (const { uuid } of await this.records.withStatus('uploading')) {
      if ((await this.store.partSize(uuid)) === 0)
        await this.records.transit(uuid, ['uploading'], { status: 'queued' });
    }
    await this.#sweep(0);
  }

  /** Stops imports and uploads; their images are queued again. */
  async close(): Promise<void> {
    for (const { abort } of this.#imports.values()) abort.abort();
    await this.receiver.close();
    await Promise.all([...this.#imports.values()].map(({ done }) => done));
  }

  /**
   * Receives an image's bytes, or a range of them.
   * @returns the bytes held while more are to come; null: the image is active
   * @throws ConflictError (status, range), InvalidError, FerricError image-refused, too-large; the image is then queued
   *   again, and of its bytes only those of a range upload are kept
   */
  async upload(
    id: string,
    bytes: IncomingBytes,
    range: UploadRange | null,
    note: ImageNote,
  ): Promise<number | null> {
    const image = await this.records.get(id);
    checkFormatsSet(image);
    const whole = range?.total ?? bytes.length ?? 0;
    checkUploadSize(whole, this.settings.maxBytes);
    return this.#whileReceiving(image, () => this.#upload(image, bytes, range, whole, note));
  }

  async #upload(
    image: ImageRecord,
    bytes: IncomingBytes,
    range: UploadRange | null,
    whole: number,
    note: ImageNote,
  ): Promise<number | null> {
    await this.#enter(image, 'upload');
    const name = range === null ? undefined : image.uuid;
    const part = this.store.partPath(name);
    try {
      const offset = range === null ? 0 : await this.#offset(range, bytes, image.uuid);
      await this.store.demandRoom(whole - offset);
      const isLast = range === null || range.to + 1 === range.total;
      const received = await this.#receive(image, bytes, part, offset, range, isLast);
      if (!isLast) {
        await this.#leave(image.uuid, 'saving');
        return received.size;
      }
      await this.#keep(image, part, received, 'saving', note);
      return null;
    } catch (error) {
      const refused = error instanceof FerricError && error.code === 'image-refused';
      if (range === null || refused) await this.store.dropFile(part);
      await this.#leave(image.uuid, 'saving');
      throw error;
    }
  }

  /** Bytes received so far of an upload by ranges. */
  async uploaded(id: string): Promise<number> {
    return this.store.partSize(id);
  }

  /** Receives bytes for a later import (glance-direct). @throws as `upload` */
  async stage(id: string, bytes: IncomingBytes, note: ImageNote): Promise<void> {
    const image = await this.records.get(id);
    checkUploadSize(bytes.length ?? 0, this.settings.maxBytes);
    await this.#whileReceiving(image, () => this.#stage(image, bytes, note));
  }

  async #stage(image: ImageRecord, bytes: IncomingBytes, note: ImageNote): Promise<void> {
    await this.#enter(image, 'stage');
    const part = this.store.partPath();
    try {
      await this.store.demandRoom(bytes.length ?? 0);
      const { size } = await this.#receive(image, bytes, part, 0, null, false);
      await rename(part, this.store.partPath(image.uuid));
      await this.records.transit(image.uuid, ['uploading'], { size }, note);
    } catch (error) {
      await this.store.dropFile(part);
      await this.#leave(image.uuid, 'uploading');
      throw error;
    }
  }

  /**
   * Starts an import, which continues after this returns. It ends in `active`, or in `queued` with the reason in the
   * property `os_glance_import_error`.
   * @param url of web-download; null: the staged bytes
   * @throws ConflictError for another status
   */
  async import(id: string, url: string | null, note: ImageNote): Promise<void> {
    const image = await this.records.get(id);
    const wanted: ImageStatus = url === null ? 'uploading' : 'queued';
    const words = url === null ? 'glance-direct' : 'web-download';
    if (image.status !== wanted)
      throw new ConflictError(
        url === null
          ? `Image needs to be staged before '${words}' method can be used`
          : `Image needs to be in '${wanted}' state to use '${words}' method`,
      );
    checkFormatsSetForImport(image);
    const entered = await this.#whileReceiving(image, () =>
      this.records.transit(image.uuid, [wanted], { status: 'importing' }),
    );
    if (!entered) throw new ConflictError(`Image ${id} is used by another request.`);
    const abort = new AbortController();
    const done = this.#runImport(entered, url, note, abort.signal).finally(() =>
      this.#imports.delete(image.uuid),
    );
    this.#imports.set(image.uuid, { abort, done });
  }

  /** @throws ForbiddenError for a status that does not allow it */
  async deactivate(id: string, note: ImageNote): Promise<void> {
    await this.#switch(id, 'deactivate', 'deactivated', note);
  }

  async reactivate(id: string, note: ImageNote): Promise<void> {
    await this.#switch(id, 'reactivate', 'active', note);
  }

  /** @param check judges the record under its lock. @throws NotFoundError, and errors of `check` */
  async delete(id: string, check: (image: ImageRecord) => void, note: ImageNote): Promise<void> {
    const image = await this.records.delete(id, check, note);
    this.#imports.get(image.uuid)?.abort.abort();
    await this.store.dropPart(image.uuid);
    if (image.os_hash_value !== null) await this.#release(image.os_hash_value);
  }

  /** Path and description of an image's bytes. @throws FerricError image-unavailable */
  async bytesOf(image: ImageRecord): Promise<{ path: string; facts: BlobFacts }> {
    const sha512 = image.os_hash_value!;
    return { path: this.store.path(sha512), facts: await this.store.facts(sha512) };
  }

  override async show(id: string): Promise<LocalImage> {
    const image = await this.records.get(id);
    return localImageOf(image, () => this.bytesOf(image));
  }

  override async sweep(): Promise<void> {
    await this.#requeueAbandoned();
    await this.#sweep(PART_GRACE);
  }

  /**
   * Queues images again whose status says that work is running, when no work of this process is. The database was away
   * when the end of that work, good or bad, was to be written.
   */
  async #requeueAbandoned(): Promise<void> {
    for (const status of ['saving', 'importing', 'uploading'] as const)
      for (const { uuid } of await this.records.withStatus(status)) {
        // Bytes staged completely wait for their import.
        if (status === 'uploading' && (await this.store.partSize(uuid)) > 0) continue;
        if (this.#isInWork(uuid)) continue;
        await this.#leave(uuid, status);
        this.log.warn({ image: uuid, status }, 'images: work whose end was not written is queued again');
      }
  }

  #isInWork(uuid: string): boolean {
    return this.#imports.has(uuid) || [...this.#receiving].some((one) => one.uuid === uuid);
  }

  async #whileReceiving<T>({ uuid }: ImageRecord, receive: () => Promise<T>): Promise<T> {
    const mark = { uuid };
    this.#receiving.add(mark);
    try {
      return await receive();
    } finally {
      this.#receiving.delete(mark);
    }
  }

  /** @param grace ms: a younger part may belong to a running request */
  async #sweep(grace: number): Promise<void> {
    const now = Date.now();
    for (const { name, modified } of await this.store.parts()) {
      if (modified > now - grace) continue;
      const image = await this.records.find(name);
      const awaited = image?.status === 'queued' || image?.status === 'uploading';
      if (awaited && modified > now - this.settings.partTtl) continue;
      if (image?.status === 'saving' || image?.status === 'importing') continue;
      await this.store.dropPart(name);
      if (image) await this.#leave(image.uuid, 'uploading');
    }
    for (const sha512 of await this.store.blobs()) await this.#release(sha512);
  }

  async #runImport(
    image: ImageRecord,
    url: string | null,
    note: ImageNote,
    signal: AbortSignal,
  ): Promise<void> {
    const part = this.store.partPath(image.uuid);
    try {
      const received = url === null ? await this.#staged(image, part) : await this.#fetch(url, part, signal);
      await this.#keep(image, part, received, 'importing', note);
      this.log.info({ image: image.uuid, bytes: received.size }, 'images: imported');
    } catch (error) {
      await this.store.dropFile(part);
      const reason = signal.aborted ? 'The import was stopped.' : messageOf(error);
      const failed = { os_glance_import_error: reason.slice(0, 2_000) };
      const properties = { ...image.properties, ...failed };
      const queued = await this.records
        .transit(image.uuid, ['importing'], { status: 'queued', size: null, properties }, note)
        .catch((fault: unknown) => {
          this.log.error(
            { image: image.uuid, error: messageOf(fault) },
            'images: a failed import could not be noted',
          );
          return null;
        });
      if (queued) this.log.warn({ image: image.uuid, error: reason }, 'images: an import failed');
    }
  }

  async #staged(image: ImageRecord, part: string): Promise<Received> {
    const offset = await this.store.partSize(image.uuid);
    const nothing: IncomingBytes = { chunks: none(), length: 0 };
    return this.#receive(image, nothing, part, offset, null, true);
  }

  async #fetch(url: string, part: string, signal: AbortSignal): Promise<Received> {
    if (!this.#download) throw new FerricError('internal', 'The image library was not started.');
    return this.#download(url, part, ['md5', 'sha512'], signal);
  }

  async #receive(
    image: ImageRecord,
    bytes: IncomingBytes,
    part: string,
    offset: number,
    range: UploadRange | null,
    isLast: boolean,
  ): Promise<Received> {
    const watch =
      offset === 0 && isInspected(image) ? new HeadWatch(image, this.settings.maxVirtualBytes) : null;
    const most = range === null ? this.settings.maxBytes : range.to + 1;
    const received = await this.receiver.receive(bytes.chunks, part, {
      offset,
      whole: isLast,
      onChunk: (chunk, size) => {
        checkUploadSize(size, most);
        watch?.see(chunk);
      },
    });
    if (range !== null && received.size !== range.to + 1)
      throw new ConflictError(`The range ended at byte ${received.size} instead of ${range.to + 1}.`);
    return received;
  }

  /** Gives bytes their name in the store and the image its values, both or neither. */
  async #keep(
    image: ImageRecord,
    part: string,
    received: Received,
    from: ImageStatus,
    note: ImageNote,
  ): Promise<void> {
    judge(image, received.inspection, this.settings.maxVirtualBytes);
    const facts = factsOf(received);
    const { md5, sha512 } = facts.digests;
    await this.store.holding(sha512, async () => {
      await this.store.adopt(part, facts);
      const { os_glance_import_error: _, ...properties } = image.properties;
      const changes: ImageChanges = {
        status: 'active',
        size: facts.size,
        virtual_size: (isInspected(image) && received.inspection.virtualSize) || null,
        checksum: md5,
        os_hash_algo: 'sha512',
        os_hash_value: sha512,
        ...('os_glance_import_error' in image.properties ? { properties } : {}),
      };
      const kept = await this.records.transit(image.uuid, [from], changes, note);
      if (kept) return;
      if (!(await this.records.isHeld(sha512))) await this.store.remove(sha512);
      throw new NotFoundError(
        `Image ${image.uuid} could not be found after upload. The image may have been deleted during the upload.`,
      );
    });
  }

  async #release(sha512: string): Promise<void> {
    await this.store.holding(sha512, async () => {
      if (!(await this.records.isHeld(sha512))) await this.store.remove(sha512);
    });
  }

  async #enter(image: ImageRecord, event: ImageEvent): Promise<void> {
    const [way] = ways(event);
    const entered = await this.records.transit(image.uuid, way!.from, { status: way!.to });
    if (entered) return;
    const { status } = await this.records.get(image.uuid);
    throw new ConflictError(`Image status transition from ${status} to ${way!.to} is not allowed`);
  }

  /** Queues the image again after a failure; a deleted image stays deleted. */
  async #leave(id: string, from: ImageStatus): Promise<void> {
    await this.records.transit(id, [from], { status: 'queued', size: null });
  }

  async #offset(range: UploadRange, bytes: IncomingBytes, name: string): Promise<number> {
    // An upload that begins at 0 starts anew.
    if (range.from === 0) await this.store.dropPart(name);
    else checkOffset(range, await this.store.partSize(name));
    if (bytes.length !== undefined && bytes.length !== range.to - range.from + 1)
      throw new ConflictError(`Content-Range and Content-Length do not agree.`);
    return range.from;
  }

  async #switch(id: string, event: ImageEvent, to: ImageStatus, note: ImageNote): Promise<void> {
    const [way] = ways(event);
    if (await this.records.transit(id, way!.from, { status: to }, note)) return;
    const { status } = await this.records.get(id);
    if (status !== to) throw new ForbiddenError(`Not allowed to ${event} image in status '${status}'`);
  }
}

async function* none(): AsyncGenerator<Uint8Array> {}
