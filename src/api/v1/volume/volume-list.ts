import { Injectable } from '@nestjs/common';
import { InvalidError } from '../../../domain/errors.js';
import type { VolumeFilter } from '../../../persistence/volume/volume.repository.js';
import type { ApiRequest } from '../../request/asked.js';
import type { ParameterTable } from '../../request/query.js';
import { uuidOrName } from '../../request/value.js';
import type { Field, Reading, Selection } from '../../resource/field.js';
import { type Listing, listingOf, readListing } from '../../resource/listing.js';
import { ApiSettings } from '../../settings.js';
import { NodeFinder } from '../node/node-finder.js';

const VOLUME_FILTERS = {
  node: { read: uuidOrName, about: 'Volumes of this node' },
} as const satisfies ParameterTable;
export const VOLUME_LIST = listingOf(VOLUME_FILTERS);

/** The common part of listings of connectors and of targets. */
@Injectable()
export class VolumeList {
  constructor(
    private readonly finder: NodeFinder,
    private readonly settings: ApiSettings,
  ) {}

  /** @param parent uuid or name of the node in the path */
  async read<Row extends { uuid: string }, Context extends Reading>(
    request: ApiRequest,
    fields: readonly Field<Row, Context>[],
    parent?: string,
  ): Promise<{ listing: Listing<Row, typeof VOLUME_FILTERS, Context>; filter: VolumeFilter }> {
    const of = { fields, filters: VOLUME_FILTERS, select };
    const listing = readListing(request, of, this.settings.maxLimit);
    const { asked, given } = listing;
    const project = asked.scope.confine();
    const node = parent ?? given.node;
    const filter: VolumeFilter = {};
    if (project !== undefined) filter.project = project;
    if (node !== undefined) filter.node_uuid = (await this.finder.find(node, asked)).uuid;
    return { listing, filter };
  }
}

/** Volumes have had `detail` since their first version. */
function select(given: { fields?: readonly string[]; detail?: boolean }): Selection {
  if (given.fields && given.detail) {
    throw new InvalidError("Can't fetch a subset of fields with 'detail' set");
  }
  return given.fields ?? (given.detail ? 'whole' : 'brief');
}
