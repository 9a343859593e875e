import { Controller, Delete, Get, HttpCode, Param, Post, Req } from '@nestjs/common';
import { InvalidError } from '../../../domain/errors.js';
import { isObject } from '../../../domain/json.js';
import { CacheAdmin } from '../../../image/cache/cache-admin.js';
import { Policy } from '../../auth/policy.js';
import { Since } from '../../microversion/since.js';
import { Describe } from '../../openapi/describe.js';
import { FLAG, objectOf, STRING, STRINGS, TEXT, TIME } from '../../openapi/json-schema.js';
import { readFlag, readText, refuseUnknown, required } from '../../request/arguments.js';
import type { ApiRequest } from '../../request/asked.js';
import { readQuery } from '../../request/query.js';

const COUNT = { type: 'integer' };
const COUNT_OR_NULL = { type: ['integer', 'null'] };
const IMAGE = objectOf({
  ...{ id: STRING, href: STRING, converted: FLAG, size: COUNT, disk_format: TEXT, sha256: STRING },
  ...{ fetched_at: TIME, used_at: TIME, last_modified: TIME, etag: TEXT, in_use: FLAG, pinned_at: TIME },
  ...{ hits: COUNT, bytes_saved: COUNT, eviction_order: COUNT_OR_NULL, waiting: STRINGS },
});
const PREFETCH = objectOf({
  ...{ id: STRING, href: STRING, checksum: TEXT, opaque: FLAG, state: STRING, error: TEXT },
  ...{ asked_at: TIME, finished_at: TIME, bytes: COUNT_OR_NULL, total: COUNT_OR_NULL },
});
const TRANSFER = objectOf({ id: STRING, href: STRING, waiting: STRINGS, bytes: COUNT, total: COUNT });
const list = (items: object) => ({ type: 'array', items });

/** The cache of images for deployments. A Ferric extension. */
@Controller('v1/image_cache')
export class ImageCacheController {
  constructor(private readonly cache: CacheAdmin) {}

  @Get()
  @Since(1)
  @Policy('ferric:image_cache:get')
  @Describe({
    summary: 'What the image cache holds, what is on its way, and what would go next',
    query: {},
    answer: {
      schema: objectOf({
        ...{ images: list(IMAGE), prefetches: list(PREFETCH), transfers: list(TRANSFER) },
        ...{ size: COUNT, max_size: COUNT, bytes_saved: COUNT },
      }),
    },
  })
  show(@Req() { asked, query }: ApiRequest) {
    readQuery(query, {}, asked.version);
    return this.cache.report();
  }

  @Post('prefetches')
  @HttpCode(202)
  @Since(1)
  @Policy('ferric:image_cache:change')
  @Describe({
    summary: 'Have an image fetched before it is wanted',
    body: { schema: objectOf({ href: STRING, checksum: TEXT, opaque: FLAG }, ['href']) },
    answer: { schema: PREFETCH },
  })
  async prefetch(@Req() { body }: ApiRequest) {
    if (!isObject(body)) throw new InvalidError('The body must be an object with href.');
    const given = body as Record<string, unknown>;
    refuseUnknown(given, ['href', 'checksum', 'opaque']);
    const href = required('href', readText(given, 'href', 4_096));
    return this.cache.prefetch(href, readText(given, 'checksum', 4_096), readFlag(given, 'opaque') ?? false);
  }

  @Post('images/:id/pin')
  @HttpCode(204)
  @Since(1)
  @Policy('ferric:image_cache:change')
  @Describe({ summary: 'Keep an image in the cache, whatever its age and however little room there is' })
  async pin(@Param('id') id: string) {
    await this.cache.pin(id);
  }

  @Delete('images/:id/pin')
  @HttpCode(204)
  @Since(1)
  @Policy('ferric:image_cache:change')
  @Describe({ summary: 'Let an image go again' })
  async unpin(@Param('id') id: string) {
    await this.cache.unpin(id);
  }

  @Delete('images/:id')
  @HttpCode(204)
  @Since(1)
  @Policy('ferric:image_cache:change')
  @Describe({ summary: 'Remove an image from the cache; not while it is in use, waited for or pinned' })
  async evict(@Param('id') id: string) {
    await this.cache.evict(id);
  }
}
