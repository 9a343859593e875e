import { randomUUID } from 'node:crypto';
import { Controller, Delete, Get, HttpCode, Patch, Post, Req, Res } from '@nestjs/common';
import { Conductor } from '../../../conductor/service/conductor.js';
import { FerricError, ForbiddenError } from '../../../domain/errors.js';
import { ImageLibrary } from '../../../image-library/image-library.js';
import type { ImageRecord } from '../../../persistence/image-record/image-record.entity.js';
import {
  type ImageChanges,
  ImageRecordRepository,
} from '../../../persistence/image-record/image-record.repository.js';
import { Policy } from '../../auth/policy.js';
import type { Target } from '../../auth/who.js';
import { Since } from '../../microversion/since.js';
import { Describe } from '../../openapi/describe.js';
import { OBJECT } from '../../openapi/json-schema.js';
import type { ApiReply, ApiRequest, Asked } from '../../request/asked.js';
import { ImageFinder, seesAll, viewerOf } from './image-finder.js';
import { applyImagePatch, readImagePatch } from './patch.js';
import { readImageQuery } from './query.js';
import { ImageApiSettings } from './settings.js';
import { readNewImage } from './values.js';
import { imageView } from './view.js';

@Controller('v2/images')
export class ImageController {
  constructor(
    private readonly records: ImageRecordRepository,
    private readonly library: ImageLibrary,
    private readonly conductor: Conductor,
    private readonly finder: ImageFinder,
    private readonly settings: ImageApiSettings,
  ) {}

  @Get()
  @Since(1)
  @Policy('image:get_images')
  @Describe({ summary: 'Images', answer: { schema: OBJECT } })
  async list(@Req() { query, url, asked }: ApiRequest) {
    const limits = { standard: this.settings.defaultLimit, most: this.settings.maxLimit };
    const { memberStatus, ...read } = readImageQuery(query, limits);
    const images = await this.records.list({ ...read, viewer: viewerOf(asked, memberStatus) });
    const parameters = new URLSearchParams(url.split('?')[1] ?? '');
    parameters.delete('marker');
    const first = parameters.size > 0 ? `/v2/images?${parameters}` : '/v2/images';
    const last = images.length > 0 && images.length === read.limit ? images.at(-1)!.uuid : null;
    if (last) parameters.set('marker', last);
    return {
      images: images.map(imageView),
      first,
      ...(last ? { next: `/v2/images?${parameters}` } : {}),
      schema: '/v2/schemas/images',
    };
  }

  @Post()
  @Since(1)
  @Policy('image:add_image')
  @Describe({
    summary: 'Create an image; its bytes come later',
    body: { schema: OBJECT },
    answer: { schema: OBJECT },
  })
  async create(@Req() { asked, body }: ApiRequest, @Res({ passthrough: true }) reply: ApiReply) {
    const { id, values, properties } = readNewImage(body);
    const { scope } = asked;
    const owner = values.owner === undefined ? scope.project : values.owner;
    scope.demand('image:add_image', { owner });
    this.#checkVisibility(asked, values, { owner });
    this.#checkCounts(values, properties);
    const uuid = id ?? randomUUID();
    const given = {
      visibility: 'shared' as const,
      ...values,
      owner,
      properties,
      status: 'queued' as const,
      uuid,
    };
    const image = await this.records.create(given, this.#note('created', uuid, asked));
    reply.header('location', `${asked.base}/v2/images/${image.uuid}`);
    reply.header('openstack-image-import-methods', this.settings.importMethods.join(','));
    return imageView(image);
  }

  @Get(':id')
  @Since(1)
  @Policy('image:get_image')
  @Describe({ summary: 'An image', answer: { schema: OBJECT } })
  async show(@Req() request: ApiRequest) {
    return imageView((await this.finder.find(request, 'image:get_image')).image);
  }

  @Patch(':id')
  @Since(1)
  @Policy('image:modify_image')
  @Describe({ summary: 'Change an image', body: { schema: { type: 'array' } }, answer: { schema: OBJECT } })
  async update(@Req() request: ApiRequest) {
    const { asked, body, raw } = request;
    const changes = readImagePatch(raw.headers['content-type'], body);
    const { image, target } = await this.finder.find(request, 'image:modify_image');
    if (changes.some(({ name }) => name === 'owner') && !seesAll(asked))
      throw new ForbiddenError("Owner can't be updated by non admin.");
    const change = (current: ImageRecord) => {
      const values = applyImagePatch(current, changes);
      this.#checkVisibility(asked, values, target);
      this.#checkCounts(values, values.properties ?? {});
      return values;
    };
    const note = this.#note('changed', image.uuid, asked);
    return imageView(await this.records.edit(image.uuid, change, note));
  }

  @Delete(':id')
  @HttpCode(204)
  @Since(1)
  @Policy('image:delete_image')
  @Describe({ summary: 'Delete an image and, where no other has the same, its bytes' })
  async delete(@Req() request: ApiRequest): Promise<void> {
    const missing = (id: string) => `Failed to find image ${id} to delete`;
    const { image } = await this.finder.find(request, 'image:delete_image', missing);
    await this.library.delete(image.uuid, refuseProtected, this.#note('deleted', image.uuid, request.asked));
  }

  @Post(':id/actions/deactivate')
  @HttpCode(204)
  @Since(1)
  @Policy('image:deactivate')
  @Describe({ summary: 'Keep the bytes of an image from everybody' })
  async deactivate(@Req() request: ApiRequest): Promise<void> {
    const { image } = await this.finder.find(request, 'image:deactivate');
    await this.library.deactivate(image.uuid, this.#note('changed', image.uuid, request.asked));
  }

  @Post(':id/actions/reactivate')
  @HttpCode(204)
  @Since(1)
  @Policy('image:reactivate')
  @Describe({ summary: 'Give them again' })
  async reactivate(@Req() request: ApiRequest): Promise<void> {
    const { image } = await this.finder.find(request, 'image:reactivate');
    await this.library.reactivate(image.uuid, this.#note('changed', image.uuid, request.asked));
  }

  #note(verb: 'created' | 'changed' | 'deleted', uuid: string, { by }: Asked) {
    return this.conductor.records.imageNote(verb, uuid, by);
  }

  #checkVisibility({ scope }: Asked, { visibility }: ImageChanges, target: Target): void {
    if (visibility === 'public') scope.demand('image:publicize_image', target);
    if (visibility === 'community') scope.demand('image:communitize_image', target);
  }

  /** @throws FerricError too-large */
  #checkCounts({ tags }: ImageChanges, properties: Readonly<Record<string, string>>): void {
    const { maxProperties, maxTags } = this.settings;
    checkCount('properties', Object.keys(properties).length, maxProperties);
    checkCount('tags', tags?.length ?? 0, maxTags);
  }
}

/** @throws FerricError too-large, the answer to Glance's quotas */
export function checkCount(what: string, count: number, most: number): void {
  if (count > most)
    throw new FerricError(
      'too-large',
      `The limit has been exceeded on the number of allowed image ${what}. Attempted: ${count}, Maximum: ${most}`,
    );
}

function refuseProtected({ protected: isProtected, uuid }: ImageRecord): void {
  if (isProtected) throw new ForbiddenError(`Image ${uuid} is protected and cannot be deleted.`);
}
