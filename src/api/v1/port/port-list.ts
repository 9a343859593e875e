import { Injectable } from '@nestjs/common';
import { FerricError, InvalidError } from '../../../domain/errors.js';
import { canonicalUuid } from '../../../domain/node/name.js';
import { type PortFilter, PortRepository } from '../../../persistence/port/port.repository.js';
import type { ApiRequest } from '../../request/asked.js';
import type { ParameterTable } from '../../request/query.js';
import { macAddress, stringList, text, uuid, uuidOrName } from '../../request/value.js';
import { answerListing, detailListingOf, listingOf, readListing } from '../../resource/listing.js';
import { ApiSettings } from '../../settings.js';
import { NodeFinder } from '../node/node-finder.js';
import { PortgroupFinder } from '../portgroup/portgroup-finder.js';
import { PORT_FIELDS } from './fields.js';

const PORT_FILTERS = {
  node: { read: uuidOrName, about: 'Ports of this node' },
  node_uuid: { read: uuid, about: 'Ports of this node' },
  address: { read: macAddress, about: 'The port of this MAC address' },
  portgroup: { since: 24, hidesVersion: true, read: uuidOrName, about: 'Ports of this port group' },
  shard: { since: 82, read: stringList, about: 'Ports of nodes in these shards, comma-separated' },
  description_contains: { read: text, about: 'Ports whose description has this text in it' },
  // New in 1.99, but Ironic's controllers do not check the version.
  conductor_groups: { read: stringList, about: 'Ports of nodes in these groups' },
} as const satisfies ParameterTable;
export const PORT_LIST = listingOf(PORT_FILTERS);
export const PORT_DETAIL_LIST = detailListingOf(PORT_FILTERS);

/** Listings of ports: all, or those of one node or port group, with or without detail. */
@Injectable()
export class PortList {
  constructor(
    private readonly ports: PortRepository,
    private readonly finder: NodeFinder,
    private readonly groups: PortgroupFinder,
    private readonly settings: ApiSettings,
  ) {}

  /**
   * @param path below /v1, for `next`
   * @param parent uuid or name of the resource in the path
   * @param whole the path asks for all fields
   */
  async list(
    request: ApiRequest,
    path: string,
    parent: { node?: string; portgroup?: string },
    whole: boolean,
  ) {
    const of = { fields: PORT_FIELDS, filters: PORT_FILTERS };
    const listing = readListing(request, of, this.settings.maxLimit, whole);
    const { asked, given, page, columns } = listing;
    const project = asked.scope.confine();
    const named = parent.node ?? given.node_uuid ?? given.node;
    const group = parent.portgroup ?? given.portgroup;
    if ([named, group, given.shard].filter((each) => each !== undefined).length > 1) {
      throw new FerricError('forbidden', 'Operation not permitted.');
    }
    if (given.conductor_groups && (named ?? group ?? given.address) !== undefined) {
      throw new InvalidError(
        'Filtering by conductor_groups cannot be combined with node_ident, portgroup_ident, or node address filters.',
      );
    }
    if (given.node !== undefined && !asked.version.does('nodeName') && canonicalUuid(given.node) === null) {
      throw new FerricError('not-acceptable', 'Request not acceptable.');
    }
    const filter: PortFilter = {};
    if (project !== undefined) filter.project = project;
    if (named !== undefined) filter.node_uuid = (await this.finder.find(named, asked)).uuid;
    if (group !== undefined) filter.portgroup_uuid = (await this.groups.find(group, asked)).uuid;
    if (given.address !== undefined) filter.address = given.address;
    if (given.shard) filter.shards = given.shard;
    if (given.description_contains !== undefined) filter.description_contains = given.description_contains;
    if (given.conductor_groups) filter.conductor_groups = given.conductor_groups;
    return answerListing('ports', path, listing, await this.ports.list(filter, page, columns));
  }
}
