import { Controller, Get, Req } from '@nestjs/common';
import { Policy } from '../auth/policy.js';
import { MAX_VERSION, MIN_VERSION } from '../microversion/microversion.js';
import { Since } from '../microversion/since.js';
import { Describe } from '../openapi/describe.js';
import { OBJECT } from '../openapi/json-schema.js';
import type { ApiRequest, Asked } from '../request/asked.js';
import { linksTo } from '../resource/links.js';

/** Collections under /v1 and the microversion that shows each. */
const COLLECTIONS: Readonly<Record<string, number>> = {
  chassis: 1,
  nodes: 1,
  ports: 1,
  drivers: 1,
  portgroups: 23,
  volume: 32,
  lookup: 22,
  heartbeat: 22,
  conductors: 49,
  allocations: 52,
  events: 54,
  deploy_templates: 55,
  shards: 82,
  continue_inspection: 84,
  runbooks: 92,
  inspection_rules: 96,
};

/** What clients read first, without login. */
@Controller()
export class RootController {
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
      // Nothing of the Image service: the SDK, and so Nova, take the highest version that stands here for the Bare Metal
      // API's (keystoneauth1, discover.py: versioned_data_for).
      versions: [apiVersion(asked)],
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
