import { Controller, Get, Req } from '@nestjs/common';
import { isLogicalName, isUuidLike } from '../../../domain/node/name.js';
import { Policy } from '../../auth/policy.js';
import { PathRefused } from '../../error/path-refused.js';
import { Since } from '../../microversion/since.js';
import { Describe } from '../../openapi/describe.js';
import { LINKS, objectOf } from '../../openapi/json-schema.js';
import type { ApiRequest, Asked } from '../../request/asked.js';
import { shorten } from '../../request/value.js';
import { linksTo } from '../../resource/links.js';

const PLACES = objectOf({ links: LINKS, connectors: LINKS, targets: LINKS });

/** Links to the volume collections, of all nodes or of one. */
@Controller('v1')
export class VolumeController {
  @Get('volume')
  @Since(32)
  @Policy('baremetal:volume:get')
  @Describe({ summary: 'Where volumes are', answer: { schema: PLACES } })
  all(@Req() { asked }: ApiRequest) {
    return show(asked, 'volume/');
  }

  @Get('nodes/:ident/volume')
  @Since(32)
  @Policy('baremetal:volume:get')
  @Describe({ summary: 'Where volumes of a node are', answer: { schema: PLACES } })
  ofNode(@Req() { asked, params }: ApiRequest) {
    const ident = params['ident']!;
    if (!isUuidLike(ident) && !isLogicalName(ident)) {
      throw new PathRefused(`Expected UUID or name for node: ${shorten(ident)}`);
    }
    return show(asked, `nodes/${encodeURIComponent(ident)}/volume/`);
  }
}

/** Reveals nothing of the node, not even whether it exists. */
function show(asked: Asked, path: string) {
  asked.scope.demand('baremetal:volume:get');
  return {
    links: linksTo(asked.base, path),
    connectors: linksTo(asked.base, `${path}connectors`),
    targets: linksTo(asked.base, `${path}targets`),
  };
}
