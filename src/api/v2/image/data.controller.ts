import type { IncomingMessage } from 'node:http';
import { Controller, Get, HttpCode, Post, Put, Req, Res } from '@nestjs/common';
import { Conductor } from '../../../conductor/service/conductor.js';
import { ForbiddenError, InvalidError } from '../../../domain/errors.js';
import { parseUploadRange } from '../../../domain/image/upload.js';
import { ImageLibrary, type IncomingBytes } from '../../../image-library/image-library.js';
import { Policy } from '../../auth/policy.js';
import { Since } from '../../microversion/since.js';
import { Describe } from '../../openapi/describe.js';
import { OBJECT } from '../../openapi/json-schema.js';
import type { ApiReply, ApiRequest } from '../../request/asked.js';
import { ImageFinder, seesAll } from './image-finder.js';
import { ImageApiSettings } from './settings.js';
import { chunksOf, drain, sendImage } from './transfer.js';

@Controller('v2/images')
export class ImageDataController {
  constructor(
    private readonly library: ImageLibrary,
    private readonly conductor: Conductor,
    private readonly finder: ImageFinder,
    private readonly settings: ImageApiSettings,
  ) {}

  @Put(':id/file')
  @HttpCode(204)
  @Since(1)
  @Policy('image:upload_image')
  @Describe({ summary: 'Upload the bytes of an image; with Content-Range a part of them (ours)' })
  async upload(@Req() request: ApiRequest, @Res({ passthrough: true }) reply: ApiReply): Promise<void> {
    await this.#taking(request, async (id, bytes) => {
      const range = parseUploadRange(request.raw.headers['content-range']);
      const held = await this.library.upload(id, bytes, range, this.#note(id, request));
      if (held !== null) reply.code(202).header('upload-offset', String(held));
    });
  }

  @Put(':id/stage')
  @HttpCode(204)
  @Since(1)
  @Policy('image:upload_image')
  @Describe({ summary: 'Upload bytes that are imported later' })
  async stage(@Req() request: ApiRequest): Promise<void> {
    await this.#taking(request, (id, bytes) => this.library.stage(id, bytes, this.#note(id, request)));
  }

  @Post(':id/import')
  @HttpCode(202)
  @Since(1)
  @Policy('image:upload_image')
  @Describe({
    summary: 'Make an image of what was staged (glance-direct), or of a URL (web-download)',
    body: { schema: OBJECT },
  })
  async import(@Req() request: ApiRequest): Promise<void> {
    const url = readImport(request.body, this.settings.importMethods);
    const { image } = await this.finder.find(request, 'image:upload_image');
    await this.library.import(image.uuid, url, this.#note(image.uuid, request));
  }

  @Get(':id/file')
  @Since(1)
  @Policy('image:download_image')
  @Describe({
    summary: 'The bytes of an image, or a range of them',
    answer: { text: 'application/octet-stream' },
  })
  async download(@Req() request: ApiRequest, @Res() reply: ApiReply & { send(): void }): Promise<void> {
    const { image } = await this.finder.find(request, 'image:download_image');
    request.asked.scope.assertDecided();
    if (image.status === 'deactivated' && !seesAll(request.asked))
      throw new ForbiddenError('The requested image has been deactivated. Image data download is forbidden.');
    if (image.os_hash_value === null) {
      reply.code(204).header('upload-offset', String(await this.library.uploaded(image.uuid)));
      reply.send();
      return;
    }
    const { path, facts } = await this.library.bytesOf(image);
    const { md5, sha512 } = facts.digests;
    const modified = image.updated_at.getTime();
    await sendImage(request, reply, { path, size: facts.size, checksum: md5, sha512, modified });
  }

  #note(uuid: string, { asked }: ApiRequest) {
    return this.conductor.records.imageNote('changed', uuid, asked.by);
  }

  async #taking(
    request: ApiRequest,
    take: (id: string, bytes: IncomingBytes) => Promise<void>,
  ): Promise<void> {
    const body = request.body as IncomingMessage;
    try {
      const { image } = await this.finder.find(request, 'image:upload_image');
      const length = request.raw.headers['content-length'];
      await take(image.uuid, {
        chunks: chunksOf(body, this.settings.idleTimeout),
        length: length === undefined ? undefined : Number(length),
      });
    } catch (error) {
      drain(body);
      throw error;
    }
  }
}

/** @returns the URL of a web-download; null for glance-direct. @throws InvalidError */
function readImport(body: unknown, methods: readonly string[]): string | null {
  if (typeof body !== 'object' || body === null) throw new InvalidError('Body expected in request.');
  const { method } = body as { method?: unknown };
  if (typeof method !== 'object' || method === null)
    throw new InvalidError("Import request requires a 'method' field.");
  const { name, uri } = method as { name?: unknown; uri?: unknown };
  if (typeof name !== 'string') throw new InvalidError("Import request requires a 'name' field.");
  if (!methods.includes(name)) throw new InvalidError(`Unknown import method name '${name}'.`);
  if (name !== 'web-download') return null;
  if (typeof uri !== 'string' || !/^https?:\/\/[^/]/i.test(uri))
    throw new InvalidError('Invalid "uri": web-download needs an http or https URL.');
  return uri;
}
