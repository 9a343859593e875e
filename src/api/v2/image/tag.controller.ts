import { Controller, Delete, HttpCode, Put, Req } from '@nestjs/common';
import { Conductor } from '../../../conductor/service/conductor.js';
import { NotFoundError } from '../../../domain/errors.js';
import type { ImageRecord } from '../../../persistence/image-record/image-record.entity.js';
import { ImageRecordRepository } from '../../../persistence/image-record/image-record.repository.js';
import { Policy } from '../../auth/policy.js';
import { Since } from '../../microversion/since.js';
import { Describe } from '../../openapi/describe.js';
import type { ApiRequest } from '../../request/asked.js';
import { checkCount } from './image.controller.js';
import { ImageFinder } from './image-finder.js';
import { ImageApiSettings } from './settings.js';
import { checkValue } from './values.js';

@Controller('v2/images/:id/tags')
export class ImageTagController {
  constructor(
    private readonly records: ImageRecordRepository,
    private readonly conductor: Conductor,
    private readonly finder: ImageFinder,
    private readonly settings: ImageApiSettings,
  ) {}

  @Put(':tag')
  @HttpCode(204)
  @Since(1)
  @Policy('image:modify_image')
  @Describe({ summary: 'Tag an image' })
  async add(@Req() request: ApiRequest): Promise<void> {
    const tag = request.params['tag']!;
    checkValue('tags', [tag]);
    const { image } = await this.finder.find(request, 'image:modify_image', missing);
    const change = ({ tags }: ImageRecord) => {
      if (tags.includes(tag)) return {};
      checkCount('tags', tags.length + 1, this.settings.maxTags);
      return { tags: [...tags, tag] };
    };
    await this.records.edit(image.uuid, change, this.#note(image, request));
  }

  @Delete(':tag')
  @HttpCode(204)
  @Since(1)
  @Policy('image:modify_image')
  @Describe({ summary: 'Take a tag away' })
  async remove(@Req() request: ApiRequest): Promise<void> {
    const tag = request.params['tag']!;
    const { image } = await this.finder.find(request, 'image:modify_image', missing);
    const change = ({ tags }: ImageRecord) => {
      if (!tags.includes(tag)) throw new NotFoundError('The resource could not be found.');
      return { tags: tags.filter((other) => other !== tag) };
    };
    await this.records.edit(image.uuid, change, this.#note(image, request));
  }

  #note({ uuid }: ImageRecord, { asked }: ApiRequest) {
    return this.conductor.records.imageNote('changed', uuid, asked.by);
  }
}

function missing(id: string): string {
  return `Image ${id} not found.`;
}
