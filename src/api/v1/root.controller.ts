import { Controller, Get, Req } from '@nestjs/common';
import { Policy } from '../auth/policy.js';
import { MAX_VERSION, MIN_VERSION } from '../microversion/microversion.js';
import { Since } from '../microversion/since.js';
import { Describe } from '../openapi/describe.js';
import { OBJECT } from '../openapi/json-schema.js';
import type { ApiRequest, Asked } from '../request/asked.js';
import { linksTo } from '../resource/links.js';
import { Served } from '../settings.js';
import { sharedVersions } from '../v2/image/versions.js';
import { COLLECTIONS } from './collections.js';

/** The version documents, which need no login. */
@Controller()
export class RootController {
  constructor(private readonly served: Served) {}

  @Get()
  @Since(1)
  @Policy('public')
  @Describe({ summary: 'The versions of the API', answer: { schema: OBJECT } })
  root(@Req() { asked }: ApiRequest) {
    return {
      name: 'OpenStack Ironic API',
      description:
        'Ironic is an OpenStack project which enables the provision and management of baremetal machines.',
      default_version: apiVersion(asked),
      versions: [apiVersion(asked), ...(this.served.images ? sharedVersions(asked.base) : [])],
    };
  }

  @Get('v1')
  @Since(1)
  @Policy('public')
  @Describe({ summary: 'What is under /v1', answer: { schema: OBJECT } })
  v1(@Req() { asked }: ApiRequest) {
    const shown = Object.entries(COLLECTIONS).filter(([, since]) => asked.version.has(since));
    return {
      id: 'v1',
      links: [
        { href: `${asked.base}/v1/`, rel: 'self' },
        {
          href: 'https://docs.openstack.org//ironic/latest/contributor//webapi.html',
          rel: 'describedby',
          type: 'text/html',
        },
      ],
      media_types: {
        base: 'application/json',
        type: 'application/vnd.openstack.ironic.v1+json',
      },
      ...Object.fromEntries(shown.map(([name]) => [name, linksTo(asked.base, `${name}/`)])),
      version: apiVersion(asked),
    };
  }
}

function apiVersion({ base }: Asked) {
  return {
    id: 'v1',
    links: [{ href: `${base}/v1/`, rel: 'self' }],
    status: 'CURRENT',
    min_version: MIN_VERSION,
    version: MAX_VERSION,
  };
}
