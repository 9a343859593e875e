import { Controller, Get, Header, Req } from '@nestjs/common';
import { Policy } from '../auth/policy.js';
import { Microversion, VERSION_HEADER } from '../microversion/microversion.js';
import { Since } from '../microversion/since.js';
import type { ApiRequest } from '../request/asked.js';
import type { DeclaredRoute } from '../routes.js';
import { Describe } from './describe.js';
import { type OpenApiDocument, openApiDocument } from './document.js';
import { openApiPage } from './page.js';

/** The routes that the document describes. This class is Nest's injection token. */
export abstract class DescribedRoutes {
  abstract readonly routes: readonly DeclaredRoute[];
}

/** The description of the API, for programs and for people; a Ferric extension. */
@Controller('v1')
export class OpenApiController {
  constructor(private readonly described: DescribedRoutes) {}

  /** `openapi.json` arrives here before 1.91, when a `.json` suffix is dropped. */
  @Get('openapi')
  @Header('content-type', 'application/json; charset=utf-8')
  @Since(1)
  @Policy('public')
  @Describe({ summary: 'This document', answer: { schema: { type: 'object' } } })
  suffixDropped(@Req() request: ApiRequest): OpenApiDocument {
    return this.#document(request);
  }

  @Get('openapi.json')
  @Since(1)
  @Policy('public')
  @Describe({ summary: 'This document', answer: { schema: { type: 'object' } } })
  json(@Req() request: ApiRequest): OpenApiDocument {
    return this.#document(request);
  }

  @Get('openapi.html')
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
  @Since(1)
  @Policy('public')
  @Describe({ summary: 'This document as a page', answer: { text: 'text/html' } })
  page(@Req() request: ApiRequest): string {
    return openApiPage(this.#document(request));
  }

  /** A browser names no version: it gets the newest. */
  #document({ raw, asked }: ApiRequest): OpenApiDocument {
    const named = 'openstack-api-version' in raw.headers || VERSION_HEADER in raw.headers;
    const version = named ? asked.version : Microversion.newest;
    return openApiDocument(this.described.routes, version, asked.base);
  }
}
