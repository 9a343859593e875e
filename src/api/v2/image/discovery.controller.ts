import { Controller, Get, Req } from '@nestjs/common';
import { NotFoundError } from '../../../domain/errors.js';
import { Policy } from '../../auth/policy.js';
import { Since } from '../../microversion/since.js';
import { Describe } from '../../openapi/describe.js';
import { OBJECT } from '../../openapi/json-schema.js';
import type { ApiRequest } from '../../request/asked.js';
import { SCHEMAS } from './schema.js';
import { ImageApiSettings } from './settings.js';
import { imageVersions, sharedVersions } from './versions.js';

/** Versions and schemas, which clients read before images. */
@Controller()
export class ImageDiscoveryController {
  constructor(private readonly settings: ImageApiSettings) {}

  @Get('versions')
  @Since(1)
  @Policy('public')
  @Describe({ summary: 'The versions of the Image API', answer: { schema: OBJECT } })
  versions(@Req() { asked }: ApiRequest) {
    return { versions: imageVersions(asked.base) };
  }

  @Get('v2')
  @Since(1)
  @Policy('public')
  @Describe({ summary: 'The versions of the Image API', answer: { schema: OBJECT } })
  root(@Req() { asked }: ApiRequest) {
    return { versions: sharedVersions(asked.base) };
  }

  @Get('v2/schemas/:name')
  @Since(1)
  @Policy('image:get_images')
  @Describe({ summary: 'The schema of image, images, member or members', answer: { schema: OBJECT } })
  schema(@Req() { params }: ApiRequest) {
    const schema = Object.hasOwn(SCHEMAS, params['name']!) ? SCHEMAS[params['name']!] : undefined;
    if (!schema) throw new NotFoundError('The resource could not be found.');
    return schema;
  }

  @Get('v2/info/import')
  @Since(1)
  @Policy('image:get_images')
  @Describe({ summary: 'Ways to import an image', answer: { schema: OBJECT } })
  importMethods() {
    const value = this.settings.importMethods;
    return { 'import-methods': { description: 'Import methods available.', type: 'array', value } };
  }

  @Get('v2/info/stores')
  @Since(1)
  @Policy('image:get_images')
  @Describe({ summary: 'Where bytes are kept: one place', answer: { schema: OBJECT } })
  stores() {
    return { stores: [{ id: 'ferric', description: 'Content-addressed files', default: 'true' }] };
  }
}
